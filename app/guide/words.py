"""What the guide says in words: how a key is sent, and what holds for every endpoint."""

from __future__ import annotations

from app.bitrix.conditions import EMPTY
from app.bitrix.fields import MOST_OF_A_LIST
from gateway.keys import PREFIXES

BOUND_TO = {
    "api": "one portal",
    "authorization": "one portal",
    "management": "all portals of its owner",
    "personal": "its account",
}

AUTHENTICATION = {
    "headers": ["X-Api-Key: <key>", "Authorization: Bearer <key>"],
    "rule": "One key in one header, never in a URL: such a call is refused, and the key should be rotated.",
    "keyTypes": [
        {"type": key_type, "prefix": prefix, "boundTo": BOUND_TO[key_type]}
        for key_type, prefix in PREFIXES.items()
    ],
}

CONVENTIONS = {
    "envelope": (
        'A success is {"success": true, "data": …}; a list has "meta": {"page", "limit", "total", "hasMore"} '
        'beside it. A refusal is {"success": false, "error": {"code", "message", "requestId", "hint"?, '
        '"retryAfter"?, "details"?}}.'
    ),
    "paging": (
        "Lists take page (from 1, default 1) and limit (default 50, more than 100 count as 100). Another "
        "page follows while meta.hasMore is true. Lists of entities take limit (default 50, more than 5000 "
        "count as 5000) and offset (default 0) instead; their meta has limit, offset, total and hasMore."
    ),
    "entities": (
        "What the portal's Bitrix24 holds: deals, tasks and so on, by numbers of its own. A list takes "
        "filter[field]=value, filter[field][$operator]=value, order[field]=asc or desc, and select with "
        "names separated by commas; POST /search takes the same as a JSON body. "
        "POST /v1/batch makes up to 50 calls in one request, which is many times faster than one by one."
    ),
    "filters": (
        f"All conditions must hold. $in takes at most {MOST_OF_A_LIST} values: in JSON a list, in a URL "
        f"separated by commas, so that a value with a comma needs POST /search. {EMPTY}"
    ),
    "customFields": (
        "Names that begin with uf, or with parentId and a number, are fields of the portal's own. They can "
        "be written, selected, filtered and ordered by as well; their values are as Bitrix24 has them."
    ),
    "emptying": (
        "A field of an entity is emptied by null, one that is a list by []. No company, no lead and the like "
        "are null or 0 in answers; to write, either will do."
    ),
    "errors": (
        "Decide by error.code; messages may be reworded. The codes of an endpoint are its errors and "
        "commonErrors. error.details say what is wrong: of "
        "VALIDATION_ERROR a list of reasons for each field. Quote error.requestId in a report."
    ),
    "strictness": (
        "A body is a JSON object with Content-Type: application/json. Fields and query parameters that are "
        "not listed here are refused, and so are values of another type, texts with control characters (line "
        "breaks and tabs are fine where a text can have several lines, in the texts of entities, and in JSON "
        "of your own), and texts without a visible character (those of entities may be empty, but for what "
        "an item needs to be made)."
    ),
    "formats": (
        "Names are camelCase, ids are UUIDs, but those of entities are numbers; times are ISO-8601 in UTC "
        "with Z."
    ),
    "idempotency": (
        "With a call that makes a raw key send an Idempotency-Key of your own, 1 to 255 visible ASCII "
        "characters, new for each thing that you want. For 24 hours a repeat of the same call with the same "
        "key gets the same answer, rawKey included, and makes nothing twice. Calls of entities know no such "
        'key: if one that changes something is refused with details {"outcome": "unknown"}, look whether it '
        "was done before you repeat it."
    ),
    "rateLimits": (
        "X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset tell of the tightest limit. Refused "
        "with 429, wait as many seconds as Retry-After says; 409, 413, 502 and 503 can have it too."
    ),
    "secrets": (
        "rawKey is shown once. Store it where secrets are kept before you go on, and write it to no log."
    ),
}

HOW = (
    "Make the calls in order. Send `value` as it stands; else take what the body of the answer to `fromStep` "
    "has under the JSON pointer `at`. Where that is a list, take `member` of its first item that has all of "
    "`where`. `pathParameters` replace what stands in braces in the path. A `key` that is null is your own."
)
