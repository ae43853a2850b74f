"""NEW_LOCATION: a key is used from a network from which its lineage was never used.

What networks a lineage is used from is learned for the first 24 hours of its use, and remembered for ever,
also when the usage itself is not kept any more. Of a lineage that is used from ever new networks a new one
says nothing: from the thousandth on they are neither remembered nor told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apsw

from app.alerts.finding import Finding, Hour
from app.usage.windows import DAY_MS

TYPE = "NEW_LOCATION"
LEARNED_FOR_MS = DAY_MS
MOST_KNOWN = 1_000

_UNKNOWN = """
    SELECT "key".lineage_id, split.name, "key".owner_id, "key".id, "key".name, "key".key_prefix,
           sum(split.requests)
    FROM usage_split_hour AS split CROSS JOIN "key" ON "key".id = split.key_id
    LEFT JOIN known_network AS known
        ON known.lineage_id = "key".lineage_id AND known.network = split.name
    WHERE split.starts_at = ? AND split.kind = 'network' AND split.name <> 'other' AND known.network IS NULL
    GROUP BY "key".lineage_id, split.name"""
_KNOWN = "SELECT count(*), min(first_seen_at) FROM known_network WHERE lineage_id = ?"
_LEARN_ALL = """
    INSERT OR IGNORE INTO known_network (lineage_id, network, first_seen_at)
    SELECT "key".lineage_id, split.name, min(split.starts_at)
    FROM usage_split_hour AS split JOIN "key" ON "key".id = split.key_id
    WHERE split.kind = 'network' AND split.name <> 'other' GROUP BY "key".lineage_id, split.name"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A network that a lineage is known to be used from, from now on; `finding` if it is told."""

    lineage_id: str
    network: str
    first_seen_at: int
    finding: Finding | None


def sightings(connection: apsw.Connection, hour: Hour) -> Iterator[Sighting]:
    """Yield the networks that are new in this hour."""
    rows: Any = connection.execute(_UNKNOWN, (hour.starts_at,)).fetchall()
    seen: Counter[str] = Counter()
    for lineage_id, network, account_id, key_id, key_name, key_prefix, requests in rows:
        known: Any = connection.execute(_KNOWN, (lineage_id,)).fetchone()
        count, first_seen_at = known
        if count + seen[lineage_id] >= MOST_KNOWN:
            continue
        seen[lineage_id] += 1
        finding = None
        if first_seen_at is not None and hour.starts_at >= first_seen_at + LEARNED_FOR_MS:
            facts = {
                "key_name": key_name,
                "key_prefix": key_prefix,
                "network": network,
                "hour_starts_at": hour.starts_at,
                "request_count": requests,
                "known_networks": count,
            }
            finding = Finding(account_id, TYPE, f"{lineage_id} {network}", key_id, hour.starts_at, facts)
        yield Sighting(lineage_id, network, hour.starts_at, finding)


def learn_all(connection: apsw.Connection) -> None:
    """Take all usage that there is for known: nothing that was before anybody looked is told."""
    connection.execute(_LEARN_ALL)
