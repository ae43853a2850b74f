"""Keys, as they are asked for and as they are shown.

What may be set on a key depends on its type: portal keys (`api`, `authorization`) and management keys have
scopes, personal keys have integrations. `SETTINGS` has the schema of each type for a new key; loaded with
`partial=True` the same fields are those of a change, to which `CHANGES` adds `status`. A request is read by

    CreateKey(now=clock()).load(body)      # {"portal_id": …, "name": …, "expires_at": 1764131586123}

with absent fields absent, and raises `ApiError("VALIDATION_ERROR")` that names every bad field. An answer is
written by `key_answers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields, validates

from app.keyring import ROTATION_RECOMMENDED_AFTER_MS, Issued, key_status
from app.models import Key
from app.schemas.base import StrictSchema
from app.schemas.fields import (
    Choice,
    Instant,
    Items,
    Number,
    Text,
    Whole,
    network,
    refuse_raw_key,
)
from app.schemas.json_value import JsonObject
from app.schemas.query import PageQuery, Search
from app.scopes import INTEGRATIONS, LEGACY_INTEGRATIONS, MANAGEMENT_SCOPES, PORTAL_SCOPES, canonical
from app.usage.report import Total, totals_of
from gateway.keys import KEY_TYPES

NAME_LENGTH = 255
METADATA_BYTES = 4096
WHITELIST_LENGTH = 1000
LARGEST_LIMIT = 10**9
STATUSES = ("ACTIVE", "REVOKED", "EXPIRED", "ROTATED")
SETTABLE_STATUSES = ("ACTIVE", "REVOKED")

_GRANTED_INTEGRATIONS = tuple(name for name in INTEGRATIONS if name not in LEGACY_INTEGRATIONS)


def _one_of(names: Collection[str]) -> Callable[[str], str]:
    def name_of(text: str) -> str:
        (name,) = canonical([text])
        if name not in names:
            raise ValueError(text)
        return name

    return name_of


class TimedSchema(StrictSchema):
    """A schema that knows the time: `now` in unix seconds."""

    def __init__(self, *, now: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.now = now


class KeySettings(TimedSchema):
    """What can be set on a key of every type."""

    name = Text(1, NAME_LENGTH, required=True, validate=refuse_raw_key)
    ip_whitelist = Items(
        network,
        wanted="an IP address or CIDR",
        maximum=WHITELIST_LENGTH,
        metadata={"description": "IPv4 or IPv6 addresses and CIDRs; empty: from anywhere."},
    )
    rate_limit = Whole(1, LARGEST_LIMIT, allow_none=True, metadata={"description": "Requests a second."})
    hourly_limit = Whole(1, LARGEST_LIMIT, allow_none=True, metadata={"description": "Requests an hour."})
    expires_at = Instant(
        allow_none=True, metadata={"description": "In the future, with its time zone; null: never."}
    )
    metadata = JsonObject(METADATA_BYTES, validate=refuse_raw_key)

    @validates("expires_at")
    def in_the_future(self, value: int | None, **_: Any) -> None:
        """The time is checked with the other fields, so that one answer names all that is wrong."""
        refuse_past(value, self.now)


class PortalKeySettings(KeySettings):
    """What can be set on a key of type `api` or `authorization`."""

    scopes = Items(
        _one_of(PORTAL_SCOPES),
        wanted="a scope of portal keys",
        minimum=1,
        required=True,
        enum=(*PORTAL_SCOPES, "tasks"),
    )


class ManagementKeySettings(KeySettings):
    """What can be set on a key of type `management`."""

    scopes = Items(
        _one_of(MANAGEMENT_SCOPES),
        wanted="a management scope",
        minimum=1,
        required=True,
        enum=tuple(MANAGEMENT_SCOPES),
    )


class PersonalKeySettings(KeySettings):
    """What can be set on a key of type `personal`."""

    integrations = Items(
        _one_of(INTEGRATIONS),
        wanted="an integration",
        minimum=1,
        required=True,
        enum=tuple(INTEGRATIONS),
    )


class CreateKey(PortalKeySettings):
    """The body of `POST /v1/keys`."""

    portal_id = Text(
        1,
        255,
        required=True,
        metadata={"format": "uuid", "description": "A portal that you are a member of."},
    )
    status = Choice(
        SETTABLE_STATUSES, metadata={"description": "`REVOKED` makes a key that is activated later."}
    )


class CreatePersonalKey(PersonalKeySettings):
    """The body of `POST /api/v1/api-keys`."""

    integrations = Items(
        _one_of(_GRANTED_INTEGRATIONS),
        wanted="an integration that is granted",
        minimum=1,
        required=True,
        enum=_GRANTED_INTEGRATIONS,
        metadata={"description": "No other than the calling key has itself."},
    )
    status = Choice(
        SETTABLE_STATUSES, metadata={"description": "`REVOKED` makes a key that is activated later."}
    )


class ChangePortalKey(PortalKeySettings):
    """The body of `PATCH /v1/keys/{id}`; load it with `partial=True`."""

    status = Choice(SETTABLE_STATUSES)


class ChangeManagementKey(ManagementKeySettings):
    """A change of a management key; load it with `partial=True`."""

    status = Choice(SETTABLE_STATUSES)


class ChangePersonalKey(PersonalKeySettings):
    """The body of `PATCH /api/v1/api-keys/{id}`; load it with `partial=True`."""

    status = Choice(SETTABLE_STATUSES)


SETTINGS: Mapping[str, type[KeySettings]] = {
    "api": PortalKeySettings,
    "authorization": PortalKeySettings,
    "management": ManagementKeySettings,
    "personal": PersonalKeySettings,
}
CHANGES: Mapping[str, type[KeySettings]] = {
    "api": ChangePortalKey,
    "authorization": ChangePortalKey,
    "management": ChangeManagementKey,
    "personal": ChangePersonalKey,
}


class RotateKey(TimedSchema):
    """The body of `POST /v1/keys/{id}/rotate`. `longest_grace` in hours is the installation's setting."""

    grace_hours = Number(
        0.0,
        metadata={
            "description": "How long the old key works on; at most the service's setting, the default."
        },
    )
    expires_at = Instant(
        allow_none=True, metadata={"description": "Of the new key; absent: that of the old one."}
    )

    def __init__(self, longest_grace: float = math.inf, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.longest_grace = longest_grace

    @validates("grace_hours")
    def not_longer_than_the_setting(self, value: float, **_: Any) -> None:
        """A caller may shorten the old key's life, never lengthen it."""
        if value > self.longest_grace:
            raise ValidationError(f"Must be at most {self.longest_grace:g}.")

    @validates("expires_at")
    def in_the_future(self, value: int | None, **_: Any) -> None:
        """As in `KeySettings`."""
        refuse_past(value, self.now)


class KeyFilters(PageQuery):
    """The query of a list of keys."""

    status = Choice(STATUSES, metadata={"description": "Keys of this status only."})
    name = Search(NAME_LENGTH, "Keys with this in their name only.")


class ListKeys(KeyFilters):
    """The query of `GET /v1/keys`."""

    # Needed, but the view refuses its absence with a code of its own.
    portal_id = fields.String(
        metadata={
            "code_if_absent": "MISSING_PORTAL_ID",
            "format": "uuid",
            "description": "A portal that you are a member of.",
        }
    )


class Rotation(StrictSchema):
    """A key's place between the keys that rotation made it from, and from it."""

    predecessor_id = fields.String(required=True, allow_none=True, metadata={"format": "uuid"})
    successor_id = fields.String(required=True, allow_none=True, metadata={"format": "uuid"})
    grace_ends_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When this key ends if it has a successor, else when its predecessor ends."},
    )
    last_used_at = Instant(
        required=True, allow_none=True, metadata={"description": "The last use of the key that is ending."}
    )


class KeyAnswer(StrictSchema):
    """A key without its secret."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    type = fields.String(required=True, metadata={"enum": list(KEY_TYPES)})
    name = fields.String(required=True)
    key_prefix = fields.String(
        required=True, metadata={"description": "What its raw key begins with: prefix and 6 characters."}
    )
    key_suffix = fields.String(required=True, metadata={"description": "The last 4 of its raw key."})
    portal_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "uuid", "description": "Null for keys that are not bound to a portal."},
    )
    owner_id = fields.String(required=True, metadata={"format": "uuid"})
    scopes = fields.List(fields.String(), required=True)
    integrations = fields.List(fields.String(), required=True)
    status = fields.String(
        required=True,
        metadata={
            "enum": list(STATUSES),
            "description": "As set, but `EXPIRED` past `expiresAt` and `ROTATED` once its grace is over.",
        },
    )
    ip_whitelist = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Addresses and CIDRs in their normal form; empty: from anywhere."},
    )
    rate_limit = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Requests a second, or null."}
    )
    hourly_limit = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Requests an hour, or null."}
    )
    expires_at = Instant(required=True, allow_none=True)
    metadata = fields.Dict(required=True)
    created_at = Instant(required=True)
    last_used_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "As the two below told within ten seconds of the use; null: never."},
    )
    last_used_ip = fields.String(required=True, allow_none=True)
    request_count = fields.Integer(required=True, metadata={"description": "Requests that were let in."})
    is_legacy = fields.Boolean(required=True, metadata={"description": "Whether it is of an older system."})
    rotation_recommended = fields.Boolean(
        required=True, metadata={"description": "Whether it is older than 90 days."}
    )
    rotation = fields.Nested(Rotation, required=True, allow_none=True)


class IssuedKey(KeyAnswer):
    """A key in the one answer that holds its secret."""

    raw_key = fields.String(required=True, metadata={"description": "Shown once: save it now."})


def key_answers(keys: Sequence[Key], now: float) -> list[dict[str, Any]]:
    """Return the keys in the shape of `KeyAnswer` at `now` (unix seconds), with at most two queries."""
    graces, totals = _predecessors_graces(keys), _totals(keys)
    facts = [_facts(key, graces, totals, now) for key in keys]
    shown: list[dict[str, Any]] = KeyAnswer(many=True).dump(facts)
    return shown


def issued_answer(issued: Issued, now: float) -> dict[str, Any]:
    """Return a new key with its raw key."""
    return {**key_answers([issued.key], now)[0], "rawKey": issued.raw_key}


def rotation_of(key: Key) -> dict[str, Any] | None:
    """Return one key's `rotation`, with the queries that it may need.

    Of the key it reads `id`, `owner`, `predecessor_id`, `successor_id` and `grace_ends_at`.
    """
    if key.predecessor_id is None and key.successor_id is None:
        return None
    rotation = _rotation(key, _predecessors_graces([key]), _totals([key]))
    shown: dict[str, Any] | None = None if rotation is None else Rotation().dump(rotation)
    return shown


def refuse_past(expires_at: int | None, now: float) -> None:
    """A key that is born expired helps nobody; the way to end one is to revoke it."""
    if expires_at is not None and expires_at <= now * 1000:
        raise ValidationError("Must be in the future.")


def _facts(
    key: Key, graces: Mapping[str, int | None], totals: Mapping[str, Total], now: float
) -> dict[str, Any]:
    now_ms, total = int(now * 1000), totals.get(key.id, Total())
    return {
        **key.__data__,
        "portal_id": key.portal_id,
        "owner_id": key.owner_id,
        "status": key_status(key, now_ms),
        "last_used_at": total.last_used_at,
        "last_used_ip": total.last_used_ip,
        "request_count": total.requests,
        "rotation_recommended": now_ms - key.created_at > ROTATION_RECOMMENDED_AFTER_MS,
        "rotation": _rotation(key, graces, totals),
    }


def _rotation(
    key: Key, graces: Mapping[str, int | None], totals: Mapping[str, Total]
) -> dict[str, Any] | None:
    if key.predecessor_id is None and key.successor_id is None:
        return None
    ends_at = key.grace_ends_at if key.successor_id is not None else graces.get(key.predecessor_id or "")
    ending = key.id if key.successor_id is not None else key.predecessor_id
    return {
        "predecessor_id": key.predecessor_id,
        "successor_id": key.successor_id,
        "grace_ends_at": ends_at,
        "last_used_at": totals.get(ending or "", Total()).last_used_at,
    }


def _totals(keys: Sequence[Key]) -> dict[str, Total]:
    """What was counted of the keys, and of those that they were made from."""
    return totals_of({id for key in keys for id in (key.id, key.predecessor_id) if id is not None})


def _predecessors_graces(keys: Sequence[Key]) -> dict[str, int | None]:
    wanted = [
        key.predecessor_id for key in keys if key.predecessor_id is not None and key.successor_id is None
    ]
    if not wanted:
        return {}
    owners = {key.owner_id for key in keys}
    rows = Key.select(Key.id, Key.grace_ends_at).where(Key.id.in_(wanted), Key.owner.in_(owners))
    return {row.id: row.grace_ends_at for row in rows}
