"""The portal's own time: it writes all times with the offset of its time zone, which is not UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

PORTAL_TIME = timezone(timedelta(hours=3))


def written(seconds: float) -> str:
    """Unix seconds as the portal writes a time: `2026-08-25T16:16:04+03:00`."""
    return datetime.fromtimestamp(int(seconds), PORTAL_TIME).isoformat()


def read(text: str) -> datetime:
    """An ISO 8601 time or date; without an offset it is the portal's. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=PORTAL_TIME)
