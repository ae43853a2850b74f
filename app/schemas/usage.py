"""Usage of a key, as it is asked for and as it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError, fields, validates

from app.instants import iso
from app.models import Key
from app.schemas.base import StrictSchema
from app.schemas.fields import Choice, Instant
from app.schemas.query import Flag
from app.usage.report import BUCKETS, Range, Report
from app.usage.windows import DAY_MS

MOST_BUCKETS = 10_000
DEFAULT_RANGE = 30 * DAY_MS
_LATEST = 253_370_764_800_000
"""9999-01-01: the end of a bucket has to be a time that can be written."""


class UsageQuery(StrictSchema):
    """The query of a key's usage."""

    since = Instant(
        metadata={"description": "From the bucket that holds this time on; absent: 30 days before `until`."}
    )
    until = Instant(metadata={"description": "To the bucket that this time ends in; absent: now."})
    bucket = Choice(
        tuple(BUCKETS),
        load_default="day",
        metadata={"description": "How long the parts of `series` are; hours and days are those of UTC."},
    )
    lineage = Flag(
        load_default=False,
        metadata={"description": "`true`: of all keys that rotation made from each other, deleted ones too."},
    )

    @validates("since")
    @validates("until")
    def can_be_told(self, value: int, **_: Any) -> None:
        """Times before clocks were set, and those whose bucket ends after the last year, are nobody's."""
        if not 0 <= value < _LATEST:
            raise ValidationError("Must be between 1970 and 9998.")


class BucketAnswer(StrictSchema):
    """One hour or day in which there were requests."""

    start = Instant(required=True)
    request_count = fields.Integer(required=True)


class CountAnswer(StrictSchema):
    """Requests that have something in common."""

    name = fields.String(required=True)
    count = fields.Integer(required=True)


def _split(description: str) -> fields.Field[Any]:
    return fields.List(fields.Nested(CountAnswer), required=True, metadata={"description": description})


class UsageAnswer(StrictSchema):
    """What was counted of a key between `since` and `until`."""

    key_id = fields.String(required=True, metadata={"format": "uuid"})
    lineage = fields.Boolean(
        required=True, metadata={"description": "Whether all of the lineage is counted."}
    )
    since = Instant(required=True, metadata={"description": "The beginning of the first bucket."})
    until = Instant(required=True, metadata={"description": "The end of the last bucket."})
    bucket = fields.String(required=True, metadata={"enum": list(BUCKETS)})
    request_count = fields.Integer(
        required=True, metadata={"description": "Requests that were let in: the sum of `series`, exact."}
    )
    last_used_at = Instant(
        required=True, allow_none=True, metadata={"description": "The last use, whatever the range."}
    )
    last_used_ip = fields.String(required=True, allow_none=True)
    series = fields.List(
        fields.Nested(BucketAnswer),
        required=True,
        metadata={"description": "The oldest first; buckets without requests are left out."},
    )
    tools = _split("By the tool that `User-Agent` names, the most frequent first.")
    actions = _split("By method and route.")
    statuses = _split("By class of HTTP status: `2xx`, …")
    networks = _split("By the client's network: of IPv4 the /24, of IPv6 the /48.")
    refusals = _split(
        "Refused requests by code, also those that the gateway refused and `requestCount` does not have. "
        "`INVALID_API_KEY`: a wrong key that begins like this one."
    )


def usage_answer(key: Key, bucket: str, lineage: bool, within: Range, found: Report) -> dict[str, Any]:
    """Return a report in the shape of `UsageAnswer`.

    By hand, since marshmallow takes ten times as long, and a year has 8,784 hours.
    """
    return {
        "keyId": key.id,
        "lineage": lineage,
        "since": iso(within.since),
        "until": iso(within.until),
        "bucket": bucket,
        "requestCount": found.requests,
        "lastUsedAt": None if found.last_use.last_used_at is None else iso(found.last_use.last_used_at),
        "lastUsedIp": found.last_use.last_used_ip,
        "series": [{"start": _iso_of_hour(at), "requestCount": requests} for at, requests in found.series],
        "tools": _counts(found.splits["tool"]),
        "actions": _counts(found.splits["action"]),
        "statuses": _counts(found.splits["status"]),
        "networks": _counts(found.splits["network"]),
        "refusals": _counts(found.splits["refusal"]),
    }


def _counts(split: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"name": name, "count": count} for name, count in split]


def _iso_of_hour(at: int) -> str:
    day, of_day = divmod(at, DAY_MS)
    return f"{_date(day)}T{of_day // 3_600_000:02}:00:00.000Z"


@lru_cache(maxsize=512)
def _date(day: int) -> str:
    return iso(day * DAY_MS)[:10]
