"""What came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Received:
    """One call of `/rest`: as it was asked for, and how the answer to it began."""

    method: str
    params: dict[str, Any]
    connection: int
    """The number of the connection that it came on."""
    status: int | None = None
    """The status that was sent; None as long as none was."""
