"""AFTER_HOURS: a key is used outside of its account's business hours.

Usage is counted by the hour. An hour that lies wholly outside counts as such with its first request; of one
in which business begins or ends, or the business hours were set, the time of a key's last use tells, which is
looked at each minute. What was used before they were set was not used against them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import apsw

from app.alerts.finding import Finding, Hour
from app.alerts.hours import BusinessHours

TYPE = "AFTER_HOURS"

_USED = """
    SELECT preferences.account_id, preferences.timezone, preferences.business_hours, preferences.hours_set_at,
           "key".lineage_id, "key".id, "key".name, "key".key_prefix, sum(usage_hour.requests),
           usage_key.last_used_at, usage_key.last_used_ip
    FROM usage_hour CROSS JOIN "key" ON "key".id = usage_hour.key_id
    CROSS JOIN preferences ON preferences.account_id = "key".owner_id
    CROSS JOIN usage_key ON usage_key.key_id = "key".id
    WHERE usage_hour.starts_at = ? AND preferences.business_hours IS NOT NULL
    GROUP BY "key".id"""


def findings(connection: apsw.Connection, hour: Hour) -> Iterator[Finding]:
    """Yield the lineages that were used when they should not be, as far as the hour has come."""
    rows: Any = connection.execute(_USED, (hour.starts_at,)).fetchall()
    for (
        account_id,
        timezone,
        stored,
        since,
        lineage_id,
        key_id,
        key_name,
        key_prefix,
        requests,
        *last,
    ) in rows:
        set_hours = json.loads(stored)
        if set_hours is None:
            continue
        hours, last_used_at = BusinessHours.of(set_hours, timezone), last[0]
        used_last = hour.starts_at <= last_used_at < hour.ends_at
        wholly_outside = since <= hour.starts_at and not hours.overlap(hour.starts_at, hour.ends_at)
        if wholly_outside or (used_last and since <= last_used_at and not hours.hold(last_used_at)):
            facts = {
                "key_name": key_name,
                "key_prefix": key_prefix,
                "hour_starts_at": hour.starts_at,
                "request_count": requests,
                "last_used_at": last_used_at if used_last else None,
                "last_used_ip": last[1] if used_last else None,
                "local_time": hours.local_time(last_used_at if used_last else hour.starts_at),
                "timezone": timezone,
                "business_hours": set_hours,
            }
            yield Finding(account_id, TYPE, lineage_id, key_id, hour.starts_at, facts)
