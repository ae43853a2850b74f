"""Values of every kind: as a caller writes them, as Bitrix24 does."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.kinds import KINDS, LETTERED, BadValue

WRITTEN = [
    ("integer", 5, 5),
    ("integer", -(2**53) + 1, -(2**53) + 1),
    ("number", 5, 5),
    ("number", 0.1, 0.1),
    ("flag", True, "Y"),
    ("flag", False, "N"),
    ("boolean", False, False),
    ("string", "", ""),
    ("string", "a\nb", "a\nb"),
    ("date", "2024-02-29", "2024-02-29"),
    ("datetime", "2026-11-26T12:00:00.999+03:00", "2026-11-26T09:00:00+00:00"),
    ("datetime", "2026-11-26T12:00:00Z", "2026-11-26T12:00:00+00:00"),
    ("any", {"id": [1]}, {"id": [1]}),
    ("any", True, True),
]


@pytest.mark.parametrize(("kind", "value", "upstream"), WRITTEN)
def test_what_is_written(kind: str, value: Any, upstream: Any) -> None:
    given = KINDS[kind].given(value)
    assert (given, type(given)) == (upstream, type(upstream))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("integer", value) for value in (5.0, "5", True, 2**53, None, [5])],
        *[("number", value) for value in ("5", True, 1e15, float("nan"), float("inf"), None)],
        *[("flag", value) for value in ("Y", 1, 0, None, "true")],
        *[("boolean", value) for value in ("Y", 1, None)],
        *[("string", value) for value in (5, True, None, ["x"])],
        *[("date", value) for value in ("2026-1-1", "2026-02-30", "20260101", 5, "２０２６-01-01")],
        *[
            ("datetime", value)
            for value in ("2026-01-01", "2026-01-01T00:00:00", 5, "now", "9999-12-31T23:00:00-05:00")
        ],
    ],
)
def test_what_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(BadValue, match=r"\.$"):
        KINDS[kind].given(value)


SHOWN = [
    ("integer", "17", 17),
    ("integer", 17, 17),
    ("integer", "0", 0),
    ("integer", "-3", -3),
    ("integer", "", None),
    ("integer", None, None),
    ("integer", [], None),
    ("integer", "n17", "n17"),
    ("integer", "9" * 17, "9" * 17),
    ("integer", "9007199254740991", 2**53 - 1),
    ("integer", "9007199254740993", "9007199254740993"),
    ("integer", 9007199254740993, "9007199254740993"),
    ("integer", -(2**53), "-9007199254740992"),
    ("number", "1500.50", 1500.5),
    ("number", "1500.00", 1500),
    ("number", 1500.0, 1500.0),
    ("number", "nan", "nan"),
    ("number", "1 500", "1 500"),
    ("number", "1_000", "1_000"),
    ("number", "-0.10", -0.1),
    ("number", "1.5E+3", 1500),
    ("number", "12345678901234.5678", "12345678901234.5678"),
    ("number", "12345678901234567891.25", "12345678901234567891.25"),
    ("number", "9007199254740993", "9007199254740993"),
    ("number", "0." + "1" * 41, "0." + "1" * 41),
    ("number", 9007199254740993, "9007199254740993"),
    ("number", int("9" * 309), "9" * 309),
    ("number", True, True),
    ("flag", "Y", True),
    ("flag", "N", False),
    ("flag", "", None),
    ("flag", None, None),
    ("flag", "1", True),
    ("flag", False, False),
    ("flag", "n", False),
    ("flag", "maybe", "maybe"),
    ("flag", ["Y"], ["Y"]),
    ("flag", {"a": 1}, {"a": 1}),
    ("boolean", True, True),
    ("boolean", "N", False),
    ("string", "x", "x"),
    ("string", "", ""),
    ("string", 5, "5"),
    ("string", 5.5, "5.5"),
    ("string", {}, None),
    ("string", [], None),
    ("string", False, None),
    ("string", True, True),
    ("string", ["a"], ["a"]),
    ("string", {"a": 1}, {"a": 1}),
    ("date", "2026-08-25T00:00:00+03:00", "2026-08-25"),
    ("date", "2026-08-25", "2026-08-25"),
    ("date", "", None),
    ("date", "25.08.2026", "25.08.2026"),
    ("datetime", "2026-08-25T16:16:04+03:00", "2026-08-25T13:16:04.000Z"),
    ("datetime", "24.08.2023 13:19:39", "24.08.2023 13:19:39"),
    ("datetime", "2026-08-25T16:16:04", "2026-08-25T16:16:04"),
    ("datetime", {}, None),
    ("datetime", 5, 5),
    ("object", [], {}),
    ("object", None, {}),
    ("object", {"id": "5", "name": "5", "of": {"id": "6"}}, {"id": 5, "name": "5", "of": {"id": 6}}),
    ("any", "Y", "Y"),
    ("any", [], []),
]


@pytest.mark.parametrize(("kind", "upstream", "value"), SHOWN)
def test_what_is_shown(kind: str, upstream: Any, value: Any) -> None:
    shown = KINDS[kind].shown(upstream)
    assert (shown, type(shown)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text", "sought"),
    [
        ("integer", "017", 17),
        ("number", "-1.50", -1.5),
        ("flag", "true", "Y"),
        ("boolean", "false", False),
        ("string", "true", "true"),
        ("date", "2026-01-01", "2026-01-01"),
        ("datetime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
        ("any", "1", "1"),
    ],
)
def test_what_a_query_asks_for(kind: str, text: str, sought: Any) -> None:
    asked = KINDS[kind].sought(KINDS[kind].parsed(text))
    assert (asked, type(asked)) == (sought, type(sought))


def test_flags_of_custom_fields() -> None:
    """They are written as letters in CRM, and as numbers in a filter."""
    assert [LETTERED.given(flag) for flag in (True, False, "Y")] == ["Y", "N", "Y"]
    assert [LETTERED.sought(flag) for flag in (True, False)] == [1, 0]
