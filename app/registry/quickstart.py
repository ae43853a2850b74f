"""The first calls that a program makes with its key, step by step, as `GET /v1/guide` tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.registry.examples import KEY, LIMITS, NEW_KEY_ID, RAW_KEY, SELF_DESCRIPTION
from app.registry.route import one


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A value out of the answer to an earlier step, which is counted from 1.

    `at` is a JSON pointer (RFC 6901). If it leads to a list, the value is `member` of the first item that has
    all that `where` names.
    """

    step: int
    at: str
    where: Mapping[str, Any] | None = None
    member: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call. Values are JSON's, or `Taken`; `key` is the key to send, if not the reader's own.

    `answer` is an example of what comes back, where that of the route is to another call.
    """

    operation_id: str
    does: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    key: Taken | None = None
    answer: Mapping[str, Any] | None = None


_NEW_KEY: dict[str, Any] = {
    **KEY,
    "id": NEW_KEY_ID,
    "name": "My key",
    "keyPrefix": "vibe_api_c41d0a",
    "keySuffix": "5e02",
    "scopes": ["crm"],
    "ipWhitelist": [],
    "rateLimit": None,
    "createdAt": "2026-11-26T09:38:00.000Z",
}
_PORTAL = Taken(step=1, at="/data", where={"status": "ACTIVE", "linked": True}, member="id")

MANAGEMENT_STEPS = (
    Step(operation_id="listPortals", does="Find a portal that is ACTIVE and linked."),
    Step(
        operation_id="listKeys",
        does="See which keys the portal has already.",
        query={"portalId": _PORTAL},
    ),
    Step(
        operation_id="createKey",
        does="Make an API key with the scopes that are needed, and store rawKey: it is shown only now.",
        body={"portalId": _PORTAL, "name": "My key", "scopes": ["crm"]},
        answer=one({**_NEW_KEY, "rawKey": RAW_KEY}),
    ),
    Step(
        operation_id="getMe",
        does="Use the new key: it tells its type, its scopes, and what its limits have left.",
        key=Taken(step=3, at="/data/rawKey"),
        answer=one({name: _NEW_KEY[name] for name in SELF_DESCRIPTION} | {"limits": LIMITS}),
    ),
)
"""What the seed's quickstart does with a management key."""

STEPS = (
    Step(operation_id="getMe", does="See what this key is, and what its limits have left."),
    Step(operation_id="listTickets", does="See the feedback tickets of the key's owner on its portal."),
    Step(operation_id="listServers", does="See the servers of this key."),
    Step(operation_id="listDeals", does="Read the portal's first deals.", query={"limit": 5}),
    Step(operation_id="listTasks", does="Read the portal's first tasks.", query={"limit": 5}),
    Step(operation_id="listPersonalKeys", does="See the personal keys of the account."),
)
"""For keys of the other types: those of these that the key opens."""


def quickstart_lines(host: str) -> dict[str, str]:
    """Return the steps with a management key in a line each, to the letter as the seed has them."""
    return {
        "step1": f"GET {host}/v1/portals — list available portals",
        "step2": f"GET {host}/v1/keys?portalId=<id> — list APP keys for a portal",
        "step3": f"POST {host}/v1/keys {{ portalId, name, scopes }} — create an APP key",
        "step4": "Use the APP key for entity API calls (deals, tasks, etc.)",
    }
