"""Prompts, as they are sent and as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from app.models.document import PROMPT_STATUSES
from app.schemas.base import StrictSchema
from app.schemas.document import Content, DocumentQuery, description_field, listed_text, title_field
from app.schemas.fields import Choice, Instant, Items, Text, refuse_raw_key

DESCRIPTION_LENGTH = 200
LABELS = 10
LABEL_LENGTH = 50
_WANTED = f"one line of 1 to {LABEL_LENGTH} characters without a comma"


def _label(text: str) -> str:
    try:
        label = Text(1, LABEL_LENGTH, validate=refuse_raw_key).deserialize(text.strip())
    except ValidationError:
        raise ValueError(text) from None
    if "," in label:
        raise ValueError(text)
    return str(label)


class AllLabels(fields.Field[list[str]]):
    """Labels that stand in a query with commas between them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = {"type": "string", **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[str]:
        texts = value.split(",")
        try:
            if len(texts) <= LABELS:
                return [_label(text) for text in texts]
        except ValueError:
            pass
        raise ValidationError(f"Must be 1 to {LABELS} labels, with commas between them.")


class CreatePrompt(StrictSchema):
    """The body of `POST /api/v1/prompts`."""

    title = title_field(required=True)
    content = Content(required=True, validate=refuse_raw_key)
    description = description_field(DESCRIPTION_LENGTH)
    status = Choice(PROMPT_STATUSES, load_default="draft")
    labels = Items(
        _label,
        wanted=_WANTED,
        maximum=LABELS,
        load_default=list,
        metadata={"description": f"Each is {_WANTED}."},
    )


class ChangePrompt(CreatePrompt):
    """The body of `PUT /api/v1/prompts/{id}`; load it with `partial=True`."""


class ListPrompts(DocumentQuery):
    """The query of `GET /api/v1/prompts`."""

    status = Choice(PROMPT_STATUSES, metadata={"description": "Only prompts with this status."})
    labels = AllLabels(
        metadata={"description": "Only prompts that have all of these labels; commas divide them."}
    )


class PromptAnswer(StrictSchema):
    """A prompt."""

    id = fields.String(required=True, metadata={"format": "uuid"})
    slug = fields.String(
        required=True, metadata={"description": "Its other name, made of its first title; it stays as it is."}
    )
    title = fields.String(required=True)
    content = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, metadata={"enum": list(PROMPT_STATUSES)})
    labels = fields.List(fields.String(), required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ListedPrompt(PromptAnswer):
    """A prompt in a list."""

    content = listed_text()
