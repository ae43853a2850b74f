"""How templates write times, names and JSON, as Jinja's filters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from app.instants import iso
from app.services import services
from app.usage.clients import OTHER, tool_of

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
    """Return a name as people write it: `Expires at` for `expiresAt`, `Needs review` for NEEDS_REVIEW."""
    return re.sub("(?<=[a-z])(?=[A-Z])|_", " ", name).capitalize()


def options(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the options of a choice among constants."""
    return [(name, in_words(name)) for name in names]


def indented(value: Any) -> str:
    """Return JSON for people to read."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def browser(user_agent: str) -> str:
    """Return the name of a browser, or what it says of itself if that is no known one."""
    name = tool_of(user_agent)
    return name if name != OTHER else user_agent or "Unknown"


FILTERS = {
    "browser": browser,
    "how_long_ago": how_long_ago,
    "in_words": in_words,
    "indented": indented,
    "iso": iso,
    "options": options,
    "to_the_minute": to_the_minute,
}
