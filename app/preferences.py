"""What an account sets for itself: its time zone, its business hours, and where alerts are sent.

The URL of the alert webhook may hold a secret of the receiver's, so it is kept sealed and shown by its host
alone. With each URL that is set a secret is made, by which the receiver knows that a call is ours; it is
shown once, in the answer that set it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from app.audit import difference
from app.ledger import Actor, Ledger
from app.models import Account, Preferences, WebhookCall
from app.secrets import Secrets, SecretsError
from app.unset import UNSET, Unset

DEFAULT_TIMEZONE = "UTC"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SECRET_PREFIX = "whsec_"

# What else lies in the folder of the time zones begins with a small letter, but for one that is no place.
_ZONE_NAME = re.compile(r"(?!Factory\Z)[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


@dataclass(frozen=True, slots=True)
class AlertWebhook:
    """Where an account's alerts are sent, and the secret by which the calls are signed."""

    url: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The URL as it is shown: what is behind the host may be secret."""
        return f"https://{urlsplit(self.url).netloc}/***"


class AccountPreferences:
    """Reads and changes preferences. Fields come checked in form."""

    def __init__(self, ledger: Ledger, secrets: Secrets) -> None:
        self._ledger = ledger
        self._secrets = secrets

    def change(
        self,
        actor: Actor,
        account_id: str,
        *,
        timezone: str | Unset = UNSET,
        business_hours: Mapping[str, Any] | Unset | None = UNSET,
        alert_webhook_url: str | Unset | None = UNSET,
    ) -> tuple[Preferences, AlertWebhook | None]:
        """Change what is given, and return all of it, with the webhook if one was set; None takes away."""
        with self._ledger.change(actor) as change:
            preferences = of_account(account_id)
            before = _facts(preferences)
            if not isinstance(timezone, Unset):
                preferences.timezone = timezone
            if not isinstance(business_hours, Unset):
                preferences.business_hours = business_hours
            webhook = None
            if not isinstance(alert_webhook_url, Unset):
                webhook = None if alert_webhook_url is None else _new_webhook(alert_webhook_url)
                preferences.alert_webhook_sealed = (
                    None if webhook is None else self._sealed(account_id, webhook)
                )
            after = _facts(preferences)
            if any(after[name] != before[name] for name in ("timezone", "business_hours")):
                preferences.hours_set_at = change.now_ms
            if webhook is not None:
                after["alert_webhook_url"] = "changed"
            if after != before:
                is_new = not Preferences.select().where(Preferences.account == account_id).exists()
                preferences.save(force_insert=is_new)
                told = difference(before, after)
                change.audit("account.changed", "account", account_id, *told, owner_id=account_id)
            if webhook is not None:
                # What waits for a webhook that failed is tried at the new one at once.
                waiting = (WebhookCall.account == account_id) & WebhookCall.next_attempt_at.is_null(False)
                WebhookCall.update(next_attempt_at=change.now_ms).where(waiting).execute()
        return preferences, webhook

    def alert_webhook(self, preferences: Preferences) -> AlertWebhook | None:
        """Return where alerts go, if anywhere. Raises `SecretsError` if it has to be given again."""
        sealed = preferences.alert_webhook_sealed
        if sealed is None:
            return None
        return AlertWebhook(**json.loads(self._secrets.open(_purpose(preferences.account_id), bytes(sealed))))

    def shown_webhook(self, preferences: Preferences) -> str | None:
        """Return the URL as it is shown."""
        try:
            webhook = self.alert_webhook(preferences)
        except SecretsError:
            return "***"  # of an older SECRET_KEY: not even the host can be told
        return None if webhook is None else webhook.shown

    def _sealed(self, account_id: str, webhook: AlertWebhook) -> bytes:
        text = json.dumps({"url": webhook.url, "secret": webhook.secret})
        return self._secrets.seal(_purpose(account_id), text.encode())


def of_account(account_id: str) -> Preferences:
    """Return an account's preferences, or those that it has as long as it sets none; with the account."""
    found: Preferences | None = Preferences.get_or_none(Preferences.account == account_id)
    if found is None:
        found = Preferences(timezone=DEFAULT_TIMEZONE, business_hours=None, alert_webhook_sealed=None)
    found.account = Account.get_by_id(account_id)
    return found


def zone(name: str) -> tzinfo:
    """Return the time zone with this IANA name. Raises LookupError if there is none."""
    if name == DEFAULT_TIMEZONE:
        return UTC  # also on a host without the table of time zones
    if not _ZONE_NAME.fullmatch(name):
        raise LookupError(name)
    try:
        return ZoneInfo(name)
    except (OSError, ValueError) as error:  # a folder; no time zone
        raise LookupError(name) from error


@cache
def zones() -> tuple[str, ...]:
    """Return the names of all time zones that this host knows."""
    return tuple(sorted({DEFAULT_TIMEZONE, *filter(_ZONE_NAME.fullmatch, available_timezones())}))


def _new_webhook(url: str) -> AlertWebhook:
    return AlertWebhook(url, SECRET_PREFIX + secrets.token_hex(32))


def _purpose(account_id: str) -> str:
    return f"alert webhook {account_id}"


def _facts(preferences: Preferences) -> dict[str, Any]:
    return {
        "timezone": preferences.timezone,
        "business_hours": preferences.business_hours,
        "alert_webhook_url": "set" if preferences.alert_webhook_sealed else None,
    }
