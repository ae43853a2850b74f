"""How PHP reads a query and writes a map."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.sandbox import php


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("", {}),
        ("a=1&b=&c", {"a": "1", "b": "", "c": ""}),
        ("a=1&a=2", {"a": "2"}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[0]=1&a[1]=2", {"a": ["1", "2"]}),
        ("a[1]=1&a[]=2", {"a": {"1": "1", "2": "2"}}),
        ("a[b]=1&a[]=2", {"a": {"b": "1", "0": "2"}}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a%5B%3E%3Did%5D=%D0%96+x%26", {"a": {">=id": "Ж x&"}}),
        ("[a]=1", {}),
        ("a[b=1", {"a": "1"}),
    ],
)
def test_a_query_is_read(query: str, read: dict[str, Any]) -> None:
    assert php.from_query(query) == read


def test_deep_brackets_are_cut_off() -> None:
    found: Any = php.from_query("a" + "[b]" * 100_000 + "=1")
    for _ in range(65):
        found = next(iter(found.values()))
    assert found == "1"


@pytest.mark.parametrize(
    ("array", "written"),
    [
        ({}, []),
        ({"0": "a", "1": "b"}, ["a", "b"]),
        ({"1": "a"}, {"1": "a"}),
        ({"1": "a", "0": "b"}, {"1": "a", "0": "b"}),
        ({"00": "a"}, {"00": "a"}),
    ],
)
def test_a_map_is_written(array: dict[str, Any], written: Any) -> None:
    assert php.encoded(array) == written


def test_variables_beyond_the_first_thousand_are_dropped() -> None:
    read = php.from_query("&".join(f"a[]={number}" for number in range(1_001)) + "&b=1")
    assert read == {"a": [str(number) for number in range(1_000)]}
