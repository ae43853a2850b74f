"""What all tables share: the database they are bound to, and the form of their ids."""

from __future__ import annotations

import secrets
import uuid

from peewee import CharField, Model

from app.db import database

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_FIXED_BITS = 0xF << 76 | 0x3 << 62


class Base(Model):
    """A table of the service."""

    class Meta:
        database = database
        legacy_table_names = False


def new_id(now_ms: int, place: int | None = None) -> str:
    """Return a UUIDv7 (RFC 9562, section 5.7): 48 bits of unix milliseconds, then 74 random bits.

    Of ids of one millisecond with a `place`, which is below 2**30, the one with the higher place is greater:
    the place stands in 30 of the random bits.
    """
    drawn = secrets.randbits(80)
    if place is not None:
        drawn = place >> 18 << 64 | (place & 0x3FFFF) << 44 | secrets.randbits(44)
    return str(uuid.UUID(int=(now_ms << 80 | drawn) & ~_FIXED_BITS | _VERSION_7 | _VARIANT))


def id_field() -> CharField[str]:
    """Return the primary key of a table whose rows are named by `new_id`."""
    return CharField(max_length=36, primary_key=True)
