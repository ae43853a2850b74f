"""Query parameters: each at most once, none unknown, pages counted from 1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from app.schemas.base import StrictSchema
from app.schemas.fields import Text, is_invisible

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
MAX_PAGE = 10**9
"""Far beyond any list, and small enough that page times limit fits the database's integers."""

_DIGITS = re.compile(r"0*([0-9]+)")


class Count(fields.Integer):
    """A whole number from `minimum`, written in ASCII digits. More than `maximum` is `maximum` if `clamp`,
    else refused.
    """

    def __init__(self, maximum: int, *, clamp: bool, minimum: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum, self.maximum, self.clamp = minimum, maximum, clamp
        self.metadata = {"minimum": minimum, **({} if clamp else {"maximum": maximum}), **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        match = _DIGITS.fullmatch(value)
        if match is None or (match[1] == "0" and self.minimum > 0):
            raise ValidationError(f"Must be a whole number from {self.minimum}.")
        # Compared by length first: int() refuses thousands of digits.
        number = int(match[1]) if len(match[1]) <= len(str(self.maximum)) else self.maximum + 1
        if number > self.maximum and not self.clamp:
            raise ValidationError(f"Must be at most {self.maximum}.")
        return min(number, self.maximum)


class Flag(fields.Boolean):
    """`true` or `false`, in these letters."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("Must be true or false.")
        return bool(value == "true")


class Search(Text):
    """What to look for. A text without a visible character, as an empty search box sends it, is ""."""

    def __init__(self, maximum: int, description: str, **kwargs: Any) -> None:
        super().__init__(
            0, maximum, metadata={"description": f"{description} Empty: no such filter."}, **kwargs
        )

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return "" if is_invisible(text) else text


class PageQuery(StrictSchema):
    """Which page of a list."""

    page = Count(
        MAX_PAGE, clamp=False, load_default=1, metadata={"description": "Which page, counted from 1."}
    )
    limit = Count(
        MAX_LIMIT,
        clamp=True,
        load_default=DEFAULT_LIMIT,
        metadata={"description": f"How many items a page has; more than {MAX_LIMIT} count as {MAX_LIMIT}."},
    )


class NoQuery(StrictSchema):
    """No parameters at all."""
