"""The keys that the visitor sees, of every type. Whatever else there is does not exist for the visitor."""

from __future__ import annotations

from peewee import ModelSelect

from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.models import Key
from app.visible_keys import every_key_of


def seen_keys() -> ModelSelect[Key]:
    """Select all of them."""
    return every_key_of(visitor().account_id)


def seen_key(id: str) -> Key:
    """Return the one that a path names. Raises `ApiError` ENTITY_NOT_FOUND."""
    key: Key | None = seen_keys().where(Key.id == id).first()
    if key is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return key
