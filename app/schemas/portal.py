"""Portals, as they are shown."""

from __future__ import annotations

from marshmallow import fields

from app.models.portal import ROLES, STATUSES
from app.schemas.base import StrictSchema


class PortalAnswer(StrictSchema):
    """A portal as one of its members sees it."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    domain = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    linked = fields.Boolean(required=True)
    role = fields.String(required=True, metadata={"enum": list(ROLES)})
    app_key_count = fields.Integer(
        required=True, metadata={"description": "The portal's ACTIVE keys of type api, of all owners."}
    )
