"""`feedback` of GET /v1/me: whoever reads only that can work the queue of tickets."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from app.feedback import ANSWER_STATUSES, CATEGORIES, STATUSES
from app.guide.feedback import TEAM
from app.registry import ROUTE_OF
from tests.api.desk import TICKET_FIELDS, Desk
from tests.api.world import PUBLIC_URL, UNKNOWN_ID, World

TEXT = "What I have to say."


@pytest.fixture(scope="module")
def reference(still_world: World) -> Any:
    return still_world.call("GET", "/v1/me").data["feedback"]


def test_it_tells_every_endpoint_of_the_team_in_a_line(reference: Any) -> None:
    assert [line.partition(" — ")[0] for line in reference["endpoints"]] == [
        f"GET {PUBLIC_URL}/v1/feedback",
        f"GET {PUBLIC_URL}/v1/feedback/:id",
        f"PATCH {PUBLIC_URL}/v1/feedback/:id",
        f"POST {PUBLIC_URL}/v1/feedback/:id/comments",
    ]


def test_it_tells_every_status_who_sets_it_and_whether_the_author_is_mailed(reference: Any) -> None:
    assert list(reference["statuses"]) == list(STATUSES)
    team = ["commentTicket (team)", "updateTicket (team)"]
    told = {name: (it["setBy"], it["mailsAuthor"]) for name, it in reference["statuses"].items()}
    assert told == {
        "NEW": (["createTicket (author)", "updateTicket (team)"], False),
        "REVIEWING": (team, False),
        "AWAITING_USER": (team, True),
        "NEEDS_REVIEW": (["commentTicket (author)", *team], False),
        "RESOLVED": (team, True),
        "ARCHIVED": (team, False),
    }
    assert all(it["meaning"] for it in reference["statuses"].values())


def test_it_tells_what_becomes_of_a_status(reference: Any) -> None:
    transitions = reference["transitions"]

    assert transitions["teamComment"] == {"from": list(STATUSES), "to": list(ANSWER_STATUSES)}
    assert transitions["teamUpdate"] == {"from": list(STATUSES), "to": list(STATUSES)}
    assert transitions["authorComment"] == {name: status.after_reply for name, status in STATUSES.items()}


def test_it_tells_filters_and_paging(reference: Any) -> None:
    assert reference["categories"] == list(CATEGORIES)
    assert list(reference["filters"]) == ["status", "category", "portalId"]
    assert reference["filters"]["status"]["enum"] == list(STATUSES)
    assert reference["filters"]["category"]["enum"] == list(CATEGORIES)
    assert reference["filters"]["portalId"]["format"] == "uuid"
    assert "100" in reference["paging"]["limit"]["description"]
    assert reference["paging"]["page"]["minimum"] == reference["paging"]["limit"]["minimum"] == 1


def test_it_tells_the_limits_of_every_field(reference: Any) -> None:
    comment = reference["fields"]["commentTicket"]
    update = reference["fields"]["updateTicket"]

    assert comment["required"] == ["status", "text"]
    assert comment["properties"]["status"]["enum"] == list(ANSWER_STATUSES)
    assert (comment["properties"]["text"]["minLength"], comment["properties"]["text"]["maxLength"]) == (
        1,
        10_000,
    )
    assert update["required"] == []
    assert update["properties"]["status"]["enum"] == list(STATUSES)
    assert update["properties"]["resolution"]["type"] == ["string", "null"]
    assert list(reference["fields"]["ticket"]) == TICKET_FIELDS
    assert list(reference["fields"]["comment"]) == ["id", "author", "text", "status", "createdAt"]
    assert "$ref" not in str(reference["fields"])


def test_every_example_and_step_is_a_call_that_the_team_can_make(reference: Any) -> None:
    ticket_id = reference["examples"][0]["answer"]["data"][0]["id"]
    for call in (*reference["examples"], *reference["workflow"]):
        path = urlsplit(call["url"]).path.replace(ticket_id, "{id}")
        assert call["url"].startswith(PUBLIC_URL)
        assert "management" in ROUTE_OF[call["method"], path].types
    assert [step["goal"] for step in reference["workflow"]] == [task.goal for task in TEAM.workflow]


def test_every_filter_that_it_tells_can_be_used(still_desk: Desk, reference: Any) -> None:
    for name, schema in reference["filters"].items():
        for value in schema.get("enum", [UNKNOWN_ID]):
            assert still_desk.list(**{name: value}).status == 200


def test_its_steps_lead_a_ticket_from_new_to_its_end(desk: Desk, reference: Any) -> None:
    ticket_id = desk.open()
    seen = []
    for step in reference["workflow"]:
        path = step["url"].removeprefix(PUBLIC_URL).replace("{id}", ticket_id)
        body = step["body"]
        if body is not None:
            body = {name: TEXT if value.startswith("<") else value for name, value in body.items()}
        answer = desk.world.call(step["method"], path, desk.team, json=body)
        assert answer.status in (200, 201), (step, answer.body)
        if body is not None:
            seen.append(answer.data["status"])
            assert bool(desk.mails(ticket_id)) is (len(seen) > 1)

    assert seen == ["REVIEWING", "AWAITING_USER", "RESOLVED", "ARCHIVED", "ARCHIVED"]
    card = desk.read(ticket_id).data
    assert [comment["status"] for comment in card["comments"]] == ["AWAITING_USER", "RESOLVED", "ARCHIVED"]
    assert card["resolution"] == TEXT
