"""Keys that need attention, by kind, each with a button that mends it and says before what it will do.

What the page has said is sent along with the button, and compared with what would be done by then: a key that
was used meanwhile, or from another network, is left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from flask import Response, request
from peewee import ModelSelect
from werkzeug.exceptions import NotFound

from app.attention import Found, Kind, Mend, mends_of, survey
from app.dashboard.key_facts import Shown, key_of_path, shown
from app.dashboard.page import get, here, is_fragment, notice, post, render, to
from app.dashboard.tables import Asked, Table
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.instants import iso
from app.models import Key
from app.services import services
from app.visible_keys import every_key_of

_SHOWN = 5
_LIMIT = 25
"""Fewer than elsewhere, since each row may cost a look through a month of networks."""
_GONE = "“{name}” is not any more as the page has shown it. Nothing was changed: look again."


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a kind: of all its keys, on the button, and of a key that no button mends, with the
    page below the key's own where that is done.
    """

    title: str
    why: str
    button: str
    otherwise: str = ""
    place: str = ""
    path: str = ""


WORDS: Mapping[Kind, Words] = {
    Kind.NEVER_USED: Words(
        "Never used", "Made more than a week ago, and no request came with it so far.", "Revoke key"
    ),
    Kind.IDLE: Words("Idle for 90 days", "No request came with it in all that time.", "Revoke key"),
    Kind.UNUSED_GRANTS: Words(
        "More granted than used",
        "No request of the last 30 days needed some of what it may do.",
        "Take away",
        "Nothing that it may do was needed: see what it is for.",
        "Look at key",
    ),
    Kind.NO_WHITELIST: Words(
        "Works from anywhere",
        "Whoever gets hold of it can use it, wherever they are.",
        "Restrict key",
        "In the last 30 days it was used from many networks, or from none.",
        "Choose networks",
        "/change",
    ),
    Kind.NO_EXPIRY: Words("Never expires", "One that leaks unnoticed works for ever.", "Set expiry"),
    Kind.ROTATION_DUE: Words(
        "Rotation due",
        "Older than 90 days.",
        "",
        "The new key has the same settings, and the old one works on for a while.",
        "Rotate key",
        "/rotate",
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One key. `does` says what the button would do, and `agreed` is sent with it; None: there is none."""

    shown: Shown
    does: str | None = None
    agreed: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The keys of one kind, `count` in all."""

    kind: Kind
    words: Words
    count: int
    rows: list[Row]


def groups() -> list[Group]:
    """Return the visitor's keys that need attention, some of each kind."""
    found = survey(services().db, _seen(), _now_ms(), most=_SHOWN)
    return list(_groups(found))


@get("/dashboard/attention/<kind>")
def of_kind(kind: str) -> Response:
    """All keys of one kind."""
    this, asked = _kind(kind), replace(Asked.from_request(), limit=_LIMIT)
    found = survey(services().db, _seen(), _now_ms(), most=_LIMIT, skipped=asked.offset)
    group = next(_groups({this: found.get(this, Found(0, []))}))
    return render(
        "attention/list.html",
        title=group.words.title,
        section="overview",
        group=group,
        table=Table(asked, group.rows, group.count),
    )


@post("/dashboard/attention/<kind>/<id>")
def mend(kind: str, id: str) -> Response:
    """Make the one change that mends a key, if it is still the one that was shown."""
    this, key = _kind(kind), key_of_path(id)
    found = survey(services().db, _seen().where(Key.id == id), _now_ms(), most=1)
    change = _mends(this, [key]).get(id) if this in found else None
    if change is None or _agreed(change) != request.form.get("change"):
        return _say(_GONE.format(name=key.name))
    try:
        # Only if the key is still as it was looked at: what was taken from it meanwhile must not come back.
        unchanged = _seen().where(Key.revision == key.revision)
        services().keyring.change(visitor().actor(), unchanged, id, change)
    except ApiError as error:
        if error.code != "ENTITY_NOT_FOUND":
            raise
        return _say(_GONE.format(name=key.name))
    return _say(f"“{key.name}” {_effect(change, key)[1]}.")


def _say(text: str) -> Response:
    if is_fragment():
        return render("attention/_said.html", title="", section="overview", text=text)
    notice(text)
    return to(here())


def _groups(found: Mapping[Kind, Found]) -> Iterator[Group]:
    ids = {id for one in found.values() for id in one.key_ids}
    keys = {one.key.id: one for one in shown(list(_seen().where(Key.id.in_(ids))))}
    for kind in (kind for kind in Kind if kind in found):
        # A key that is deleted just now is gone from both.
        of_kind = [keys[id] for id in found[kind].key_ids if id in keys]
        mends = _mends(kind, [one.key for one in of_kind])
        rows = [_row(one, mends.get(one.key.id)) for one in of_kind]
        yield Group(kind, WORDS[kind], found[kind].count, rows)


def _row(one: Shown, change: Mend | None) -> Row:
    if change is None:
        return Row(one)
    return Row(one, f"It would {_effect(change, one.key)[0]}.", _agreed(change))


def _effect(change: Mend, key: Key) -> tuple[str, str]:
    """Return what a change would do, and what is so once it is done."""
    ((column, value),) = change.items()
    if column == "status":
        return "stop working at once, until it is activated again", "was revoked"
    if column == "expires_at":
        then = f"at the end of {iso(value - 1)[:10]}"
        return f"expire {then}", f"expires {then}"
    if column == "ip_whitelist":
        places = f"from {_and(value)} only"
        return f"work {places}, where it was used in the last 30 days", f"works {places}"
    lost = _and([grant for grant in getattr(key, column) if grant not in value])
    return f"lose {lost} and keep {_and(value)}", f"has lost {lost}"


def _and(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _agreed(change: Mend) -> str:
    return json.dumps(change, sort_keys=True)


def _mends(kind: Kind, keys: list[Key]) -> dict[str, Mend]:
    return mends_of(services().db, _seen(), kind, keys, _now_ms())


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError:
        raise NotFound from None


def _seen() -> ModelSelect[Key]:
    return every_key_of(visitor().account_id)


def _now_ms() -> int:
    return int(services().clock() * 1000)
