"""What a method is given, and what it gives."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from app.bitrix.sandbox.store import Store


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method, by itself or out of a batch."""

    params: dict[str, Any]
    store: Store
    scopes: Collection[str]
    """Those of the webhook."""
    now: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method gives; lists also tell how many rows there are, and where the next page starts."""

    result: Any
    total: int | None = None
    next: int | None = None
