"""What a result holds, in the forms in which PHP writes it."""

from __future__ import annotations

from typing import Any

import pytest

from app.bitrix.failures import BitrixError, Kind
from app.bitrix.results import Shape, shaped

ITEM, OTHER = {"id": 5, "title": "x"}, {"id": "6"}
UNUSABLE, MISSING = Kind.UNUSABLE, Kind.MISSING


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (Shape.ITEM, {"it": ITEM}, ITEM),
        (Shape.ITEM, [], MISSING),
        (Shape.ITEM, {}, MISSING),
        (Shape.ITEM, {"it": []}, UNUSABLE),
        (Shape.ITEM, {"it": True}, UNUSABLE),
        (Shape.ITEM, {"of": ITEM}, UNUSABLE),
        (Shape.ITEM, None, UNUSABLE),
        (Shape.MADE, {"it": ITEM}, ITEM),
        (Shape.MADE, [], UNUSABLE),
        (Shape.MADE, {}, UNUSABLE),
        (Shape.MADE, {"it": []}, UNUSABLE),
        (Shape.MADE, {"it": True}, UNUSABLE),
        (Shape.MADE, {"it": {"title": "x"}}, UNUSABLE),
        (Shape.CHANGED, {"it": ITEM}, ITEM),
        (Shape.CHANGED, {"it": True}, True),
        (Shape.CHANGED, {"it": False}, UNUSABLE),
        (Shape.CHANGED, {"it": 1}, UNUSABLE),
        (Shape.CHANGED, [], UNUSABLE),
        (Shape.DELETED, [], []),
        (Shape.DELETED, {}, {}),
        (Shape.DELETED, True, True),
        (Shape.DELETED, {"it": True}, {"it": True}),
        (Shape.DELETED, {"it": False}, UNUSABLE),
        (Shape.DELETED, {"it": None}, UNUSABLE),
        (Shape.DELETED, False, UNUSABLE),
        (Shape.DELETED, None, UNUSABLE),
        (Shape.ITEMS, {"it": [ITEM, OTHER]}, [ITEM, OTHER]),
        (Shape.ITEMS, {"it": {"3": ITEM, "7": OTHER}}, [ITEM, OTHER]),
        (Shape.ITEMS, {"it": []}, []),
        (Shape.ITEMS, {"it": {}}, []),
        (Shape.ITEMS, [], []),
        (Shape.ITEMS, {"it": None}, UNUSABLE),
        (Shape.ITEMS, {"it": [5]}, UNUSABLE),
        (Shape.ITEMS, {"it": [ITEM, []]}, UNUSABLE),
        (Shape.ITEMS, {"it": ITEM}, UNUSABLE),
        (Shape.FIELDS, {"it": {"title": {}}}, {"title": {}}),
        (Shape.FIELDS, {"it": []}, {}),
        (Shape.FIELDS, [], {}),
        (Shape.FIELDS, {"it": [5]}, UNUSABLE),
        (Shape.FIELDS, {"it": None}, UNUSABLE),
    ],
)
def test_what_stands_under_a_name(shape: Shape, value: Any, expected: Any) -> None:
    _check(shape, value, "it", expected)


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (Shape.ITEMS, [ITEM], [ITEM]),
        (Shape.ITEMS, {"0": ITEM, "2": OTHER}, [ITEM, OTHER]),
        (Shape.ITEMS, [], []),
        (Shape.ITEMS, {}, []),
        (Shape.ITEMS, "items", UNUSABLE),
        (Shape.ONLY, [{"ID": "5"}], {"ID": "5"}),
        (Shape.ONLY, {"3": {"ID": "5"}}, {"ID": "5"}),
        (Shape.ONLY, [], MISSING),
        (Shape.ONLY, {}, MISSING),
        (Shape.ONLY, [[]], UNUSABLE),
        (Shape.FIELDS, {"NAME": "Name"}, {"NAME": "Name"}),
        (Shape.FIELDS, [], {}),
        (Shape.ANYTHING, None, None),
        (Shape.ANYTHING, [], []),
    ],
)
def test_what_is_the_result(shape: Shape, value: Any, expected: Any) -> None:
    _check(shape, value, None, expected)


@pytest.mark.parametrize("number", [None, 0, "0", -5, "", "x", True, 5.5, [], {}, 2**53])
def test_an_item_has_an_id(number: Any) -> None:
    _check(Shape.ITEM, {"it": {"id": number}}, "it", UNUSABLE)


def _check(shape: Shape, value: Any, under: str | None, expected: Any) -> None:
    if not isinstance(expected, Kind):
        assert shaped(value, shape, under) == expected
        return
    with pytest.raises(BitrixError) as raised:
        shaped(value, shape, under)
    assert raised.value.kind is expected
