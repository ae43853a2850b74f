"""`/v1/keys`: the keys of a portal, managed with a management key.

A key that the caller may not see is one that does not exist: every query starts from `_visible`.
"""

from __future__ import annotations

from typing import Any

from flask import Response
from peewee import ModelSelect

from app.api import key_cards
from app.api.answers import ApiBlueprint
from app.api.explain import answer_with_explanation
from app.api.idempotent import IDEMPOTENCY_PARAMETER, Keep, answer_with_raw_key
from app.api.usage import answer_with_usage
from app.auth import principal
from app.errors import ApiError, invalid
from app.json_body import read_object
from app.keyring import Issued
from app.models import Account, Key, Membership, Portal
from app.openapi import answer_of, page_of
from app.portals import check_linked
from app.schemas.base import Deleted
from app.schemas.explain import ExplainKey, ExplanationAnswer
from app.schemas.fields import uuid_in
from app.schemas.key import (
    ChangePortalKey,
    CreateKey,
    IssuedKey,
    KeyAnswer,
    ListKeys,
    RotateKey,
)
from app.schemas.usage import UsageAnswer, UsageQuery
from app.services import services
from app.visible_keys import managed_keys

blueprint = ApiBlueprint("keys", __name__, description="The keys of a portal.")


@blueprint.operation("GET", "/v1/keys", query=ListKeys, gives=page_of(KeyAnswer))
def list_keys(
    page: int, limit: int, portal_id: str = "", status: str | None = None, name: str = ""
) -> Response:
    """The portal's keys that the caller may manage, newest first."""
    portal = _portal(portal_id)
    return key_cards.page_of_keys(_visible().where(Key.portal == portal.id), page, limit, status, name)


@blueprint.operation(
    "POST",
    "/v1/keys",
    body=CreateKey,
    parameters=[IDEMPOTENCY_PARAMETER],
    gives=answer_of(IssuedKey),
    status=201,
)
def create_key() -> Response:
    """A new key of type `api`. Its raw key is in this answer and never shown again."""
    body = read_object()
    return answer_with_raw_key(body, lambda keep: _create(body, keep), key_cards.issued_data)


@blueprint.operation("GET", "/v1/keys/<id>", gives=answer_of(KeyAnswer))
def get_key(id: str) -> Response:
    """One key."""
    return key_cards.key_answer(key_cards.find_key(_visible(), id))


@blueprint.operation("GET", "/v1/keys/<id>/usage", query=UsageQuery, gives=answer_of(UsageAnswer))
def get_key_usage(id: str, **query: Any) -> Response:
    """What was counted of one key."""
    return answer_with_usage(key_cards.find_key(_visible(), id), **query)


@blueprint.operation("PATCH", "/v1/keys/<id>", body=ChangePortalKey(partial=True), gives=answer_of(KeyAnswer))
def update_key(id: str) -> Response:
    """The key after the change; absent fields stay as they are."""
    body = read_object()
    fields = ChangePortalKey(now=services().clock(), partial=True).load(body)
    return key_cards.change(_visible(), id, fields)


@blueprint.operation("DELETE", "/v1/keys/<id>", gives=answer_of(Deleted))
def delete_key(id: str) -> Response:
    """Delete a key; it stops working at once."""
    return key_cards.delete(_visible(), id)


@blueprint.operation(
    "POST",
    "/v1/keys/<id>/rotate",
    body=RotateKey,
    body_required=False,
    parameters=[IDEMPOTENCY_PARAMETER],
    gives=answer_of(IssuedKey),
    status=201,
)
def rotate_key(id: str) -> Response:
    """A new key with the settings of this one, which works on for the grace period."""
    return key_cards.rotate(_visible(), id)


@blueprint.operation("POST", "/v1/keys/<id>/explain", body=ExplainKey, gives=answer_of(ExplanationAnswer))
def explain_key(id: str) -> Response:
    """What a request with the key would be answered now, and by which check."""
    return answer_with_explanation(_visible(), id)


def _create(body: dict[str, Any], keep: Keep) -> Issued:
    portal = _portal(_portal_id(body))
    check_linked(portal)
    fields = CreateKey(now=services().clock()).load(body)
    settings = {name: value for name, value in fields.items() if name != "portal_id"}
    services().prober.probe(portal)
    caller = principal()
    owner = Account.get_by_id(caller.account.account_id)
    return services().keyring.issue(
        caller.actor(), type="api", owner=owner, portal=portal, before_commit=keep, **settings
    )


def _portal_id(body: dict[str, Any]) -> str:
    portal_id = body.get("portalId")
    if portal_id is None:
        return ""
    if not isinstance(portal_id, str):
        raise invalid(portalId="Not a string.")
    return portal_id


def _portal(portal_id: str) -> Portal:
    """Return a portal that the caller is a member of; whether another one exists is not told."""
    if not portal_id:
        raise ApiError("MISSING_PORTAL_ID", details={"portalId": ["Required."]})
    member = (Membership.portal == Portal.id) & (Membership.account == principal().account.account_id)
    known = uuid_in(portal_id)
    query = Portal.select().join(Membership, on=member).where(Portal.id == known)
    portal: Portal | None = None if known is None else query.first()
    if portal is None:
        raise ApiError("NOT_PORTAL_MEMBER", "The owner of the management key is not a member of this portal.")
    return portal


def _visible() -> ModelSelect[Key]:
    return managed_keys(principal().account.account_id)
