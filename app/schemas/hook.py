"""What IDEs' hooks send. Their members are named as the tools name them, and any others are kept too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import INCLUDE, ValidationError, fields, validates_schema

from app.schemas.base import StrictSchema
from app.schemas.fields import Text

EVENT_NAME_LENGTH = 64
SESSION_ID_LENGTH = 255


class HookCall(StrictSchema):
    """A hook's call: the event, its session, and whatever else there is to tell."""

    class Meta:
        unknown = INCLUDE

    hook_event_name = Text(
        1, EVENT_NAME_LENGTH, required=True, metadata={"description": "As the tool names it, any there is."}
    )

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Name the field as it is."""
        field_obj.data_key = field_name


class ClaudeCodeHook(HookCall):
    """The body of `POST /api/v1/claude-code/hooks`: what Claude Code gives to a hook, as it is."""

    session_id = Text(1, SESSION_ID_LENGTH, required=True)


class CursorHook(HookCall):
    """The body of `POST /api/v1/cursor-ide/hooks`: what Cursor gives to a hook, as it is."""

    session_id = Text(1, SESSION_ID_LENGTH, allow_none=True)
    conversation_id = Text(
        1,
        SESSION_ID_LENGTH,
        allow_none=True,
        metadata={"description": "What most of Cursor's hooks have for a `session_id`; one is needed."},
    )

    @validates_schema(skip_on_field_errors=False)
    def of_a_session(self, data: Mapping[str, Any], **_: Any) -> None:
        """Some hooks have one of the two, some the other, some both."""
        if not (data.get("session_id") or data.get("conversation_id")):
            raise ValidationError({"session_id": ["This or conversation_id is needed."]})


class HookAnswer(StrictSchema):
    """What was kept."""

    id = fields.String(required=True, metadata={"format": "uuid"})
