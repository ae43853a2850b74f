"""Keys as pages show them: which one a path names, its state at this moment, and what rotation made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.keyring import ROTATION_RECOMMENDED_AFTER_MS, key_status
from app.models import Key
from app.schemas.fields import uuid_in
from app.services import services
from app.usage.report import Total, totals_of
from app.visible_keys import every_key_of


@dataclass(frozen=True, slots=True)
class Shown:
    """A key at the time `now_ms`, in unix milliseconds."""

    key: Key
    status: str
    use: Total
    now_ms: int

    @property
    def in_grace(self) -> bool:
        """Whether it works on only until its successor is in use."""
        return self.status == "ACTIVE" and self.key.successor_id is not None

    @property
    def rotation_due_at(self) -> int | None:
        """When it should be rotated; None if there is nothing to rotate."""
        if self.status != "ACTIVE" or self.key.successor_id is not None:
            return None
        return self.key.created_at + ROTATION_RECOMMENDED_AFTER_MS

    @property
    def rotation_is_due(self) -> bool:
        """Whether that time has come."""
        return self.rotation_due_at is not None and self.rotation_due_at < self.now_ms

    @property
    def can_be_activated(self) -> bool:
        """Whether it was revoked and may come back."""
        return self.status == "REVOKED" and self.key.successor_id is None


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key and the one that was made of it; None for one that is deleted."""

    old: Shown | None
    new: Shown | None

    @property
    def is_running(self) -> bool:
        """Whether both keys work."""
        return self.old is not None and self.old.in_grace

    @property
    def seconds_left(self) -> int:
        """What is left of the grace."""
        if self.old is None or self.old.key.grace_ends_at is None:
            return 0
        return max(0, -(-(self.old.key.grace_ends_at - self.old.now_ms) // 1000))

    @property
    def is_old_one_still_used(self) -> bool:
        """Whether the old key was used after the new one was there."""
        if self.old is None or self.old.key.rotated_at is None:
            return False
        return (self.old.use.last_used_at or 0) > self.old.key.rotated_at


def key_of_path(id: str) -> Key:
    """Return the key that a path names, if the visitor may see it. Raises `ApiError` ENTITY_NOT_FOUND."""
    key: Key | None = every_key_of(visitor().account_id).where(Key.id == uuid_in(id)).first()
    if key is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return key


def shown(keys: Sequence[Key]) -> list[Shown]:
    """Return the keys as they are now."""
    now_ms, uses = int(services().clock() * 1000), totals_of([key.id for key in keys])
    return [Shown(key, key_status(key, now_ms), uses.get(key.id, Total()), now_ms) for key in keys]


def rotation_of(key: Key) -> Rotation | None:
    """Return the rotation that a key came out of, or, of one that was rotated itself, that one."""
    if key.successor_id is not None:
        old_id, new_id = key.id, key.successor_id
    elif key.predecessor_id is not None:
        old_id, new_id = key.predecessor_id, key.id
    else:
        return None
    both = every_key_of(visitor().account_id).where(Key.id.in_((old_id, new_id)))
    found = {one.key.id: one for one in shown(list(both))}
    return Rotation(found.get(old_id), found.get(new_id))


def home_of(key: Key) -> tuple[str, str]:
    """Return the section of the navigation that a key is in, and the path of the list that it stands in."""
    if key.portal_id is not None:
        return "portals", f"/dashboard/portals/{key.portal_id}"
    section = "keys" if key.type == "personal" else "management-keys"
    return section, f"/dashboard/{section}"
