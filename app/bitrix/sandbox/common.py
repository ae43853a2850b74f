"""`profile`, `scope`, `methods`: what every webhook may call, whatever its scopes."""

from __future__ import annotations

from collections.abc import Callable

from app.bitrix.sandbox.answer import Answer, Call

_ALL_SCOPES = [
    "calendar",
    "crm",
    "department",
    "disk",
    "im",
    "log",
    "task",
    "user",
    "user_basic",
    "user_brief",
]
_SHOWN = ("ID", "NAME", "LAST_NAME", "PERSONAL_GENDER", "TIME_ZONE")


def profile(call: Call) -> Answer:
    """`profile`: whose webhook it is."""
    user = call.store.get("users", 1) or {}
    return Answer({"ADMIN": True, **{name: user.get(name, "") for name in _SHOWN}})


def scope(call: Call) -> Answer:
    """`scope`: those of the webhook; with `full`, all that there are."""
    full = call.params.get("full") in (True, 1, "1", "true", "Y")
    return Answer(_ALL_SCOPES if full else sorted(call.scopes))


METHODS: dict[str, Callable[[Call], Answer]] = {"profile": profile, "scope": scope}
