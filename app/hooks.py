"""What the hooks of IDEs tell: kept as it comes, never changed, and told in the account's activity.

Claude Code and Cursor run a command, or call an address, at points of a session: before and after a tool is
used, when the user sends a prompt, when the session ends. What they send grows with each of their releases,
so only what says which event it was, and of which session, is asked for. A raw key in it is cut to its public
beginning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.ledger import Actor, Ledger
from app.models import Hook, new_id
from gateway.keys import masked


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
