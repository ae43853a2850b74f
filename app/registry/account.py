"""The routes of `/api/v1/account`, `/api/v1/activity`, and of IDEs' hooks."""

from __future__ import annotations

from typing import Any

from app.registry.examples import ACCOUNT_ID, EVENT_ID, HOOK_ID, KEY_ID
from app.registry.route import CHANGE_ERRORS, PERSONAL, Example, Route, one, page

_CLI = frozenset({"cli"})
_AI_TOOLS = frozenset({"ai_tools"})

_BUSINESS_HOURS = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "19:00"}
_ACCOUNT: dict[str, Any] = {
    "id": ACCOUNT_ID,
    "email": "ada@example.com",
    "status": "ACTIVE",
    "tier": "pro",
    "hourlyLimit": 10000,
    "timezone": "Europe/Berlin",
    "businessHours": _BUSINESS_HOURS,
    "alertWebhookUrl": "https://hooks.example.com/***",
    "createdAt": "2026-11-26T09:00:00.000Z",
}
_EVENT: dict[str, Any] = {
    "id": EVENT_ID,
    "type": "key.revoked",
    "createdAt": "2026-11-26T10:30:00.000Z",
    "keyId": KEY_ID,
    "by": "operator",
    "byKeyId": None,
    "address": None,
    "targetKind": "key",
    "targetId": KEY_ID,
    "before": {"revoked": False},
    "after": {"revoked": True},
}

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/account",
        operation_id="getAccount",
        summary="the account of this key",
        types=PERSONAL,
        integrations=_CLI,
        example=Example(answer=one(_ACCOUNT)),
    ),
    Route(
        method="PATCH",
        path="/api/v1/account",
        operation_id="updateAccount",
        summary="set the account's time zone, business hours, alert webhook",
        types=PERSONAL,
        integrations=_CLI,
        errors=CHANGE_ERRORS,
        shows_secret=True,
        example=Example(
            body={
                "timezone": "Europe/Berlin",
                "businessHours": _BUSINESS_HOURS,
                "alertWebhookUrl": "https://hooks.example.com/alerts/8f14e45f",
            },
            answer=one(
                {**_ACCOUNT, "alertWebhookSecret": "whsec_<64 characters, shown only in this answer>"}
            ),
        ),
    ),
    Route(
        method="GET",
        path="/api/v1/activity",
        operation_id="listActivity",
        summary="what the account did, and what was done to what it owns",
        types=PERSONAL,
        integrations=_CLI,
        example=Example(query={"type": "key.revoked", "keyId": KEY_ID}, answer=page(_EVENT)),
    ),
    Route(
        method="POST",
        path="/api/v1/claude-code/hooks",
        operation_id="keepClaudeCodeHook",
        summary="tell what a hook of Claude Code was given",
        types=PERSONAL,
        integrations=_AI_TOOLS,
        errors=CHANGE_ERRORS,
        example=Example(
            body={
                "hook_event_name": "PostToolUse",
                "session_id": "b0a3d6a2-6a0f-4c59-8d53-1f6de8c1c7aa",
                "cwd": "/home/ada/website",
                "tool_name": "Write",
                "tool_input": {"file_path": "/home/ada/website/index.html"},
            },
            answer=one({"id": HOOK_ID}),
        ),
    ),
    Route(
        method="POST",
        path="/api/v1/cursor-ide/hooks",
        operation_id="keepCursorHook",
        summary="tell what a hook of Cursor was given",
        types=PERSONAL,
        integrations=_AI_TOOLS,
        errors=CHANGE_ERRORS,
        example=Example(
            body={
                "hook_event_name": "afterFileEdit",
                "conversation_id": "668320d2-2fd8-4888-b33c-2a466fec86e7",
                "file_path": "/home/ada/website/index.html",
            },
            answer=one({"id": HOOK_ID}),
        ),
    ),
)
