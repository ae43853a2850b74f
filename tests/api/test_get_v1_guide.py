"""GET /v1/guide: the whole API in one answer, for who reads nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.entities import ACTIONS, ENTITIES
from app.errors import ERRORS
from app.registry import ROUTES
from app.scopes import INTEGRATIONS, MANAGEMENT_SCOPES, PORTAL_SCOPES
from gateway.keys import KEY_IN_TEXT
from tests.api.described import Described
from tests.api.desk import Desk
from tests.api.linked import ENTITY_SCOPES, Linked
from tests.api.world import PUBLIC_URL, UNKNOWN_ID, Answer, World

OF_ANY_KEY = {"getMe", "getGuide", "getOpenapi"}
OF_AUTHORS = ["createTicket", "listTickets", "getTicket", "commentTicket"]
OF_PORTAL_KEYS = OF_ANY_KEY | {*OF_AUTHORS, "batch"}
DOCUMENTS = {
    f"{verb}{name}"
    for verb in ("create", "get", "update", "delete")
    for name in ("Prompt", "Artifact", "Memory")
} | {"listPrompts", "listArtifacts", "listMemories"}
PERSONAL_KEYS = {
    *("listPersonalKeys", "createPersonalKey", "getPersonalKey"),
    *("updatePersonalKey", "deletePersonalKey", "rotatePersonalKey", "getPersonalKeyUsage"),
    "explainPersonalKey",
}
ALERTS = {"listAlerts", "getAlert", "dismissAlert"}
OF_THE_COMMAND_LINE = PERSONAL_KEYS | {"getAccount", "updateAccount", "listActivity", *ALERTS}
SERVERS = {"listServers", "createServer", "getServer", "deleteServer"}
CRM = {
    name.format(several=several, one=one)
    for several, one in (
        ("Deals", "Deal"),
        ("Contacts", "Contact"),
        ("Companies", "Company"),
        ("Leads", "Lead"),
    )
    for name in (
        *("list{several}", "search{several}", "get{one}", "get{one}Fields"),
        *("create{one}", "update{one}", "delete{one}"),
    )
}
USERS = {"listUsers", "searchUsers", "getUser", "getUserFields"}
NOT_OPEN = {"SCOPE_DENIED", "INTEGRATION_REQUIRED", "KEY_TYPE_NOT_ALLOWED", "MANAGEMENT_KEY_REQUIRED"}


@pytest.fixture(scope="module")
def guide(still_world: World) -> Any:
    """What a management key is told."""
    return still_world.call("GET", "/v1/guide").data


def test_200_in_the_shape_that_is_promised_for_every_type_of_key(world: World) -> None:
    described = Described(world.call("GET", "/v1/openapi.json").json)
    for raw_key in every_type_of_key(world):
        answer = world.call("GET", "/v1/guide", raw_key)
        assert described.flaws_of("GET", "/v1/guide", answer) == []
        assert KEY_IN_TEXT.search(answer.body.decode()) is None


def test_200_a_management_key_is_told_of_every_endpoint_whatever_its_scopes(world: World, guide: Any) -> None:
    narrow = world.issue("management", world.admin.account, scopes=["vibe:mgmt:portals"]).raw_key
    assert told(guide) == {route.operation_id for route in ROUTES}
    assert "all of it for a management key" in endpoint(guide, "getGuide")["summary"]
    assert world.call("GET", "/v1/guide", narrow).data["endpoints"] == guide["endpoints"]


def test_200_other_keys_are_told_of_what_they_open(world: World) -> None:
    opened = {
        world.portal_key(scopes=["crm"]).raw_key: OF_PORTAL_KEYS | CRM,
        world.portal_key(key_type="authorization", scopes=["user"]).raw_key: OF_PORTAL_KEYS | USERS,
        world.portal_key(scopes=["disk", "vibe:infra"]).raw_key: OF_PORTAL_KEYS | SERVERS,
        world.personal_key().raw_key: OF_ANY_KEY | DOCUMENTS | OF_THE_COMMAND_LINE,
    }
    for raw_key, operations in opened.items():
        assert told(world.call("GET", "/v1/guide", raw_key).data) == operations


def test_200_what_is_told_can_be_called_and_what_is_not_told_cannot(world: World) -> None:
    for raw_key in every_type_of_key(world)[1:]:
        operations = told(world.call("GET", "/v1/guide", raw_key).data)
        for route in ROUTES:
            path = route.path.replace("{id}", UNKNOWN_ID)
            answer = world.call(route.method, path, raw_key, json=route.example.body or {})
            refused = answer.status >= 400 and answer.code in NOT_OPEN
            assert refused == (route.operation_id not in operations), (route.operation_id, answer.body)


def test_200_an_endpoint_with_all_that_it_takes(guide: Any) -> None:
    entry = endpoint(guide, "listKeys")
    assert (entry["method"], entry["path"]) == ("GET", "/v1/keys")
    assert (entry["keyTypes"], entry["managementScope"]) == (["management"], "vibe:mgmt:keys")
    assert (entry["scope"], entry["integrations"]) == (None, [])
    assert {"MISSING_PORTAL_ID", "MANAGEMENT_SCOPE_REQUIRED"} <= set(entry["errors"])
    taken = {one["name"]: one for one in entry["parameters"]}
    assert set(taken) == {"portalId", "status", "name", "page", "limit"}
    assert taken["status"]["enum"] == ["ACTIVE", "REVOKED", "EXPIRED", "ROTATED"]
    assert taken["name"]["limits"] == {"minLength": 0, "maxLength": 255}
    assert {one["in"] for one in taken.values()} == {"query"}
    assert {name for name, one in taken.items() if one["required"]} == {"portalId"}


def test_200_a_body_by_its_members(guide: Any) -> None:
    members = {one["name"]: one for one in endpoint(guide, "createKey")["parameters"] if one["in"] == "body"}
    assert {name for name, one in members.items() if one["required"]} == {"portalId", "name", "scopes"}
    assert members["rateLimit"]["type"] == "integer or null"
    assert members["rateLimit"]["limits"] == {"minimum": 1, "maximum": 10**9}
    assert members["scopes"]["type"] == "array of string"
    assert set(PORTAL_SCOPES) < set(members["scopes"]["enum"])
    header, path = endpoint(guide, "createKey")["parameters"][0], endpoint(guide, "getKey")["parameters"][0]
    assert (header["in"], header["name"], header["required"]) == ("header", "Idempotency-Key", False)
    assert (path["in"], path["name"], path["required"]) == ("path", "id", True)


def test_200_a_body_of_several_forms_needs_what_each_of_them_needs(guide: Any) -> None:
    members = {one["name"]: one for one in endpoint(guide, "commentTicket")["parameters"]}
    assert (members["text"]["required"], members["status"]["required"]) == (True, False)
    assert members["status"]["description"]


def test_200_a_batch_by_the_members_of_its_calls(guide: Any) -> None:
    members = {one["name"]: one for one in endpoint(guide, "batch")["parameters"]}
    names = ["calls", *(f"calls[].{name}" for name in ("id", "entity", "action", "entityId", "params"))]
    assert list(members) == names
    assert {one["in"] for one in members.values()} == {"body"}
    assert [one["name"] for one in members.values() if one["required"]] == [
        "calls",
        "calls[].entity",
        "calls[].action",
    ]
    assert [one["type"] for one in members.values()] == [
        *("array of object", "string", "string", "string", "integer", "object")
    ]
    assert members["calls"]["limits"] == {"minItems": 1, "maxItems": 50}
    assert members["calls[].id"]["limits"] == {"minLength": 1, "maxLength": 64}
    assert "Without it: its place in `calls`, counted from 0" in members["calls[].id"]["description"]
    assert members["calls[].entity"]["enum"] == list(ENTITIES)
    assert members["calls[].action"]["enum"] == list(ACTIONS)
    assert members["calls[].entityId"]["limits"] == {"minimum": 1, "maximum": 2**53 - 1}
    assert all(members[name]["description"] for name in ("calls", "calls[].entityId", "calls[].params"))


def test_200_what_a_batch_answers_and_how_much_it_takes(linked: Linked) -> None:
    told = linked.call("GET", "/v1/guide").data["batch"]
    answer = linked.post("/v1/batch", {"calls": [{"entity": "deals", "action": "list"}]})
    assert list(told) == [*answer.data, "room"]
    assert "alone in a batch a list may ask for 2500 items, beside 10 other calls for 2000" in told["room"]

    one_item = {"entity": "deals", "action": "get", "entityId": 1}
    for others, most in ((0, 2500), (10, 2000)):
        for limit, fits in ((most, True), (most + 1, False)):
            a_list = {"id": "long", "entity": "deals", "action": "list", "params": {"limit": limit}}
            data = linked.post("/v1/batch", {"calls": [a_list, *[one_item] * others]}).data
            assert ("long" in data["results"]) == fits
            assert len(data["results"]) == others + fits


def test_200_who_opens_no_batch_is_told_of_none(world: World) -> None:
    assert "batch" not in world.call("GET", "/v1/guide", world.personal_key().raw_key).data


def test_200_what_is_written_within_lists(guide: Any) -> None:
    members = {one["name"]: one for one in endpoint(guide, "createContact")["parameters"]}
    assert members["fm"]["type"] == "array of object"
    within = [members[f"fm[].{name}"] for name in ("typeId", "valueType", "value")]
    assert [one["required"] for one in within] == [True] * 3
    assert within[0]["enum"] == ["PHONE", "EMAIL", "WEB", "IM", "LINK"]
    assert "fm[].id" not in members
    assert {one["name"] for one in endpoint(guide, "createTask")["parameters"] if one["required"]} == {
        "title",
        "responsibleId",
    }


def test_200_every_parameter_says_what_it_is(guide: Any) -> None:
    for entry in guide["endpoints"]:
        for one in entry["parameters"]:
            assert one["type"], (entry["operationId"], one["name"])


def test_200_every_example_can_be_sent_as_it_stands(linked: Linked) -> None:
    world = linked.world
    keys = {
        "management": every_management_scope(world),
        "api": world.portal_key(scopes=["vibe:infra", *ENTITY_SCOPES]).raw_key,
        "personal": world.personal_key(integrations=["ai_tools", "cli"]).raw_key,
    }
    for own_type, own in keys.items():
        for entry in world.call("GET", "/v1/guide", own).data["endpoints"]:
            served = (own_type, *keys)
            key = next(keys[key_type] for key_type in served if key_type in entry["keyTypes"])
            request, shown = entry["example"]["request"], entry["example"]["answer"]
            answer = send(world, request["method"], request["url"], key, request["body"])
            # The ids of examples are nobody's.
            wanted = {"ENTITY_NOT_FOUND", "NOT_PORTAL_MEMBER"}
            assert answer.status == shown["status"] or answer.code in wanted, (
                entry["operationId"],
                answer.body,
            )


def test_200_other_keys_are_shown_what_such_keys_are_answered(world: World) -> None:
    for raw_key in every_type_of_key(world)[1:]:
        shown = endpoint(world.call("GET", "/v1/guide", raw_key).data, "getMe")["example"]["answer"]["body"]
        assert set(shown["data"]) == set(world.call("GET", "/v1/me", raw_key).data)


def test_200_a_management_key_is_told_of_tickets_what_it_is_told_of_itself(world: World, guide: Any) -> None:
    assert guide["feedback"] == world.call("GET", "/v1/me", world.member.management_key).data["feedback"]


@pytest.mark.parametrize("key_type", ["api", "authorization"])
def test_200_a_portal_key_is_told_the_authors_part_of_tickets(
    world: World, guide: Any, key_type: str
) -> None:
    raw_key = world.portal_key(key_type=key_type).raw_key
    told = world.call("GET", "/v1/guide", raw_key).data["feedback"]
    for name in ("statuses", "categories", "filters", "paging"):
        assert told[name] == guide["feedback"][name]
    assert told["transitions"] == {"authorComment": guide["feedback"]["transitions"]["authorComment"]}
    assert [line.partition(" — ")[0] for line in told["endpoints"]] == [
        f"POST {PUBLIC_URL}/v1/feedback",
        f"GET {PUBLIC_URL}/v1/feedback",
        f"GET {PUBLIC_URL}/v1/feedback/:id",
        f"POST {PUBLIC_URL}/v1/feedback/:id/comments",
    ]
    assert list(told["fields"]["commentTicket"]["properties"]) == ["text"]
    assert set(told["fields"]["createTicket"]["required"]) == {"category", "title", "description"}
    assert [one["operationId"] for one in told["examples"]] == OF_AUTHORS


def test_200_a_personal_key_is_told_nothing_of_tickets(world: World) -> None:
    assert "feedback" not in world.call("GET", "/v1/guide", world.personal_key().raw_key).data


def test_200_the_authors_tasks_can_be_done_in_their_order(desk: Desk) -> None:
    tasks = desk.world.call("GET", "/v1/guide", desk.author).data["feedback"]["workflow"]
    ticket_id, statuses = "", []
    for task in tasks:
        url = task["url"].replace("{id}", ticket_id)
        answer = send(desk.world, task["method"], url, desk.author, task["body"])
        assert answer.status in (200, 201), (task, answer.body)
        if task["body"] is not None:
            ticket_id = answer.data["id"]
            statuses.append(answer.data["status"])
            desk.comment(ticket_id, text="Which page?", status="AWAITING_USER")
        elif "status=AWAITING_USER" in url:
            assert ticket_id in [ticket["id"] for ticket in answer.data]
    assert statuses == ["NEW", "NEEDS_REVIEW"]


def test_200_scopes_and_who_holds_them(world: World, guide: Any) -> None:
    names = {row["name"]: row for row in guide["scopes"]}
    assert set(names) == {*MANAGEMENT_SCOPES, *PORTAL_SCOPES, *INTEGRATIONS}
    assert {name for name, row in names.items() if row["held"]} == {"vibe:mgmt:keys", "vibe:mgmt:portals"}
    assert names["crm"]["keyTypes"] == ["api", "authorization"]

    of_portal_key = world.call("GET", "/v1/guide", world.portal_key().raw_key).data["scopes"]
    assert {row["name"] for row in of_portal_key} == set(PORTAL_SCOPES)
    assert [row["name"] for row in of_portal_key if row["held"]] == ["crm"]
    of_personal_key = world.call("GET", "/v1/guide", world.personal_key().raw_key).data["scopes"]
    assert {row["name"] for row in of_personal_key} == set(INTEGRATIONS)


def test_200_entities_with_what_can_be_done_and_asked(still_world: World, guide: Any) -> None:
    told = {entity["name"]: entity for entity in guide["entities"]}
    assert list(told) == ["deals", "contacts", "companies", "leads", "tasks", "users"]
    assert [entity["scope"] for entity in told.values()] == ["crm"] * 4 + ["task", "user"]
    every_action = ["list", "search", "get", "create", "update", "delete", "fields"]
    assert [one["action"] for one in told["deals"]["actions"]] == every_action
    assert [one["action"] for one in told["users"]["actions"]] == ["list", "search", "get", "fields"]
    operation_ids = {entry["operationId"] for entry in guide["endpoints"]}
    for entity in told.values():
        assert {one["operationId"] for one in entity["actions"]} <= operation_ids

    fields = {field["name"]: field for field in told["deals"]["fields"]}
    facts = {"access": "write", "filter": True, "order": True}
    assert fields["opportunity"] == {"name": "opportunity", "type": "number", **facts}
    assert fields["contactIds"]["type"] == "array of integer"
    assert fields["webformId"]["access"] == "once"
    required = [field["name"] for field in told["tasks"]["fields"] if field.get("required")]
    assert required == ["title", "responsibleId"]
    operators = {one["name"]: one["types"] for one in guide["operators"]}
    assert list(operators) == ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$contains", "$in"]
    assert operators["$contains"] == ["any", "string"]


@pytest.mark.parametrize(("scope", "told"), [("crm", 4), ("task", 1), ("user", 1), ("vibe:infra", 0)])
def test_200_other_keys_are_told_of_the_entities_that_they_open(
    still_world: World, scope: str, told: int
) -> None:
    entities = still_world.call("GET", "/v1/guide", still_world.portal_key(scopes=[scope]).raw_key).data[
        "entities"
    ]
    assert [entity["scope"] for entity in entities] == [scope] * told


def test_200_every_code_with_its_status(guide: Any) -> None:
    assert {code: row["status"] for code, row in guide["errors"].items()} == {
        code: kind.status for code, kind in ERRORS.items()
    }
    common = set(guide["commonErrors"])
    assert {"VALIDATION_ERROR", "RATE_LIMITED", "INTERNAL_ERROR", "INVALID_API_KEY"} <= common
    assert common <= set(guide["errors"])
    for entry in guide["endpoints"]:
        assert set(entry["errors"]) <= set(guide["errors"]) - common


def test_200_an_endpoint_is_told_its_own_codes_and_together_they_are_all_that_it_refuses_with(
    world: World, guide: Any
) -> None:
    document = world.call("GET", "/v1/openapi.json").json
    for entry in guide["endpoints"]:
        responses = document["paths"][entry["path"]][entry["method"].lower()]["responses"]
        refused = [Described(document).follow(one) for status, one in responses.items() if status >= "4"]
        schemas = [one["content"]["application/json"]["schema"] for one in refused]
        codes = {code for one in schemas for code in one["properties"]["error"]["properties"]["code"]["enum"]}
        assert codes == {*entry["errors"], *guide["commonErrors"]}


def test_200_how_filters_ask(guide: Any) -> None:
    told = guide["conventions"]["filters"]
    for said in ("at most 500 values", "in a URL separated by commas", "`null`", "`companyId`", "so does 0"):
        assert said in told


def test_200_who_reads_only_the_guide_can_do_the_quickstart(world: World) -> None:
    unlinked = world.new_portal(linked=False)
    world.join(unlinked, world.admin, "ADMIN")

    answers = follow(world, world.admin.management_key)

    assert [answer.status for answer in answers] == [200, 200, 201, 200]
    portals, keys, created, me = (answer.data for answer in answers)
    assert {portal["id"] for portal in portals} == {world.portal.id, unlinked.id}
    assert (keys, created["portalId"]) == ([], world.portal.id)
    assert (me["type"], me["keyPrefix"]) == ("api", created["keyPrefix"])


def test_200_other_keys_have_a_quickstart_of_their_own(linked: Linked) -> None:
    keys = every_type_of_key(linked.world)[1:]
    assert [len(follow(linked.world, raw_key)) for raw_key in keys] == [6, 3, 2]
    for raw_key in [*keys, linked.key]:
        assert all(answer.status in (200, 201) for answer in follow(linked.world, raw_key))


def test_200_who_reads_only_the_guide_can_list_make_read_and_change_a_deal(linked: Linked) -> None:
    key = linked.world.portal_key(scopes=["crm"]).raw_key

    *_, deals, made, read, changed = follow(linked.world, key)

    assert [answer.status for answer in (deals, made, read, changed)] == [200, 201, 200, 200]
    new = {row["id"]: row for row in linked.rows("deals") if row["stageId"] == "NEW"}
    greatest = sorted((row["opportunity"] for row in new.values() if row["id"] <= 120), reverse=True)
    assert [deal["opportunity"] for deal in deals.data] == greatest[:5]
    assert read.data == made.data
    assert changed.data["id"] == made.data["id"]
    row = linked.sandbox.portal._store.get("deals", made.data["id"])
    assert row is not None
    assert (row["title"], row["opportunity"]) == ("Order 17", 1750)


def test_400_unknown_query(still_world: World) -> None:
    answer = still_world.call("GET", "/v1/guide?lang=en")
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")


def every_type_of_key(world: World) -> list[str]:
    """Management first; of the portal keys the second one may do more."""
    return [
        world.admin.management_key,
        world.portal_key(scopes=["crm"]).raw_key,
        world.portal_key(key_type="authorization", scopes=["vibe:infra"]).raw_key,
        world.personal_key(integrations=["ai_tools", "cli"]).raw_key,
    ]


def every_management_scope(world: World) -> str:
    return world.issue("management", world.admin.account, scopes=list(MANAGEMENT_SCOPES)).raw_key


def told(guide: Any) -> set[str]:
    return {entry["operationId"] for entry in guide["endpoints"]}


def endpoint(guide: Any, operation_id: str) -> Any:
    (entry,) = (entry for entry in guide["endpoints"] if entry["operationId"] == operation_id)
    return entry


def send(world: World, method: str, url: str, key: str, body: Any, query: Any = None) -> Answer:
    """Send a request to an absolute address; nothing but what the guide says is added."""
    assert url.startswith(f"{PUBLIC_URL}/")
    more = {} if body is None else {"json": body}
    return world.call(method, url.removeprefix(PUBLIC_URL), key, query_string=query, **more)


def follow(world: World, key: str) -> list[Answer]:
    """Do what the guide's quickstart says, knowing of the service only what the guide says."""
    guide = world.call("GET", "/v1/guide", key).data
    answers: list[Answer] = []
    for step in guide["quickstart"]["steps"]:
        entry = endpoint(guide, step["operationId"])
        needed = {one["name"] for one in entry["parameters"] if one["required"] and "[]" not in one["name"]}
        path, query, body = (values(step[name], answers) for name in ("pathParameters", "query", "body"))
        assert needed <= {*path, *query, *(body or {})}
        sent_key = key if step["key"] is None else value(step["key"], answers)
        url = guide["baseUrl"] + step["path"].format_map(path)
        answers.append(send(world, step["method"], url, sent_key, body, query))
    return answers


def values(described: Any, answers: list[Answer]) -> Any:
    return None if described is None else {name: value(one, answers) for name, one in described.items()}


def value(described: Any, answers: list[Answer]) -> Any:
    if "value" in described:
        return described["value"]
    found = answers[described["fromStep"] - 1].json
    for name in described["at"].removeprefix("/").split("/"):
        found = found[name]
    if not isinstance(found, list):
        return found
    return next(item for item in found if described["where"].items() <= item.items())[described["member"]]
