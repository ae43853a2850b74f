"""Alerts in words: the sentence that mails have too, the facts behind it, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.dashboard.words import in_words
from app.mail.alerts import TITLES, sentence
from app.models import Alert

_ADVICE: Mapping[str, str] = {
    "NEW_LOCATION": "If you do not know the network, rotate the key or revoke it. With a whitelist it works "
    "from your networks alone.",
    "SPIKE": "If nothing of yours has more to do than usual, revoke the key. An hourly limit bounds what a "
    "single key can use up.",
    "AUTH_FAILURES": "If you have put a new key in place, look for where the old one is still in use. "
    "Otherwise somebody tries keys: they get nowhere, and none of yours needs to change.",
    "AFTER_HOURS": "If nobody of yours was at work, rotate the key or revoke it. Business hours are set in "
    "the account.",
    "ROTATION_DUE": "Rotate the key: the old one goes on working for a while, until the new one is in place.",
    "EXPIRING": "Rotate the key, or give it a later expiry, before what uses it stops working.",
}

_ADVICE_OF_ADDRESS = (
    "Somebody tries keys, and gets nowhere. If it goes on, refuse the address in front of this service."
)
"""To operators, of AUTH_FAILURES with keys that are nobody's."""

_ROTATE, _REVOKE = ("Rotate key", "rotate"), ("Revoke key", "revoke")
_REMEDIES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "NEW_LOCATION": (("Set a whitelist", "change"), _ROTATE, _REVOKE),
    "SPIKE": (("Set a limit", "change"), _REVOKE),
    "AFTER_HOURS": (_ROTATE, _REVOKE),
    "ROTATION_DUE": (_ROTATE,),
    "EXPIRING": (_ROTATE, ("Change the expiry", "change")),
}
"""What can be done with the key, and the page for that below its own."""

_LABELS: Mapping[str, str] = {
    "codes": "Refused with",
    "created_at": "Key made",
    "expires_at": "Key expires",
    "factor": "Times the mean",
    "failures": "Refused requests",
    "hour_starts_at": "In the hour from",
    "known_networks": "Networks before",
    "last_used_at": "Last use",
    "last_used_ip": "Last used from",
    "mean": "Mean of the hours before",
    "mean_of_hours": "Hours before",
    "request_count": "Requests",
}
_OF_THE_KEY = ("key_name", "key_prefix")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the facts: a text, or a time in unix milliseconds."""

    label: str
    text: str = ""
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An alert, and what is said of it. `remedies` are labels, and pages below that of the key."""

    alert: Alert
    title: str
    sentence: str
    facts: tuple[Fact, ...]
    advice: str
    remedies: tuple[tuple[str, str], ...]


def told(alert: Alert) -> Told:
    """Return what a page says of an alert."""
    facts = (_fact(name, value) for name, value in alert.facts.items() if name not in _OF_THE_KEY)
    return Told(
        alert,
        TITLES[alert.type],
        sentence(alert.type, alert.facts),
        tuple(fact for fact in facts if fact.text or fact.time is not None),
        _ADVICE_OF_ADDRESS if "address" in alert.facts else _ADVICE[alert.type],
        _REMEDIES.get(alert.type, ()),
    )


def _fact(name: str, value: Any) -> Fact:
    label = _LABELS.get(name) or in_words(name)
    if value is None:
        return Fact(label)
    if name.endswith("_at"):
        return Fact(label, time=value)
    if name == "codes":
        return Fact(label, ", ".join(f"{code} ({count:,})" for code, count in value.items()))
    if name == "business_hours":
        days = ", ".join(day.capitalize() for day in value["days"])
        return Fact(label, f"{days}, {value['from']} to {value['to']}")
    return Fact(label, f"{value:,}" if isinstance(value, int) else str(value))
