"""`/api/v1/account`: the account of the calling key, and what it sets for itself."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api.answers import ApiBlueprint, answer
from app.auth import principal
from app.json_body import read_object
from app.models import Preferences
from app.openapi import answer_of
from app.preferences import of_account
from app.quota import hourly_limit_of
from app.schemas.own_account import ChangedOwnAccount, ChangeOwnAccount, OwnAccount
from app.services import services

blueprint = ApiBlueprint("account", __name__, description="The account of the calling key.")


@blueprint.operation("GET", "/api/v1/account", gives=answer_of(OwnAccount))
def get_account() -> Response:
    """The account, and what it has set."""
    return answer(OwnAccount().dump(_facts(of_account(_account_id()))))


@blueprint.operation(
    "PATCH", "/api/v1/account", body=ChangeOwnAccount(partial=True), gives=answer_of(ChangedOwnAccount)
)
def update_account() -> Response:
    """The account after the change; absent fields stay as they are."""
    fields = ChangeOwnAccount(partial=True).load(read_object())
    preferences, webhook = services().preferences.change(principal().actor(), _account_id(), **fields)
    if webhook is None:
        return answer(OwnAccount().dump(_facts(preferences)))
    response = answer(
        ChangedOwnAccount().dump({**_facts(preferences), "alert_webhook_secret": webhook.secret})
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _account_id() -> str:
    return principal().account.account_id


def _facts(preferences: Preferences) -> dict[str, Any]:
    account = preferences.account
    limit = hourly_limit_of(services(), account)
    return {
        **account.__data__,
        "hourly_limit": None if limit is None else limit.quota,
        "timezone": preferences.timezone,
        "business_hours": preferences.business_hours,
        "alert_webhook_url": services().preferences.shown_webhook(preferences),
    }
