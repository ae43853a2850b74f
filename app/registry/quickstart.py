"""The first calls that a program makes with its key, step by step, as `GET /v1/guide` tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.registry.examples import KEY, LIMITS, NEW_KEY_ID, RAW_KEY, SELF_DESCRIPTION
from app.registry.route import one, part


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A value out of the answer to an earlier step, which is named by its operation.

    `at` is a JSON pointer (RFC 6901). If it leads to a list, the value is `member` of the first item that has
    all that `where` names.
    """

    step: str
    at: str
    where: Mapping[str, Any] | None = None
    member: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call. Values are JSON's, or `Taken`; `key` is the key to send, if not the reader's own. Names of
    `query` are as they are sent, with their brackets.

    `answer` is an example of what comes back, where that of the route is to another call.
    """

    operation_id: str
    does: str
    path: Mapping[str, Any] = field(default_factory=dict)
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
_PORTAL = Taken(step="listPortals", at="/data", where={"status": "ACTIVE", "linked": True}, member="id")

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
        key=Taken(step="createKey", at="/data/rawKey"),
        answer=one({name: _NEW_KEY[name] for name in SELF_DESCRIPTION} | {"limits": LIMITS}),
    ),
)
"""What the seed's quickstart does with a management key."""

_NEW_DEAL: dict[str, Any] = {"title": "Order 17", "stageId": "NEW", "opportunity": 1500.5}
_DEAL: dict[str, Any] = {"id": 17, **_NEW_DEAL}
_ITS_ID = Taken(step="createDeal", at="/data/id")

DEAL_STEPS = (
    Step(
        operation_id="listDeals",
        does="Read the greatest deals that are in the stage NEW, and of these a few fields.",
        query={
            "filter[stageId]": "NEW",
            "order[opportunity]": "desc",
            "select": "title,opportunity",
            "limit": 5,
        },
        answer=part({name: _DEAL[name] for name in ("id", "title", "opportunity")}, limit=5),
    ),
    Step(operation_id="createDeal", does="Make a deal.", body=_NEW_DEAL, answer=one(_DEAL)),
    Step(
        operation_id="getDeal",
        does="Read it, with all its fields.",
        path={"id": _ITS_ID},
        answer=one(_DEAL),
    ),
    Step(
        operation_id="updateDeal",
        does="Change it; what is not sent stays as it is.",
        path={"id": _ITS_ID},
        body={"opportunity": 1750},
        answer=one({**_DEAL, "opportunity": 1750}),
    ),
)
"""What a portal key with the scope `crm` begins with."""

STEPS = (
    Step(operation_id="getMe", does="See what this key is, and what its limits have left."),
    Step(operation_id="listTickets", does="See the feedback tickets of the key's owner on its portal."),
    Step(operation_id="listServers", does="See the servers of this key."),
    *DEAL_STEPS,
    Step(operation_id="listTasks", does="Read the portal's first tasks.", query={"limit": 5}),
)
"""For keys of the other types: those of these that the key opens."""


def numbers(steps: Sequence[Step]) -> Mapping[str, int]:
    """Return the place of each step, counted from 1, by its operation, which no two have in common."""
    return {step.operation_id: number for number, step in enumerate(steps, 1)}


def quickstart_lines(host: str) -> dict[str, str]:
    """Return the steps with a management key in a line each, to the letter as the seed has them."""
    return {
        "step1": f"GET {host}/v1/portals — list available portals",
        "step2": f"GET {host}/v1/keys?portalId=<id> — list APP keys for a portal",
        "step3": f"POST {host}/v1/keys {{ portalId, name, scopes }} — create an APP key",
        "step4": "Use the APP key for entity API calls (deals, tasks, etc.)",
    }
