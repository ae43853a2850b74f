"""A key's usage, for every resource that has keys: the answer to a query that `UsageQuery` has read."""

from __future__ import annotations

from flask import Response

from app.api.answers import answer
from app.errors import invalid
from app.models import Key
from app.schemas.usage import DEFAULT_RANGE, MOST_BUCKETS, usage_answer
from app.services import services
from app.usage.report import BUCKETS, Range, report


def answer_with_usage(
    key: Key, *, bucket: str, lineage: bool, since: int | None = None, until: int | None = None
) -> Response:
    """Answer with what was counted of a key that the caller may see.

    Raises `ApiError` VALIDATION_ERROR if the range ends before it begins, or has too many buckets.
    """
    ends = int(services().clock() * 1000) + 1 if until is None else until  # the bucket of now is one of them
    begins = max(ends - DEFAULT_RANGE, 0) if since is None else since
    within = Range.around(begins, ends, BUCKETS[bucket])
    if begins >= ends:
        raise invalid(since="Must be before until.")
    if (within.until - within.since) // within.length > MOST_BUCKETS:
        raise invalid(since=f"From since to until are more than {MOST_BUCKETS} buckets.")
    found = report(services().db, key, within, lineage=lineage)
    return answer(usage_answer(key, bucket, lineage, within, found))
