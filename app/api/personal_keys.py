"""`/api/v1/api-keys`: the personal keys of the account, managed with one of them.

A key of another account, or of another type, does not exist: every query starts from `_visible`. A key that
holds more integrations than the calling one can be looked at, and nothing else.
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
from app.json_body import read_object
from app.keyring import Issued
from app.models import Account, Key
from app.openapi import answer_of, page_of
from app.schemas.base import Deleted
from app.schemas.explain import ExplainKey, ExplanationAnswer
from app.schemas.key import (
    ChangePersonalKey,
    CreatePersonalKey,
    IssuedKey,
    KeyAnswer,
    KeyFilters,
    RotateKey,
)
from app.schemas.usage import UsageAnswer, UsageQuery
from app.services import services
from app.visible_keys import personal_keys

blueprint = ApiBlueprint("personal keys", __name__, description="The personal keys of the account.")

_PATH = "/api/v1/api-keys"


@blueprint.operation("GET", _PATH, query=KeyFilters, gives=page_of(KeyAnswer))
def list_keys(page: int, limit: int, status: str | None = None, name: str = "") -> Response:
    """The account's personal keys, newest first."""
    return key_cards.page_of_keys(_visible(), page, limit, status, name)


@blueprint.operation(
    "POST",
    _PATH,
    body=CreatePersonalKey,
    parameters=[IDEMPOTENCY_PARAMETER],
    gives=answer_of(IssuedKey),
    status=201,
)
def create_key() -> Response:
    """A new personal key. Its raw key is in this answer and never shown again."""
    body = read_object()
    return answer_with_raw_key(body, lambda keep: _create(body, keep), key_cards.issued_data)


@blueprint.operation("GET", f"{_PATH}/<id>", gives=answer_of(KeyAnswer))
def get_key(id: str) -> Response:
    """One personal key."""
    return key_cards.key_answer(key_cards.find_key(_visible(), id))


@blueprint.operation(
    "PATCH", f"{_PATH}/<id>", body=ChangePersonalKey(partial=True), gives=answer_of(KeyAnswer)
)
def update_key(id: str) -> Response:
    """The key after the change; absent fields stay as they are."""
    fields = ChangePersonalKey(now=services().clock(), partial=True).load(read_object())
    return key_cards.change(_visible(), id, fields)


@blueprint.operation("DELETE", f"{_PATH}/<id>", gives=answer_of(Deleted))
def delete_key(id: str) -> Response:
    """Delete a key; it stops working at once."""
    return key_cards.delete(_visible(), id)


@blueprint.operation(
    "POST",
    f"{_PATH}/<id>/rotate",
    body=RotateKey,
    body_required=False,
    parameters=[IDEMPOTENCY_PARAMETER],
    gives=answer_of(IssuedKey),
    status=201,
)
def rotate_key(id: str) -> Response:
    """A new key with the settings of this one, which works on for the grace period."""
    return key_cards.rotate(_visible(), id)


@blueprint.operation("GET", f"{_PATH}/<id>/usage", query=UsageQuery, gives=answer_of(UsageAnswer))
def get_key_usage(id: str, **query: Any) -> Response:
    """How often the key was used, or with `lineage` it and all that rotation made of one with it."""
    return answer_with_usage(key_cards.find_key(_visible(), id), **query)


@blueprint.operation("POST", f"{_PATH}/<id>/explain", body=ExplainKey, gives=answer_of(ExplanationAnswer))
def explain_key(id: str) -> Response:
    """What a request with the key would be answered now, and by which check."""
    return answer_with_explanation(_visible(), id)


def _create(body: dict[str, Any], keep: Keep) -> Issued:
    fields = CreatePersonalKey(now=services().clock()).load(body)
    caller = principal()
    owner = Account.get_by_id(caller.account.account_id)
    return services().keyring.issue(
        caller.actor(), type="personal", owner=owner, before_commit=keep, **fields
    )


def _visible() -> ModelSelect[Key]:
    return personal_keys(principal().account.account_id)
