"""The portal that a path names, and what the visitor is there."""

from __future__ import annotations

from dataclasses import dataclass

from app.dashboard.visitor import visitor
from app.models import Portal
from app.portals import changeable, get, role_in
from app.schemas.fields import uuid_in


@dataclass(frozen=True, slots=True)
class Seen:
    """A portal and the visitor's role in it."""

    portal: Portal
    role: str

    @property
    def is_admin(self) -> bool:
        """Whether the visitor may change it, as far as the role goes."""
        return self.role == "ADMIN"


def portal_of_path(id: str) -> Seen:
    """Return the portal if the visitor is a member. Raises `ApiError` ENTITY_NOT_FOUND."""
    portal = get(uuid_in(id) or "")
    return Seen(portal, role_in(portal, visitor().account_id))


def administered(id: str) -> Portal:
    """Return the portal if the visitor is its ADMIN.

    Raises `ApiError` ENTITY_NOT_FOUND, and NOT_PORTAL_MEMBER for a MEMBER.
    """
    return changeable(visitor().actor(), uuid_in(id) or "")
