"""What a condition finds: that there is reason for an alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.usage.windows import HOUR_MS


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason for an alert of `type` about `subject`, to be told to an account.

    `hour` is the beginning of the hour (unix milliseconds) that it comes of; None if it comes of what is so
    just now. `key_id` is the key that it is about, if it is about one. `facts` have the names of columns:
    times end in `_at`.
    """

    account_id: str
    type: str
    subject: str
    key_id: str | None
    hour: int | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the clock (UTC) as it is looked at: when it began, and how late it is now."""

    starts_at: int
    now_ms: int

    @property
    def ends_at(self) -> int:
        """When it ends, in unix milliseconds."""
        return self.starts_at + HOUR_MS
