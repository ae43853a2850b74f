"""Points in time as the outside writes them: ISO-8601 with a zone. Inside they are unix milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def iso(milliseconds: int) -> str:
    """Unix milliseconds as ISO-8601 in UTC: `2026-11-26T04:33:06.123Z`."""
    moment = _EPOCH + milliseconds * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_in(text: str) -> int:
    """Return the unix milliseconds of an ISO-8601 time with a zone. Raises ValueError, which says why."""
    if not text.isascii() or "T" not in text.upper():
        raise ValueError("Not an ISO-8601 time.")
    try:
        moment = datetime.fromisoformat(text.upper())
        if moment.tzinfo is not None:
            return (moment.astimezone(UTC) - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):  # overflow: 9999-12-31 west of Greenwich
        raise ValueError("Not an ISO-8601 time.") from None
    raise ValueError("Needs a time zone, such as Z.")
