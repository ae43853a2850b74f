"""The settings of a key as a form: read as the API takes them, and told in a form's words what is wrong.

The fields have the API's names. Of the expiry there are two: `expiresAt` says how it is told, `expiresOn` has
the day if it is told as one; a key works to the end of that day (UTC).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from app.dashboard import whitelists
from app.dashboard.forms import Form
from app.dashboard.openings import Groups, offered
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.instants import iso
from app.json_body import parse_object
from app.models import Key
from app.services import services
from app.usage.windows import DAY_MS

KEEP, NEVER, ON_A_DAY = "keep", "never", "on"
PRESETS = (("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"))

_ORDER = (
    "name",
    "integrations",
    "scopes",
    whitelists.FIELD,
    "rateLimit",
    "hourlyLimit",
    "expiresAt",
    "metadata",
)
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,15}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Settings:
    """The fields of the form, as `keys/_settings.html` shows them.

    `key` is the one that is changed, None for a new one; `tier_hourly` is what all keys of the account share
    in an hour, None for no limit.
    """

    form: Form
    openings: str
    groups: Groups
    whitelist: whitelists.Check
    tier_hourly: int | None
    key: Key | None


def settings_of(form: Form, key_type: str, key: Key | None = None) -> Settings:
    """Return the fields of the form of a key of a type."""
    account = visitor().account
    return Settings(
        form=form,
        openings=openings_of(key_type),
        groups=offered(key_type, account, key),
        whitelist=whitelists.check(form.value(whitelists.FIELD)),
        tier_hourly=services().policy.tier_quotas.get(account.tier, account.hourly_limit),
        key=key,
    )


def openings_of(key_type: str) -> str:
    """Return the name of the field that says what a key of a type opens."""
    return "integrations" if key_type == "personal" else "scopes"


def body_of(form: Form, key_type: str, now_ms: int) -> dict[str, Any]:
    """Return what the form says of a key as a body of the API."""
    openings = openings_of(key_type)
    body: dict[str, Any] = {
        "name": form.value("name"),
        openings: form.all(openings),
        whitelists.FIELD: whitelists.entries_of(form.value(whitelists.FIELD)),
        "rateLimit": _number(form.value("rateLimit")),
        "hourlyLimit": _number(form.value("hourlyLimit")),
        **expiry_in(form, now_ms),
    }
    if "metadata" in form.values:
        body["metadata"] = _object(form.value("metadata"))
    return body


def expiry_in(form: Form, now_ms: int) -> dict[str, Any]:
    """Return the form's expiry as a member of a body; nothing if it is to stay as it is."""
    told, day = form.value("expiresAt"), form.value("expiresOn")
    if told == KEEP:
        return {}
    if told in ("", NEVER):
        return {"expiresAt": None}
    if told == ON_A_DAY:
        return {"expiresAt": f"{day}T23:59:59.999Z" if _DAY.fullmatch(day) else day}
    return {"expiresAt": iso(now_ms + int(told) * DAY_MS) if told in dict(PRESETS) else told}


def form_of(key: Key) -> Form:
    """Return the form with the key as it is. `revision` tells a change by somebody else meanwhile."""
    return Form(
        {
            "name": key.name,
            openings_of(key.type): [*key.integrations, *key.scopes],
            whitelists.FIELD: "\n".join(key.ip_whitelist),
            "rateLimit": _text(key.rate_limit),
            "hourlyLimit": _text(key.hourly_limit),
            "expiresAt": NEVER if key.expires_at is None else KEEP,
            "metadata": json.dumps(key.metadata, ensure_ascii=False, indent=2) if key.metadata else "",
            "revision": str(key.revision),
        }
    )


def refused(form: Form, error: ApiError, key_type: str) -> Form:
    """Return the form with what is wrong in it. Raises the error itself where `Form.refused` does."""
    if error.code != "VALIDATION_ERROR":
        return form.refused(error)
    told, openings = dict(error.details or {}), openings_of(key_type)
    if openings in told and not form.all(openings):
        told[openings] = ["Choose at least one."]
    wrong = len(whitelists.check(form.value(whitelists.FIELD)).wrong)
    if whitelists.FIELD in told and wrong:
        told[whitelists.FIELD] = [f"{wrong} of the entries {'is' if wrong == 1 else 'are'} wrong, see below."]
    if "expiresAt" in told and form.value("expiresAt") == ON_A_DAY:
        told["expiresAt"] = ["Choose a day that is not over."]
    in_order = {name: told[name] for name in sorted(told, key=_place)}
    return form.refused(ApiError("VALIDATION_ERROR", details=in_order))


def _place(field: str) -> int:
    return _ORDER.index(field) if field in _ORDER else -1


def _number(text: str) -> int | str | None:
    """Return what the schema shall judge: what is no number it refuses by its own words."""
    text = text.strip()
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text or None


def _object(text: str) -> Any:
    if not text.strip():
        return {}
    try:
        return parse_object(text.encode())
    except ApiError:
        return text


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
