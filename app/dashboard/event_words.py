"""Events in words: what happened, to what, who did it, and what was before and after.

What an event is about may be gone, or be somebody else's by now. Then it has no link, and the name that it
had when it happened, if the event tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

from app.document_lists import own
from app.mail.alerts import TITLES as ALERT_TITLES
from app.models import Alert, Artifact, Event, Key, Membership, Memory, Portal, Prompt, Ticket
from app.services import services
from app.visible_keys import every_key_of
from app.visible_tickets import is_of_team, tickets_of_author, tickets_of_team

TITLES: Mapping[str, str] = {
    "key.issued": "Key made",
    "key.changed": "Key changed",
    "key.rotated": "Key rotated",
    "key.revoked": "Key revoked",
    "key.reactivated": "Key activated again",
    "key.deleted": "Key deleted",
    "account.created": "Account made",
    "account.changed": "Account changed",
    "account.keys_imported": "Keys imported",
    "account.sign_in_failed": "Wrong password given",
    "session.began": "Signed in to the dashboard",
    "session.ended": "Session ended",
    "portal.created": "Portal made",
    "portal.changed": "Portal changed",
    "portal.member_set": "Member of a portal set",
    "portal.member_removed": "Member of a portal removed",
    "server.created": "Server made",
    "server.deleted": "Server deleted",
    "ticket.created": "Ticket opened",
    "ticket.changed": "Ticket changed",
    "ticket.commented": "Ticket answered",
    "prompt.created": "Prompt made",
    "prompt.changed": "Prompt changed",
    "prompt.deleted": "Prompt deleted",
    "artifact.created": "Artifact made",
    "artifact.changed": "Artifact changed",
    "artifact.deleted": "Artifact deleted",
    "memory.created": "Memory made",
    "memory.changed": "Memory changed",
    "memory.deleted": "Memory deleted",
    "alert.opened": "Alert opened",
    "alert.dismissed": "Alert dismissed",
    "alert.closed": "Alert over",
    "hook.claude-code": "Hook of Claude Code",
    "hook.cursor-ide": "Hook of Cursor",
}
"""What each type of events is called."""

_BY = {"account": "you", "other": "another account", "operator": "an operator", "system": "the service"}
_LABELS = ("name", "title", "domain", "slug", "hook_event_name")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that events are about; `path` is its page."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact; None for what it was not, or is not any more. A time is in unix milliseconds."""

    name: str
    is_time: bool
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and what is said of it. `key` is the key by which it was done, or that it is about besides
    `thing`.
    """

    event: Event
    title: str
    who: str
    label: str
    thing: Thing | None
    key: Thing | None
    differences: tuple[Difference, ...]


def tell(events: Sequence[Event], account_id: str) -> list[Told]:
    """Return what a page says of events of an account."""
    things = _things(events, account_id)
    return [_told(event, things) for event in events]


def _told(event: Event, things: Mapping[tuple[str, str], Thing]) -> Told:
    before, after = _facts(event.before), _facts(event.after)
    thing = things.get((event.target_kind, event.target_id))
    about_another = event.key_id is not None and event.key_id != event.target_id
    key_id = event.by_key_id or (event.key_id if about_another else None)
    return Told(
        event,
        TITLES[event.type],
        _BY[event.by],
        thing.label if thing else _label({**before, **after}),
        thing,
        None if key_id is None else things.get(("key", key_id)),
        tuple(_differences(before, after)),
    )


def _facts(stored: str | None) -> dict[str, Any]:
    return {} if stored is None else json.loads(stored)


def _label(facts: Mapping[str, Any]) -> str:
    return next((str(facts[name]) for name in _LABELS if facts.get(name)), "")


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    # Of what is new or gone, what was never set says nothing.
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if was != now and (was or now or (before and after)):
            is_time = name.endswith("_at")
            yield Difference(name.replace("_", " "), is_time, _text(was, is_time), _text(now, is_time))


def _text(value: Any, is_time: bool) -> Any:
    if value is None or is_time:
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


# --- what there still is ---------------------------------------------------------------------------


def _things(events: Iterable[Event], account_id: str) -> dict[tuple[str, str], Thing]:
    """Return all that events are about, or were done by, and that the account sees."""
    wanted: dict[str, set[str]] = {}
    for event in events:
        wanted.setdefault(event.target_kind, set()).add(event.target_id)
        wanted.setdefault("key", set()).update(filter(None, (event.key_id, event.by_key_id)))
    return {
        (kind, row.id): thing
        for kind, ids in wanted.items()
        if kind in _KINDS
        for row, thing in _KINDS[kind](account_id, ids)
    }


Found = Iterable[tuple[Any, Thing]]


def _keys(account_id: str, ids: set[str]) -> Found:
    for key in every_key_of(account_id).where(Key.id.in_(ids)):
        yield key, Thing(f"{key.name} ({key.key_prefix}…)", f"/dashboard/keys/{key.id}")


def _portals(account_id: str, ids: set[str]) -> Found:
    mine = Membership.select(Membership.portal).where(Membership.account == account_id)
    for portal in Portal.select().where(Portal.id.in_(ids), Portal.id.in_(mine)):
        yield portal, Thing(portal.domain, f"/dashboard/portals/{portal.id}")


def _tickets(account_id: str, ids: set[str]) -> Found:
    now_ms = int(services().clock() * 1000)
    of_team = is_of_team(account_id, now_ms)
    visible = tickets_of_team(account_id, now_ms) if of_team else tickets_of_author(account_id)
    for ticket in visible.where(Ticket.id.in_(ids)):
        yield ticket, Thing(ticket.title, f"/dashboard/feedback/{ticket.id}")


def _alerts(account_id: str, ids: set[str]) -> Found:
    for alert in Alert.select().where(Alert.account == account_id, Alert.id.in_(ids)):
        yield alert, Thing(ALERT_TITLES[alert.type], f"/dashboard/alerts/{alert.id}")


def _documents(model: Any, section: str, label: Callable[[Any], str]) -> Callable[[str, set[str]], Found]:
    columns = [column for column in (model.id, getattr(model, "title", None)) if column is not None]

    def found(account_id: str, ids: set[str]) -> Found:
        visible: ModelSelect[Any] = own(model, account_id).select(*columns).where(model.id.in_(ids))
        for document in visible:
            yield document, Thing(label(document), f"/dashboard/{section}/{document.id}")

    return found


_KINDS: Mapping[str, Callable[[str, set[str]], Found]] = {
    "key": _keys,
    "portal": _portals,
    "ticket": _tickets,
    "alert": _alerts,
    "prompt": _documents(Prompt, "prompts", lambda prompt: str(prompt.title)),
    "artifact": _documents(Artifact, "artifacts", lambda artifact: str(artifact.title)),
    "memory": _documents(Memory, "memories", lambda _: "the memory"),
}
