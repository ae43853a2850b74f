"""How often keys were used, when, by what and from where.

Kept for its own sake: rows name keys by plain ids and stay when a key is deleted. `starts_at` is the
beginning of an hour or day (UTC).
"""

from __future__ import annotations

from peewee import SQL, BigIntegerField, CharField, Check, CompositeKey

from app.models.base import Base

_KINDS = "kind IN ('tool', 'action', 'status', 'network', 'refusal')"


class UsageKey(Base):
    """All that was ever counted of one key, and its last use."""

    key_id = CharField(max_length=36, primary_key=True)
    lineage_id = CharField(max_length=36, index=True)
    requests = BigIntegerField()
    last_used_at = BigIntegerField()
    last_used_ip = CharField(max_length=64, null=True)

    class Meta:
        without_rowid = True


class UsageHour(Base):
    """What one slot of a host's table says (`gateway.usage_table`): one key in one hour, on one host."""

    key_id = CharField(max_length=36)
    starts_at = BigIntegerField(index=True)
    slot = BigIntegerField()
    requests = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("key_id", "starts_at", "slot")
        without_rowid = True


class UsageDay(Base):
    """One key in one day: the sum of its hours."""

    key_id = CharField(max_length=36)
    starts_at = BigIntegerField()
    requests = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("key_id", "starts_at")
        indexes = ((("starts_at", "key_id", "requests"), False),)
        without_rowid = True


class UsageSplitHour(Base):
    """One key's requests of one hour that have one thing in common, `name`."""

    key_id = CharField(max_length=36)
    starts_at = BigIntegerField(index=True)
    kind = CharField(max_length=16)
    name = CharField(max_length=255)
    requests = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("key_id", "starts_at", "kind", "name")
        constraints = (Check(_KINDS, name="usage_split_hour_kind"),)
        without_rowid = True


class UsageSplitDay(Base):
    """The same of one day."""

    key_id = CharField(max_length=36)
    starts_at = BigIntegerField(index=True)
    kind = CharField(max_length=16)
    name = CharField(max_length=255)
    requests = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("key_id", "starts_at", "kind", "name")
        constraints = (Check(_KINDS, name="usage_split_day_kind"),)
        without_rowid = True


# What many keys had on one day stands side by side in these; in the tables it is all over their years.
UsageSplitDay.add_index(
    UsageSplitDay.index(
        UsageSplitDay.starts_at,
        UsageSplitDay.key_id,
        UsageSplitDay.name,
        UsageSplitDay.requests,
        name="usage_split_day_refusals",
        where=SQL("kind = 'refusal'"),
    )
)


class UsageAction(Base):
    """The last day on which one key called one route, `name`."""

    key_id = CharField(max_length=36)
    name = CharField(max_length=255)
    starts_at = BigIntegerField(index=True)

    class Meta:
        primary_key = CompositeKey("key_id", "name")
        without_rowid = True


class WrongKeys(Base):
    """Requests with a wrong key that came from one address (IPv6: one /64) in one hour."""

    address = CharField(max_length=64)
    starts_at = BigIntegerField(index=True)
    requests = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("starts_at", "address")
        without_rowid = True
