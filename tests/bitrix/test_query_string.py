from __future__ import annotations

from typing import Any

import pytest

from app.bitrix import query_string as module
from app.bitrix.query_string import (
    LARGEST_BATCH,
    MOST_VARIABLES,
    BatchTooLarge,
    Unwritable,
    Writer,
    query_string,
)
from app.bitrix.sandbox import php


@pytest.mark.parametrize(
    ("params", "written"),
    [
        ({}, ""),
        ({"id": 5}, "id=5"),
        ({"a": "x y&b=c%+é"}, "a=x%20y%26b%3Dc%25%2B%C3%A9"),
        ({"filter": {">=id": 5, "@stageId": ["NEW", "WON"]}},
         "filter%5B%3E%3Did%5D=5&filter%5B%40stageId%5D%5B0%5D=NEW&filter%5B%40stageId%5D%5B1%5D=WON"),
        ({"a": True, "b": False}, "a=1&b=0"),
        ({"a": 1.5, "b": 1e22, "c": 1e-7, "d": -2.0}, "a=1.5&b=10000000000000000000000&c=0.0000001&d=-2.0"),
        ({"a": ""}, "a="),
        ({"select": [], "filter": {}, "order": None, "start": 0}, "start=0"),
        ({"fields": {"comments": None}}, "fields%5Bcomments%5D="),
    ],
)  # fmt: skip
def test_how_parameters_are_written(params: dict[str, Any], written: str) -> None:
    assert query_string(params) == written


def test_what_is_written_is_read_back_as_it_was_but_for_its_types() -> None:
    params = {
        "entityTypeId": 2,
        "fields": {"title": "ä ✓ \x00 [x]=&;%00\n", "fm": [{"value": "+49"}, {"typeId": "IM"}]},
        "filter": {"!%title": "50%", "0": {"logic": "OR", "0": {"id": 1}, "1": {"id": 2}}},
    }  # fmt: skip
    assert php.from_query(query_string(params)) == {
        "entityTypeId": "2",
        "fields": params["fields"],
        "filter": {"!%title": "50%", "0": {"logic": "OR", "0": {"id": "1"}, "1": {"id": "2"}}},
    }


@pytest.mark.parametrize(
    "params",
    [
        {"fields": {"title": "see $result[c0][ID]"}},
        {"filter": {"@id": [1, "$result[c0]"]}},
        {"fields": {"$result[c0]": 1}},
        {"fields": {"ufX": {"a]b": 1}}},
        {"fields": {"ufX": {"a][b": 1}}},
        {"fields": {"ufX": {"": 1}}},
        {"fields": {"observers": []}},
        {"fields": {"ufX": {"x": [[1], {}]}}},
        {"fields": {"ufX": [None, [1, []]]}},
        {"filter": {"@id": list(range(MOST_VARIABLES + 1))}},
        {"a": {"filter": {"@id": list(range(MOST_VARIABLES))}, "start": 0}},
    ],
    ids=lambda it: str(it)[:40],
)
def test_what_php_would_read_otherwise_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(Unwritable, match=r"\.$"):
        query_string(params)


def test_so_is_what_it_would_not_read_for_its_depth() -> None:
    nested: Any = 1
    for _ in range(60):
        nested = {"a": nested}
    assert php.from_query(query_string({"fields": nested})) == {"fields": _as_text(nested)}
    with pytest.raises(Unwritable):
        query_string({"fields": {"a": nested}})


def test_what_only_looks_like_a_reference_is_written() -> None:
    params = {"fields": {"title": "$result", "price": "$5 [result]"}}
    assert php.from_query(query_string(params)) == params


def test_as_many_values_as_there_may_be_are_all_read() -> None:
    params = {"filter": {"@id": [str(number) for number in range(MOST_VARIABLES)]}}
    assert php.from_query(query_string(params)) == params


@pytest.mark.parametrize(
    "params",
    [
        {"title": "é" * (LARGEST_BATCH // 6)},
        {"fields": {"k" * 100_000: list(range(MOST_VARIABLES))}},
    ],
    ids=["one value", "a name that every value repeats"],
)
def test_what_is_large_is_not_written_out(params: dict[str, Any]) -> None:
    with pytest.raises(BatchTooLarge):
        query_string(params)


class TestWriter:
    """The commands of one batch."""

    def test_a_page_is_told_first(self) -> None:
        assert Writer().command("user.get", {"id": 5}, 50) == "user.get?start=50&id=5"
        assert Writer().command("user.get", {"id": 5}) == "user.get?id=5"
        assert Writer().command("profile", {}) == "profile?"
        assert Writer().command("user.get", {}, 0) == "user.get?start=0"

    def test_what_pages_share_is_written_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        written: list[Any] = []
        monkeypatch.setattr(module, "query_string", lambda params: str(written.append(params) or "a=1"))
        writer, params = Writer(), {"a": 1}
        assert [writer.command("m", params, start) for start in (0, 50)] == [
            "m?start=0&a=1",
            "m?start=50&a=1",
        ]
        writer.command("m", {"a": 1})
        assert len(written) == 2

    def test_all_commands_share_the_room(self) -> None:
        writer, params = Writer(), {"title": "x" * (LARGEST_BATCH // 4)}
        for _ in range(3):
            writer.command("m", params)
        with pytest.raises(BatchTooLarge):
            writer.command("m", params)


def _as_text(value: Any) -> Any:
    return {key: _as_text(inner) for key, inner in value.items()} if isinstance(value, dict) else str(value)
