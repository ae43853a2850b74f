"""How far the database's changes have been published to Redis."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, Check, IntegerField

from app.models.base import Base


class Unpublished(Base):
    """A committed change that Redis may not have heard of. `ref` is a key's digest or an account's id."""

    revision = BigIntegerField(primary_key=True)
    kind = CharField(max_length=16)
    ref = CharField(max_length=64)

    class Meta:
        constraints = (Check("kind IN ('key', 'account')", name="unpublished_kind"),)


class Heads(Base):
    """The one row with the highest numbers: of changes, and of publications known to be done."""

    id = IntegerField(primary_key=True)
    revision = BigIntegerField()
    published = BigIntegerField()

    class Meta:
        constraints = (Check("id = 1", name="heads_single"),)
