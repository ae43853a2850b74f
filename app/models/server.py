"""Servers that run on behalf of a portal key."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, Check, ForeignKeyField

from app.models.base import Base, id_field
from app.models.portal import Portal


class Server(Base):
    """One server. It belongs to a lineage, not to one key, and so follows every rotation."""

    id = id_field()
    portal = ForeignKeyField(Portal, index=False, on_delete="RESTRICT")
    lineage_id = CharField(max_length=36)
    name = CharField(max_length=255)
    created_at = BigIntegerField()

    portal_id: str

    class Meta:
        constraints = (Check("length(name) BETWEEN 1 AND 255", name="server_name"),)
        indexes = ((("lineage_id", "portal", "created_at", "id"), False),)
