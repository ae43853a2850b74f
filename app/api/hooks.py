"""`/api/v1/claude-code/hooks` and `/api/v1/cursor-ide/hooks`: what happens in an IDE, told by its hooks."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api.answers import ApiBlueprint, answer
from app.auth import principal
from app.json_body import read_object
from app.openapi import answer_of
from app.schemas.hook import ClaudeCodeHook, CursorHook, HookAnswer
from app.services import services

blueprint = ApiBlueprint("hooks", __name__, description="What the hooks of IDEs tell.")


@blueprint.operation(
    "POST", "/api/v1/claude-code/hooks", body=ClaudeCodeHook, gives=answer_of(HookAnswer), status=201
)
def keep_claude_code_hook() -> Response:
    """Keep what a hook of Claude Code was given; it shows in the account's activity."""
    payload = read_object()
    fields = ClaudeCodeHook().load(payload)
    return _kept("claude-code", fields["hook_event_name"], fields["session_id"], payload)


@blueprint.operation(
    "POST", "/api/v1/cursor-ide/hooks", body=CursorHook, gives=answer_of(HookAnswer), status=201
)
def keep_cursor_hook() -> Response:
    """Keep what a hook of Cursor was given; it shows in the account's activity."""
    payload = read_object()
    fields = CursorHook().load(payload)
    session_id = fields.get("session_id") or fields["conversation_id"]
    return _kept("cursor-ide", fields["hook_event_name"], session_id, payload)


def _kept(tool: str, event_name: str, session_id: str, payload: dict[str, Any]) -> Response:
    hook = services().hooks.keep(
        principal().actor(), tool=tool, event_name=event_name, session_id=session_id, payload=payload
    )
    return answer({"id": hook.id}, 201)
