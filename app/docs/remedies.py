"""When each code is answered, and what to do about it: what its message alone does not say.

The text is Markdown as far as `code` goes. docs/api.md has the same sentences; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping

REMEDIES: Mapping[str, str] = {
    "KEY_IN_URL": "The path or the query holds a key. Send it in a header, and rotate it: it is in logs now.",
    "AMBIGUOUS_CREDENTIALS": "Two different keys, or one header twice. Send one.",
    "VALIDATION_ERROR": (
        "The body or the query is not valid. `details` say what. Also when the request is not HTTP as "
        "it should be, then with 414 for a request line of more than 8190 bytes, 431 for headers of "
        "more than that each or 64 KiB together, 417 for an `Expect` that is not known."
    ),
    "MISSING_PORTAL_ID": "`portalId` is not given.",
    "PORTAL_NOT_LINKED": (
        "The portal is not linked to Bitrix24, is not active, or, with `hasWebhookUrl` false in `details`, "
        "has no webhook. An operator can change that."
    ),
    "BATCH_LIMIT_EXCEEDED": "A batch holds 1 to 50 calls. Send more in several batches.",
    "MISSING_API_KEY": "No key. `hint` says how to send one.",
    "INVALID_API_KEY": (
        "Not a key, or one that was deleted, or one of another installation. `hint` says which, as far "
        "as it can be told: quotes, spaces, truncated, mistyped."
    ),
    "KEY_REVOKED": "The key was revoked. Whoever manages it can make it `ACTIVE` again, or issue another.",
    "KEY_EXPIRED": "The key is past its `expiresAt`. Use another, or have `expiresAt` set later.",
    "KEY_ROTATED": "The key was rotated and its grace is over. Use its successor.",
    "OAUTH_REQUIRED": (
        "The MCP endpoint takes OAuth 2.1 and no API key; of OAuth nothing is served yet. A key that the "
        "call carries is not counted."
    ),
    "ACCOUNT_SUSPENDED": "The key's account is suspended. Ask the operator.",
    "PORTAL_INACTIVE": "The key's portal is not active. Ask the operator.",
    "NOT_PORTAL_MEMBER": (
        "The key's owner is not a member of the key's portal any more; or, on `/v1/keys`, not of the "
        "portal that was named, which may not exist."
    ),
    "IP_NOT_ALLOWED": "The address, told in `details`, is not in the key's whitelist.",
    "MANAGEMENT_KEY_NO_ENTITY_ACCESS": (
        "A management key on a path that does not serve management keys, whether the path exists or "
        "not. Use a portal key."
    ),
    "MANAGEMENT_KEY_REQUIRED": "Another key on `/v1/keys` or `/v1/portals`. Use a management key.",
    "KEY_TYPE_NOT_ALLOWED": (
        "The endpoint does not serve this type of key; `details` name those that it serves."
    ),
    "ACCOUNT_RESTRICTED": (
        "The account may read only: `GET` and `HEAD`, the calls in `alsoAllowed` of the `details`, and in a "
        "batch the calls that read. Ask the operator."
    ),
    "MANAGEMENT_SCOPE_REQUIRED": "The management key lacks the scope in `details`.",
    "SCOPE_DENIED": "The portal key lacks the scope in `details`.",
    "INTEGRATION_REQUIRED": "The personal key has none of the integrations in `details`.",
    "WRONG_KEY": (
        "The server belongs to another key of the portal. Use that key, or one that was rotated from it."
    ),
    "BITRIX_ACCESS_DENIED": (
        "Bitrix24 denied the call: the webhook was made without the scope, or its user may not do this. "
        "`details` have Bitrix24's own `code` and `description`. The portal's administrator can change that."
    ),
    "NOT_FOUND": "There is no such path.",
    "ENTITY_NOT_FOUND": "There is no such object, or not for you.",
    "METHOD_NOT_ALLOWED": "The path does not serve the method; `Allow` names those that it serves.",
    "KEY_ALREADY_ROTATED": (
        "The key has a successor: it is neither rotated again nor re-activated. Go on with the successor."
    ),
    "PREDECESSOR_IN_GRACE": (
        "The key that this one replaced still works. Revoke it, or wait until its grace is over."
    ),
    "KEY_NOT_ACTIVE": "A revoked or expired key cannot be rotated. Re-activate it first, or make a new one.",
    "KEY_HAS_ACTIVE_SERVERS": (
        "The key is the newest of its lineage, which has servers. Delete them first, with the key "
        "itself: `GET /v1/infra/servers` and `DELETE /v1/infra/servers/{id}`. If nobody has it any "
        "more, a management key is enough: change the key so that it works (`status` `ACTIVE`, "
        "`scopes` with `vibe:infra`, and `expiresAt` and `ipWhitelist` if they are in the way), "
        "rotate it with `graceHours` 0, delete the servers with the new key, then delete both keys. "
        "An operator can delete servers too: `vibekeys servers`."
    ),
    "TICKET_ARCHIVED": "The ticket is archived: its author cannot comment any more. Open a new ticket.",
    "TICKET_FULL": (
        "The ticket has 500 comments, or with this one they would be longer than 1,000,000 bytes "
        "together. Its author opens a new one; the team can still set `status` and `resolution` with "
        "`PATCH`."
    ),
    "SLUG_TAKEN": (
        "Another artifact of the project has this `slug`. Take another one, or change that artifact."
    ),
    "IDEMPOTENCY_IN_PROGRESS": (
        "The first call with this `Idempotency-Key` still runs. Repeat after `Retry-After`."
    ),
    "PRECONDITION_FAILED": (
        "Somebody has changed the object since you read it: its `ETag` is not the one in `If-Match`. "
        "Read it again, and put your change to what is there now."
    ),
    "PAYLOAD_TOO_LARGE": (
        "The body is larger than 1 MiB, of an artifact 8 MiB. With `Retry-After`: too many large bodies "
        "are on their way, repeat then."
    ),
    "UNSUPPORTED_MEDIA_TYPE": (
        "The body is not declared as JSON, or is compressed. Send `Content-Type: application/json`, "
        "and no `Content-Encoding`."
    ),
    "IDEMPOTENCY_KEY_REUSED": "This `Idempotency-Key` belongs to another request. Use a new one.",
    "BITRIX_ERROR": (
        "Bitrix24 refused the call; `details` have its own `code` and `description`. Correct the request, "
        "or, if the message says so, have the webhook's URL given again."
    ),
    "RATE_LIMITED": (
        'A limit is used up; `details` say which: `{"limit": 1000, "window": 3600, "scope": "tier"}`. '
        'Wait for `Retry-After`; the request counted on no limit. With `{"scope": "portal"}` it is the '
        'portal\'s Bitrix24 that takes no more calls at this moment, with `{"scope": "portals"}` there are '
        "too many calls of portals under way here: nothing was done, and the request counted on your limits."
    ),
    "AUTH_ATTEMPTS_LIMITED": (
        "Too many wrong keys came from this address in this minute. Wait for `Retry-After`, and send a "
        "right key."
    ),
    "INTERNAL_ERROR": (
        "A fault of the service, which may have carried the request out. Report the `requestId`."
    ),
    "BITRIX_UNAVAILABLE": (
        "The portal's webhook did not answer, or not as Bitrix24 does; the message says what was wrong. Of "
        '`POST /v1/keys`: no key was made. With `details` `{"outcome": "unknown"}` a change may have been '
        "made or not: look before you repeat it. With `Retry-After`: too many webhooks are being tried, "
        "repeat then."
    ),
    "DATABASE_UNAVAILABLE": (
        "The database is locked, full or away. Nothing was changed. Repeat after `Retry-After`."
    ),
    "GATEWAY_UNAVAILABLE": (
        "Nobody can tell about the key right now, or Redis is away and `REDIS_DOWN` is `closed`; or the "
        "service is not there, says the proxy in front of it. Repeat after `Retry-After`."
    ),
}
