"""GET /api/v1/api-keys: the account's personal keys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.personal import Holder
from tests.key_fields import KEY_FIELDS


def test_200_every_personal_key_of_the_account_and_no_other_newest_first(holder: Holder) -> None:
    world = holder.world
    mine = [holder.own.key.id, holder.key(name="second").key.id, holder.key(integrations=["cli"]).key.id]
    world.personal_key(world.stranger)
    world.portal_key()

    answer = holder.call("GET")

    assert [key["id"] for key in answer.data] == mine[::-1]
    assert answer.json["meta"] == {"page": 1, "limit": 50, "total": 3, "hasMore": False}
    assert all(list(key) == KEY_FIELDS for key in answer.data)
    assert {key["type"] for key in answer.data} == {"personal"}
    assert answer.data[0]["integrations"] == ["cli"]
    assert {key["portalId"] for key in answer.data} == {None}


def test_200_a_key_that_holds_more_is_shown(holder: Holder) -> None:
    narrow = holder.key(integrations=["cli"]).raw_key
    assert holder.own.key.id in {key["id"] for key in holder.call("GET", key=narrow).data}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "REVOKED"}, ["revoked laptop"]),
        ({"status": "ACTIVE", "name": "LAPTOP"}, ["laptop 100%"]),
        ({"name": "laptop"}, ["revoked laptop", "laptop 100%"]),
        ({"name": "100%"}, ["laptop 100%"]),
        ({"name": "nothing"}, []),
        ({"name": "", "status": "REVOKED"}, ["revoked laptop"]),
    ],
)
def test_200_filters(holder: Holder, query: dict[str, str], found: list[str]) -> None:
    holder.key(name="laptop 100%")
    holder.key(name="revoked laptop", status="REVOKED")

    answer = holder.call("GET", query_string=query)

    assert [key["name"] for key in answer.data] == found
    assert answer.json["meta"]["total"] == len(found)


def test_200_pages(holder: Holder) -> None:
    ids = [holder.own.key.id, *(holder.key().key.id for _ in range(4))][::-1]
    pages = [holder.call("GET", query_string={"page": page, "limit": 2}) for page in (1, 2, 3, 4)]
    assert [[key["id"] for key in page.data] for page in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert [page.json["meta"]["hasMore"] for page in pages] == [True, True, False, False]


@pytest.mark.parametrize(
    "query", [{"status": "active"}, {"portalId": "x"}, {"name": "\t"}, {"page": 0}, {"integrations": "cli"}]
)
def test_400_what_is_no_filter(holder: Holder, query: dict[str, Any]) -> None:
    answer = holder.call("GET", query_string=query)
    assert (answer.status, list(answer.error["details"])) == (400, list(query))


def test_403_for_ai_tools_alone(holder: Holder) -> None:
    answer = holder.call("GET", key=holder.key(integrations=["ai_tools"]).raw_key)
    assert (answer.status, answer.code) == (403, "INTEGRATION_REQUIRED")
    assert answer.error["details"] == {"requiredIntegrations": ["cli"], "integrations": ["ai_tools"]}


def test_403_for_what_opens_nothing(holder: Holder) -> None:
    answer = holder.call("GET", key=holder.key(integrations=["mcp_server"]).raw_key)
    assert (answer.status, answer.code) == (403, "INTEGRATION_REQUIRED")
