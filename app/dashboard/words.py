"""How templates write times and names, as Jinja's filters."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from app.instants import iso
from app.services import services

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def to_the_minute(milliseconds: int) -> str:
    """Return a time as `2026-11-26 14:03`, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def how_long_ago(milliseconds: int) -> str:
    """Return how long ago a time was, or how far ahead it is: `3 hours ago`, `in 5 minutes`."""
    seconds = services().clock() - milliseconds / 1000
    for size, unit in _UNITS:
        number = int(abs(seconds) // size)
        if number:
            span = f"{number} {unit}{'s' if number > 1 else ''}"
            return f"{span} ago" if seconds > 0 else f"in {span}"
    return "just now" if seconds >= 0 else "in a moment"


def in_words(name: str) -> str:
    """Return the name of a field as people write it: `expiresAt` is `Expires at`."""
    return re.sub("([A-Z])", lambda found: f" {found[1].lower()}", name).capitalize()


FILTERS = {"how_long_ago": how_long_ago, "in_words": in_words, "iso": iso, "to_the_minute": to_the_minute}
