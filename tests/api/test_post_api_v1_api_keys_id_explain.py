"""POST /api/v1/api-keys/{id}/explain: why a request with a personal key is refused, as of portal keys."""

from __future__ import annotations

from typing import Any

from tests.api.personal import Holder
from tests.api.world import UNKNOWN_ID, Answer

HERE = "127.0.0.1"


def explain(holder: Holder, id: str, key: str | None = None, **question: Any) -> Answer:
    asked = {"address": HERE, "path": "/api/v1/prompts", **question}
    return holder.call("POST", f"/{id}/explain", key, json=asked)


def verdict(answer: Answer, check: str) -> Any:
    return next(one["verdict"] for one in answer.data["checks"] if one["check"] == check)


def test_200_portals_and_scopes_are_no_matter_of_a_personal_key(holder: Holder) -> None:
    answer = explain(holder, holder.key().key.id)

    assert (answer.status, answer.data["verdict"]) == (200, "ALLOWED")
    assert {verdict(answer, name) for name in ("portal", "member", "scope")} == {"NOT_APPLICABLE"}
    assert verdict(answer, "integration") == "PASSED"


def test_200_the_integration_that_is_lacking(holder: Holder) -> None:
    narrow = holder.key(integrations=["cli"])

    answer = explain(holder, narrow.key.id, method="POST", path="/api/v1/claude-code/hooks")

    refused = holder.world.call("POST", "/api/v1/claude-code/hooks", narrow.raw_key)
    assert answer.data["verdict"] == refused.code == "INTEGRATION_REQUIRED"
    told = next(one for one in answer.data["checks"] if one["check"] == "integration")
    assert told["details"] == refused.error["details"]


def test_200_a_key_asks_about_itself_and_counts_its_question(holder: Holder) -> None:
    alone = holder.key(hourly_limit=3)

    answer = explain(holder, alone.key.id, alone.raw_key)

    assert next(one["used"] for one in answer.data["limits"] if one["scope"] == "key") == 1


def test_200_a_key_that_holds_more_can_be_asked_about(holder: Holder) -> None:
    narrow = holder.key(integrations=["cli"]).raw_key
    assert explain(holder, holder.own.key.id, narrow).status == 200


def test_400_names_what_is_wrong(holder: Holder) -> None:
    answer = explain(holder, holder.own.key.id, address="here", path="prompts")
    assert (answer.status, sorted(answer.error["details"])) == (400, ["address", "path"])


def test_404_of_another_account_or_type(holder: Holder) -> None:
    world = holder.world
    for id in (world.personal_key(world.stranger).key.id, world.portal_key().key.id, UNKNOWN_ID):
        assert explain(holder, id).code == "ENTITY_NOT_FOUND"
