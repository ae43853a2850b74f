"""Portals whose calls go to a server of the test's own, and the calls to make."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from app.bitrix.portal_calls import Call, PortalCalls
from app.bitrix.results import Shape
from app.errors import ApiError
from app.models import Portal

CallsTo = Callable[..., PortalCalls]

READ = Call("crm.item.get", {"entityTypeId": 2, "id": 1}, shape=Shape.ITEM, under="item")
DEALS = Call("crm.item.list", {"entityTypeId": 2, "order": {"id": "ASC"}}, shape=Shape.ITEMS, under="items")
CREATE = Call(
    "crm.item.add", {"entityTypeId": 2, "fields": {"title": "once"}}, True, Shape.MADE, under="item"
)

_numbers = itertools.count(1)


def portal(**fields: Any) -> Portal:
    """A portal that is nowhere in a database, and that no other test calls."""
    settings = {"domain": "company.bitrix24.com", "status": "ACTIVE", "linked": True, "allow_private": True}
    return Portal(id=f"portal-{next(_numbers)}", **{**settings, **fields})


def refusal(calls: PortalCalls, of: Portal, call: Call = READ) -> ApiError:
    """What the call is refused with."""
    with pytest.raises(ApiError) as refused:
        calls.call(of, call)
    assert refused.value.__cause__ is None
    return refused.value
