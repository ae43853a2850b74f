"""What the hooks of IDEs tell: kept as it comes, never changed, and told in the account's activity.

Claude Code and Cursor run a command, or call an address, at points of a session: before and after a tool is
used, when the user sends a prompt, when the session ends. What they send grows with each of their releases,
so only what says which event it was, and of which session, is asked for. A raw key in it is cut to its public
beginning.

One key could fill the disk with them, so they are kept for 90 days, and of one account 256 MiB at most.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from peewee import Database, ModelSelect, fn

from app.db import writing
from app.ledger import Actor, Ledger
from app.models import Event, Hook, HookRoom, new_id
from gateway.keys import masked

KEPT_MS = 90 * 24 * 3_600_000
ROOM_BYTES = 256 * 2**20
"""Of one account, as `HookRoom` counts them."""

_AROUND_PAYLOAD = 1024
_EVENTS = ("hook.claude-code", "hook.cursor-ide")
_REMOVED_AT_ONCE = 500
_BYTES_AT_ONCE = 4 * 2**20
"""Writers of keys wait for the lock meanwhile."""


class Hooks:
    """Keeps what hooks send."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def keep(
        self, actor: Actor, *, tool: str, event_name: str, session_id: str, payload: Mapping[str, Any]
    ) -> Hook:
        """Keep one call of a hook, made with a key; `tool` is `claude-code` or `cursor-ide`."""
        account_id = actor.account_id
        if account_id is None:
            raise ValueError("a hook is called with a key")
        hook = Hook(
            account=account_id,
            key_id=actor.key_id,
            tool=tool,
            event_name=masked(event_name),
            session_id=masked(session_id),
            payload=masked(json.dumps(payload, ensure_ascii=False, separators=(",", ":"))),
        )
        with self._ledger.change(actor) as change:
            hook.id = new_id(change.now_ms)
            hook.created_at = change.now_ms
            hook.save(force_insert=True)
            facts = {"hook_event_name": hook.event_name, "session_id": hook.session_id}
            change.event(account_id, f"hook.{tool}", "hook", hook.id, None, facts)
        return hook


def remove_outdated(db: Database, now_ms: int) -> None:
    """Remove hooks that were kept for long enough, and the oldest of accounts that keep too much.

    What the activity tells of each goes with it. Raises `ApiError` DATABASE_UNAVAILABLE.
    """
    oldest = Hook.select().order_by(Hook.created_at, Hook.id)
    while _remove(db, oldest.where(Hook.created_at <= now_ms - KEPT_MS)):
        pass
    for room in list(HookRoom.select().where(HookRoom.bytes > ROOM_BYTES)):
        own = oldest.where(Hook.account == room.account_id)
        while (excess := _excess(room.account_id)) > 0 and _remove(db, own, excess):
            pass


def _excess(account_id: str) -> int:
    room: HookRoom = HookRoom.get_by_id(account_id)
    return room.bytes - ROOM_BYTES


def _remove(db: Database, hooks: ModelSelect[Hook], excess: int = _BYTES_AT_ONCE) -> bool:
    """Remove the first few of `hooks`, until `excess` bytes have gone; return whether there were any."""
    size = fn.octet_length(Hook.payload) + _AROUND_PAYLOAD
    few: Any = hooks.select(Hook.id, Hook.account, Hook.created_at, size).limit(_REMOVED_AT_ONCE)
    with writing(db):
        gone = list(_up_to(min(excess, _BYTES_AT_ONCE), few.tuples()))
        ids = [hook_id for hook_id, *_ in gone]
        Hook.delete().where(Hook.id.in_(ids)).execute()
        for account_id in {account_id for _, account_id, _, _ in gone}:
            times = [created_at for _, owner_id, created_at, _ in gone if owner_id == account_id]
            # By these columns the index finds them; there is none by what an event tells of.
            told = (Event.account == account_id) & Event.type.in_(_EVENTS)
            told &= Event.created_at.between(min(times), max(times)) & Event.target_id.in_(ids)
            Event.delete().where(told).execute()
    return bool(gone)


def _up_to(limit: int, rows: Iterable[tuple[str, str, int, int]]) -> Iterable[tuple[str, str, int, int]]:
    taken = 0
    for row in rows:
        if taken >= limit:
            return
        taken += row[3]
        yield row
