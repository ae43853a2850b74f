"""A key's description of itself."""

from __future__ import annotations

from marshmallow import fields

from app.schemas.base import StrictSchema
from app.schemas.fields import Instant
from app.schemas.key import Rotation
from app.schemas.portal import PortalAnswer
from gateway.keys import KEY_TYPES


class WindowAnswer(StrictSchema):
    """One limit, as this request left it."""

    limit = fields.Integer(required=True, metadata={"description": "Requests in the window."})
    remaining = fields.Integer(required=True)
    resets_at = Instant(required=True)


class LimitsAnswer(StrictSchema):
    """The limits that apply to the key; null where there is none."""

    second = fields.Nested(
        WindowAnswer, required=True, allow_none=True, metadata={"description": "The key's `rateLimit`."}
    )
    key = fields.Nested(
        WindowAnswer, required=True, allow_none=True, metadata={"description": "The key's `hourlyLimit`."}
    )
    tier = fields.Nested(
        WindowAnswer,
        required=True,
        allow_none=True,
        metadata={"description": "The account's tier by the hour, shared by all its keys."},
    )


class MeAnswer(StrictSchema):
    """The calling key; from `capabilities` on for management keys only."""

    type = fields.String(required=True, metadata={"enum": list(KEY_TYPES)})
    key_prefix = fields.String(required=True)
    key_suffix = fields.String(required=True)
    name = fields.String(required=True)
    expires_at = Instant(required=True, allow_none=True)
    scopes = fields.List(fields.String(), required=True)
    integrations = fields.List(fields.String(), required=True)
    limits = fields.Nested(LimitsAnswer, required=True)
    rotation = fields.Nested(Rotation, required=True, allow_none=True)
    capabilities = fields.List(
        fields.String(), metadata={"description": "A line an endpoint: method, address, what it does."}
    )
    portals = fields.List(fields.Nested(PortalAnswer))
    total_app_keys = fields.Integer(metadata={"description": "The sum of the portals' `appKeyCount`."})
    quickstart = fields.Dict(values=fields.String())
    docs = fields.String(metadata={"description": "Where the documentation for people is."})
    feedback = fields.Dict(
        metadata={"description": "All that is needed to work the queue of feedback tickets."}
    )
