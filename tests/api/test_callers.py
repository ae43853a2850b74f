"""Every route against every kind of caller: one table, whose cells are what that caller is told.

A route that is not in the table fails, and so does one whose row lacks a caller. What the routes of entities
tell depends on the scope and on whether they change something, so these have a row for each of both.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox
from app.keyring import Issued
from app.models import Audit
from app.registry import ROUTES, Route
from app.registry.entities import ROUTE_FOR
from tests.api.alerts import new_alert
from tests.api.desk import TICKET
from tests.api.world import UNKNOWN_ID, Answer, Service, Tenant, World

ALL_SCOPES = ("vibe:mgmt:keys", "vibe:mgmt:portals", "vibe:mgmt:feedback")

CALLERS = {
    "M": "management key with all scopes, of an ADMIN of the portal",
    "Mk": "its owner's management key for keys only",
    "Mp": "its owner's management key for portals only",
    "Mf": "its owner's management key for feedback only",
    "Mm": "management key with all scopes, of a MEMBER of the portal",
    "Ms": "management key with all scopes, of who is no member of it",
    "Mr": "management key with all scopes, of a restricted ADMIN",
    "A": "the API key that made the server, and opened the ticket; rotated, in its grace",
    "A+": "its successor",
    "Ao": "another API key of its owner on the portal",
    "An": "an API key of its owner on the portal, for crm only",
    "Ai": "an API key of its owner on the portal, for vibe:infra only",
    "Am": "the API key of a MEMBER of the portal",
    "Ap": "the API key of its owner on another portal",
    "As": "the API key of a stranger on another portal",
    "Z": "an authorization key of its owner on the portal",
    "Ar": "the API key of a restricted ADMIN on the portal",
    "P": "a personal key of the ADMIN for AI tools",
    "Pc": "a personal key of the ADMIN for the command line",
    "Pb": "a personal key of the ADMIN for both",
    "Pm": "a personal key of the ADMIN that opens nothing any more",
    "Ps": "a personal key of a stranger",
    "Pr": "a personal key of a restricted account",
}

# The target is of the ADMIN: a key, a ticket opened and a server made by A, a document kept by P, a
# personal key for both. "no": a list without it.
TABLE = """
                    M  Mk Mp Mf Mm Ms Mr   A  A+ Ao An Ai Am Ap As Z  Ar   P  Pc Pb Pm Ps Pr
getMe               ok ok ok ok ok ok ok   ok ok ok ok ok ok ok ok ok ok   ok ok ok ok ok ok
getGuide            ok ok ok ok ok ok ok   ok ok ok ok ok ok ok ok ok ok   ok ok ok ok ok ok
getOpenapi          ok ok ok ok ok ok ok   ok ok ok ok ok ok ok ok ok ok   ok ok ok ok ok ok
listKeys            ok ok MS MS no NM ok   MK MK MK MK MK MK MK MK MK MK   MK MK MK MK MK MK
createKey           ok ok MS MS ok NM RE   MK MK MK MK MK MK MK MK MK MK   MK MK MK MK MK MK
getKey              ok ok MS MS NF NF ok   MK MK MK MK MK MK MK MK MK MK   MK MK MK MK MK MK
updateKey           ok ok MS MS NF NF RE   MK MK MK MK MK MK MK MK MK MK   MK MK MK MK MK MK
deleteKey           ok ok MS MS NF NF RE   MK MK MK MK MK MK MK MK MK MK   MK MK MK MK MK MK
rotateKey           ok ok MS MS NF NF RE   MK MK MK MK MK MK MK MK MK MK   MK MK MK MK MK MK
getKeyUsage         ok ok MS MS NF NF ok   MK MK MK MK MK MK MK MK MK MK   MK MK MK MK MK MK
explainKey          ok ok MS MS NF NF ok   MK MK MK MK MK MK MK MK MK MK   MK MK MK MK MK MK
listPortals         ok MS ok MS ok no ok   MK MK MK MK MK MK MK MK MK MK   MK MK MK MK MK MK
createTicket        NE NE NE NE NE NE NE   ok ok ok ok ok ok ok ok ok RE   KT KT KT KT KT KT
listTickets         ok MS MS ok ok ok ok   ok ok ok ok ok no no no ok no   KT KT KT KT KT KT
getTicket           ok MS MS ok ok ok ok   ok ok ok ok ok NF NF NF ok NF   KT KT KT KT KT KT
updateTicket        ok MS MS ok ok ok RE   KT KT KT KT KT KT KT KT KT KT   KT KT KT KT KT KT
commentTicket       ok MS MS ok ok ok RE   ok ok ok ok ok NF NF NF ok RE   KT KT KT KT KT KT
listServers         NE NE NE NE NE NE NE   ok ok no SD no no no no no no   KT KT KT KT KT KT
createServer        NE NE NE NE NE NE NE   ok ok ok SD ok ok ok ok ok RE   KT KT KT KT KT KT
getServer           NE NE NE NE NE NE NE   ok ok WK SD WK WK NF NF WK WK   KT KT KT KT KT KT
deleteServer        NE NE NE NE NE NE NE   ok ok WK SD WK WK NF NF WK RE   KT KT KT KT KT KT
crm_read            NE NE NE NE NE NE NE   ok ok ok ok SD ok ok ok ok ok   KT KT KT KT KT KT
crm_change          NE NE NE NE NE NE NE   ok ok ok ok SD ok ok ok ok RE   KT KT KT KT KT KT
task_read           NE NE NE NE NE NE NE   ok ok ok SD SD ok ok ok ok ok   KT KT KT KT KT KT
task_change         NE NE NE NE NE NE NE   ok ok ok SD SD ok ok ok ok RE   KT KT KT KT KT KT
user_read           NE NE NE NE NE NE NE   ok ok ok SD SD ok ok ok ok ok   KT KT KT KT KT KT
batch               NE NE NE NE NE NE NE   ok ok ok ok ok ok ok ok ok ok   KT KT KT KT KT KT
listPrompts         NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR no no
createPrompt        NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR ok RE
getPrompt           NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR NF NF
updatePrompt        NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR NF RE
deletePrompt        NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR NF RE
listArtifacts       NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR no no
createArtifact      NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR ok RE
getArtifact         NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR NF NF
updateArtifact      NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR NF RE
deleteArtifact      NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR NF RE
listMemories        NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR no no
createMemory        NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR ok RE
getMemory           NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR NF NF
updateMemory        NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR NF RE
deleteMemory        NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok ok ok IR NF RE
listPersonalKeys    NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR no no
createPersonalKey   NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR IR ok IR ok RE
getPersonalKey      NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR NF NF
updatePersonalKey   NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR IR ok IR NF RE
deletePersonalKey   NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR IR ok IR NF RE
rotatePersonalKey   NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR IR ok IR NF RE
getAccount          NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR ok ok
updateAccount       NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR ok RE
listActivity        NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR no no
keepClaudeCodeHook  NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok IR ok IR ok RE
keepCursorHook      NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   ok IR ok IR ok RE
getPersonalKeyUsage NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR NF NF
explainPersonalKey  NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR NF NF
listAlerts          NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR no no
getAlert            NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR NF NF
dismissAlert        NE NE NE NE NE NE NE   KT KT KT KT KT KT KT KT KT KT   IR ok ok IR NF RE
"""

CODES = {
    "IR": "INTEGRATION_REQUIRED",
    "KT": "KEY_TYPE_NOT_ALLOWED",
    "MK": "MANAGEMENT_KEY_REQUIRED",
    "MS": "MANAGEMENT_SCOPE_REQUIRED",
    "NE": "MANAGEMENT_KEY_NO_ENTITY_ACCESS",
    "NF": "ENTITY_NOT_FOUND",
    "NM": "NOT_PORTAL_MEMBER",
    "RE": "ACCOUNT_RESTRICTED",
    "SD": "SCOPE_DENIED",
    "WK": "WRONG_KEY",
}

_HEAD, *_LINES = (line.split() for line in TABLE.strip().splitlines())
_ROWS = {name: dict(zip(_HEAD, cells, strict=True)) for name, *cells in _LINES}
ROW_OF = {
    route.operation_id: f"{route.scope}_{'change' if route.changes else 'read'}"
    for route in ROUTE_FOR.values()
}
EXPECTED = {
    **{name: row for name, row in _ROWS.items() if name not in ROW_OF.values()},
    **{operation_id: _ROWS[name] for operation_id, name in ROW_OF.items()},
}
CELLS = [(route, caller) for route in ROUTES for caller in CALLERS]


@dataclass(frozen=True)
class Target:
    """What a call is about: something of the ADMIN's, made for this call alone, or an item of the portal."""

    id: str | int
    path: Mapping[str, str | int]


UNKNOWN = Target(UNKNOWN_ID, {"id": UNKNOWN_ID, "project": "unknown", "slug": "unknown"})
FOR_BOTH = {"name": "a", "integrations": ["ai_tools", "cli"]}
DOCUMENTS = {
    "/api/v1/prompts": {"title": "a", "content": "b"},
    "/api/v1/artifacts": {"projectName": "a/b", "title": "a", "content": "b"},
    "/api/v1/memories": {"text": "b"},
}


class Cast:
    """One portal, and one key for each caller of the table."""

    def __init__(self, world: World, sandbox: Sandbox) -> None:
        self.world = world
        for portal in (world.portal, world.other_portal):
            world.change_portal(portal, webhook_url=sandbox.webhook_url)
        self._items = {entity: itertools.count(2) for entity, _ in ROUTE_FOR}
        self.restricted = world.new_tenant()
        world.join(world.portal, self.restricted, "ADMIN")
        world.join(world.other_portal, world.admin, "MEMBER")
        self.keys = {**self._management_keys(), **self._portal_keys(), **self._personal_keys()}
        world.change_account(self.restricted, status="RESTRICTED")

    def call(self, route: Route, caller: str, target: Target) -> Answer:
        body = dict(route.example.body) if route.example.body is not None else None
        if route.operation_id == "createKey":
            body = {"portalId": self.world.portal.id, "name": "made by a caller", "scopes": ["crm"]}
        if route.operation_id == "commentTicket" and not caller.startswith("M"):
            body = {"text": "an author sets no status"}
        if route.operation_id == "createArtifact":
            body = DOCUMENTS[route.path]
        path = route.path.format_map(target.path)
        query = {"portalId": self.world.portal.id} if route.operation_id == "listKeys" else {}
        return self.world.call(route.method, path, self.keys[caller], query_string=query, json=body)

    def target_of(self, route: Route) -> Target:
        """What a call of the route can be about, that no other call is about."""
        for (entity, _), known in ROUTE_FOR.items():
            if route is known:
                item = next(self._items[entity]) if "{id}" in route.path else 1
                return Target(item, {"id": item})
        return self._new_target(route)

    def _new_target(self, route: Route) -> Target:
        """A new one, of the kind that the route's path or list is about."""
        self.world.service.clock.now += 0.001  # the newest, and so the first of every list
        makers = {
            "/v1/keys": lambda: {"id": self._portal_key(self.world.admin).key.id},
            "/v1/portals": lambda: {"id": self.world.portal.id},
            "/v1/feedback": lambda: self._made("A", "/v1/feedback", TICKET),
            "/v1/infra/servers": lambda: self._made("A", "/v1/infra/servers", {"name": "a"}),
            "/api/v1/activity": self._event,
            "/api/v1/alerts": lambda: {"id": new_alert(self.world, self.world.admin).id},
            "/api/v1/api-keys": lambda: self._made("Pb", "/api/v1/api-keys", FOR_BOTH),
            **{path: partial(self._made, "P", path, body) for path, body in DOCUMENTS.items()},
        }
        made = next((make() for path, make in makers.items() if route.path.startswith(path)), {})
        return Target(made.get("id", ""), {**made, "project": made.get("projectName", "")})

    def _event(self) -> Any:
        """What the activity says of something that was just made."""
        self._made("Pb", "/api/v1/prompts", DOCUMENTS["/api/v1/prompts"])
        return self.world.call("GET", "/api/v1/activity", self.keys["Pb"]).data[0]

    def _made(self, maker: str, path: str, body: dict[str, Any]) -> Any:
        return self.world.call("POST", path, self.keys[maker], json=body).data

    def _management_keys(self) -> dict[str, str]:
        def key(owner: Tenant, *scopes: str) -> str:
            return self.world.issue("management", owner.account, scopes=scopes).raw_key

        admin = self.world.admin
        one_each = {
            short: key(admin, scope) for short, scope in zip(("Mk", "Mp", "Mf"), ALL_SCOPES, strict=True)
        }
        owners = {"M": admin, "Mm": self.world.member, "Ms": self.world.stranger, "Mr": self.restricted}
        return {**one_each, **{short: key(owner, *ALL_SCOPES) for short, owner in owners.items()}}

    def _portal_keys(self) -> dict[str, str]:
        world, elsewhere = self.world, {"portal": self.world.other_portal}
        first = self._portal_key(world.admin)
        made = {
            "A": first,
            "A+": world.rotate(first.key),
            "Ao": self._portal_key(world.admin),
            "An": world.portal_key(scopes=["crm"]),
            "Ai": world.portal_key(scopes=["vibe:infra"]),
            "Am": self._portal_key(world.member),
            "Ap": self._portal_key(world.admin, **elsewhere),
            "As": self._portal_key(world.stranger, **elsewhere),
            "Z": self._portal_key(world.admin, key_type="authorization"),
            "Ar": self._portal_key(self.restricted),
        }
        return {short: issued.raw_key for short, issued in made.items()}

    def _personal_keys(self) -> dict[str, str]:
        def key(owner: Tenant, *integrations: str) -> str:
            return self.world.issue("personal", owner.account, integrations=integrations).raw_key

        admin = self.world.admin
        return {
            "P": key(admin, "ai_tools"),
            "Pc": key(admin, "cli"),
            "Pb": key(admin, "ai_tools", "cli"),
            "Pm": key(admin, "mcp_server"),
            "Ps": key(self.world.stranger, "ai_tools", "cli"),
            "Pr": key(self.restricted, "ai_tools", "cli"),
        }

    def _portal_key(self, owner: Tenant, **fields: Any) -> Issued:
        return self.world.portal_key(owner, scopes=["crm", "task", "user", "vibe:infra"], **fields)


@pytest.fixture(scope="module")
def cast(service: Service, still_sandbox: Sandbox) -> Cast:
    return Cast(World(service), still_sandbox)


def test_every_route_has_its_row_and_every_caller_its_cell() -> None:
    assert set(EXPECTED) == {route.operation_id for route in ROUTES}
    assert list(CALLERS) == _HEAD
    assert set(_ROWS) - set(EXPECTED) == set(ROW_OF.values())
    assert set(itertools.chain(*(row.values() for row in EXPECTED.values()))) == {"ok", "no", *CODES}


@pytest.mark.parametrize(("route", "caller"), CELLS, ids=lambda it: getattr(it, "operation_id", it))
def test_a_caller_gets_what_the_table_says(cast: Cast, route: Route, caller: str) -> None:
    target = cast.target_of(route)

    answer = cast.call(route, caller, target)

    expected = EXPECTED[route.operation_id][caller]
    if expected in CODES:
        assert answer.code == CODES[expected], CALLERS[caller]
        return
    assert answer.status < 300, (CALLERS[caller], answer.body)
    if route.operation_id.startswith("list"):
        listed = {item["id"] for item in answer.data}
        assert (target.id in listed) == (expected == "ok"), CALLERS[caller]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_what_a_caller_may_not_see_is_what_does_not_exist(cast: Cast, route: Route) -> None:
    hidden = [caller for caller, cell in EXPECTED[route.operation_id].items() if cell == "NF"]
    target = cast.target_of(route)

    for caller in hidden:
        of_another, of_nobody = (cast.call(route, caller, it) for it in (target, UNKNOWN))
        assert of_another.bytes_but_request_id == of_nobody.bytes_but_request_id, CALLERS[caller]


REFUSED_AT_THE_GATEWAY = (
    "MISSING_API_KEY",
    "INVALID_API_KEY",
    "KEY_REVOKED",
    "KEY_EXPIRED",
    "KEY_ROTATED",
    "ACCOUNT_SUSPENDED",
    "PORTAL_INACTIVE",
    "NOT_PORTAL_MEMBER",
    "IP_NOT_ALLOWED",
    "RATE_LIMITED",
)


@pytest.fixture(scope="module")
def refused_keys(service: Service) -> dict[str, str | None]:
    """For each code of the gateway's, a key that would open everything if it were not for that."""
    world = World(service)
    soon = int(world.service.clock.now * 1000) + 60_000

    def key(owner: Tenant | None = None, **fields: Any) -> Issued:
        return world.portal_key(owner, scopes=["crm", "vibe:infra"], **fields)

    suspended, gone, closed = world.new_tenant(), world.new_tenant(), world.new_portal()
    for tenant in (suspended, gone):
        world.join(world.portal, tenant, "ADMIN")
    world.join(closed, world.admin, "ADMIN")
    rotated, revoked, used_up = key(), key(), key(hourly_limit=1)
    keys = {
        "MISSING_API_KEY": None,
        "INVALID_API_KEY": "vibe_api_" + "0" * 64,
        "KEY_REVOKED": revoked.raw_key,
        "KEY_EXPIRED": key(expires_at=soon).raw_key,
        "KEY_ROTATED": rotated.raw_key,
        "ACCOUNT_SUSPENDED": key(suspended).raw_key,
        "PORTAL_INACTIVE": key(portal=closed).raw_key,
        "NOT_PORTAL_MEMBER": key(gone).raw_key,
        "IP_NOT_ALLOWED": key(ip_whitelist=["192.0.2.1"]).raw_key,
        "RATE_LIMITED": used_up.raw_key,
    }
    world.change_key(revoked.key, status="REVOKED")
    world.rotate(rotated.key, grace_hours=0)
    world.change_account(suspended, status="SUSPENDED")
    world.change_portal(closed, status="INACTIVE")
    world.leave(world.portal, gone)
    world.service.clock.now += 60
    assert world.call("GET", "/v1/me", used_up.raw_key).status == 200
    return keys


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
@pytest.mark.parametrize("code", REFUSED_AT_THE_GATEWAY)
def test_who_the_gateway_refuses_reaches_no_route(
    service: Service, refused_keys: dict[str, str | None], code: str, route: Route
) -> None:
    changes = Audit.select().count()  # one for every change there is

    answer = service.call(route.method, route.path.replace("{id}", UNKNOWN_ID), refused_keys[code])

    assert answer.code == code
    assert Audit.select().count() == changes
