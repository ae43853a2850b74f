"""What came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """One call of `/rest`, as it was asked for and as far as it was answered."""

    method: str
    params: dict[str, Any]
    connection: int
    """The number of the connection that it came on."""
    status: int | None
    """The status that was sent; None if the connection was closed without one."""
