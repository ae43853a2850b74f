"""What an account is told of its alerts: each in a sentence, and several in one mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.mail.tickets import Message

MOST_IN_A_MAIL = 20

Facts = Mapping[str, Any]

_ADVICE = (
    "If you do not know what it is, revoke the key at once and make a new one. What is behind an alert, and "
    "all that there are:"
)
TITLES = {
    "NEW_LOCATION": "A key is used from a new network",
    "SPIKE": "A key has far more requests than usual",
    "AUTH_FAILURES": "Requests with keys that do not work",
    "AFTER_HOURS": "A key is used outside of business hours",
    "ROTATION_DUE": "A key should be rotated",
    "EXPIRING": "A key expires soon",
}


def sentence(type: str, facts: Facts) -> str:
    """Return what an alert says, from the facts as they are stored."""
    return _SENTENCES[type](facts)


def alerts_message(
    first: Sequence[tuple[str, Facts]], counts: Mapping[str, int], *, host: str, support_url: str
) -> Message:
    """Return the mail about new alerts: how many of each type there are, and what the `first` of them say.

    `first` has their types and facts; `host` is the address of this service, before its paths.
    """
    told, count = [f"- {sentence(type, facts)}" for type, facts in first], sum(counts.values())
    if count > len(told):
        told.append(f"- and {count - len(told):,} more")
    subject = TITLES[next(iter(counts))] if len(counts) == 1 else f"{count:,} alerts about your API keys"
    where = f"{_ADVICE}\n\n    GET {host}/api/v1/alerts"
    parts = ("\n".join(told), where, f"More help: {support_url}" if support_url else "")
    return Message(subject, "\n\n".join(part for part in parts if part) + "\n")


def _new_location(facts: Facts) -> str:
    return (
        f"The key {_key(facts)} was used from the network {facts['network']}, from which it was never used "
        f"before: {_requests(facts['request_count'])} in the hour from {_time(facts['hour_starts_at'])}."
    )


def _spike(facts: Facts) -> str:
    return (
        f"The key {_key(facts)} had {_requests(facts['request_count'])} in the hour from "
        f"{_time(facts['hour_starts_at'])}: more than {facts['factor']} times its mean of {facts['mean']:g}."
    )


def _auth_failures(facts: Facts) -> str:
    since = f"in the hour from {_time(facts['hour_starts_at'])}"
    if "address" in facts:
        return f"{_requests(facts['failures'])} with wrong keys came from {facts['address']} {since}."
    return f"{_requests(facts['failures'])} with keys that begin like {facts['key_prefix']} failed {since}."


def _after_hours(facts: Facts) -> str:
    return (
        f"The key {_key(facts)} was used outside of business hours: {facts['local_time']} in "
        f"{facts['timezone']}, {_requests(facts['request_count'])} in that hour."
    )


def _rotation_due(facts: Facts) -> str:
    return f"The key {_key(facts)} is from {_time(facts['created_at'])}, older than 90 days: rotate it."


def _expiring(facts: Facts) -> str:
    return f"The key {_key(facts)} expires at {_time(facts['expires_at'])}."


_SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "NEW_LOCATION": _new_location,
    "SPIKE": _spike,
    "AUTH_FAILURES": _auth_failures,
    "AFTER_HOURS": _after_hours,
    "ROTATION_DUE": _rotation_due,
    "EXPIRING": _expiring,
}


def _key(facts: Facts) -> str:
    return f"“{facts['key_name']}” ({facts['key_prefix']}…)"


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
