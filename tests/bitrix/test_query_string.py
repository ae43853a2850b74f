from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.query_string import has_reference, query_string
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
        ({"fields": {"comments": None, "observers": [], "fm": {}}},
         "fields%5Bcomments%5D=&fields%5Bobservers%5D=&fields%5Bfm%5D="),
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
    ("value", "found"),
    [
        ({"fields": {"title": "see $result[c0][ID]"}}, True),
        ({"filter": {"@id": [1, "$result[c0]"]}}, True),
        ({"$result[c0]": 1}, True),
        ({"fields": {"title": "$result", "price": "$5 [result]", "n": 1, "nothing": None}}, False),
        ({}, False),
    ],
)
def test_references_to_other_results_are_found_at_any_depth(value: Any, found: bool) -> None:
    assert has_reference(value) is found
