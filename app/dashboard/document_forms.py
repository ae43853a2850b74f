"""The three kinds of documents as the dashboard shows them: what stands in their forms and lists.

A row of `KINDS` is a kind. A form's text becomes the JSON that the API's schema reads, and a document becomes
what stands in a form, so a document that is only opened and saved is not changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from peewee import Field

from app.dashboard.forms import Form
from app.documents import Artifacts, Memories, Prompts
from app.errors import ApiError, invalid
from app.json_body import parse_object
from app.models import Artifact, Document, Memory, Prompt
from app.models.document import ARTIFACT_STATUSES, ARTIFACT_TYPES, PROMPT_STATUSES
from app.registry.documents import ARTIFACT_MAX_BYTES
from app.registry.route import MAX_BYTES
from app.schemas.artifact import ArtifactAnswer, ChangeArtifact, CreateArtifact
from app.schemas.base import WHOLE_BODY, StrictSchema
from app.schemas.memory import ChangeMemory, CreateMemory, MemoryAnswer
from app.schemas.prompt import ChangePrompt, CreatePrompt, PromptAnswer
from app.services import services


@dataclass(frozen=True, slots=True)
class Input:
    """One field of a form. What is left empty is sent as `empty`, or not at all where that is `...`."""

    name: str
    label: str
    looks: Literal["line", "text", "choice", "labels", "json"] = "line"
    required: bool = False
    empty: Any = ...
    rows: int = 3
    options: tuple[str, ...] = ()
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of documents. `section` is its place in the navigation and in paths."""

    section: str
    one: str
    purpose: str
    model: type[Document]
    long_text: Field[str]
    life: Callable[[], Prompts | Artifacts | Memories]
    create: type[StrictSchema]
    change: type[StrictSchema]
    answer: type[StrictSchema]
    inputs: tuple[Input, ...]
    columns: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    max_bytes: int = MAX_BYTES

    def input(self, name: str) -> Input:
        """Return the field with this name."""
        return next(one for one in self.inputs if one.name == name)

    @property
    def heads(self) -> list[tuple[None, str, str]]:
        """The heads of the list's columns, of which it can be sorted by none: it is the newest first."""
        return [*((None, self.input(name).label, "") for name in self.columns), (None, "Changed", "")]


_TITLE = Input("title", "Title", required=True)
_DESCRIPTION = Input("description", "Description", "text", empty=None, rows=2)
_METADATA = Input("metadata", "Metadata", "json", empty={}, help="A JSON object, at most 4 KiB.")
_SLASHES = "May be divided by slashes, as in acme/website."

KINDS = {
    kind.section: kind
    for kind in (
        Kind(
            "prompts",
            "prompt",
            "Texts that your tools ask models with, each under a name that stays.",
            Prompt,
            Prompt.content,
            lambda: services().prompts,
            CreatePrompt,
            ChangePrompt,
            PromptAnswer,
            (
                _TITLE,
                Input("content", "Content", "text", required=True, rows=16),
                _DESCRIPTION,
                Input("status", "Status", "choice", options=PROMPT_STATUSES),
                Input("labels", "Labels", "labels", empty=[], help="At most ten, with commas between them."),
            ),
            ("title", "status", "labels"),
            {"status": PROMPT_STATUSES, "labels": None},
        ),
        Kind(
            "artifacts",
            "artifact",
            "What your tools have made: reports, contexts, anything that a project keeps.",
            Artifact,
            Artifact.content,
            lambda: services().artifacts,
            CreateArtifact,
            ChangeArtifact,
            ArtifactAnswer,
            (
                Input("projectName", "Project", required=True, help=_SLASHES),
                _TITLE,
                Input("slug", "Slug", help="Its name in the project. Left empty, it is made of the title."),
                Input("content", "Content", "text", required=True, rows=16),
                _DESCRIPTION,
                Input("type", "Type", "choice", options=ARTIFACT_TYPES),
                Input("status", "Status", "choice", options=ARTIFACT_STATUSES),
                _METADATA,
            ),
            ("title", "projectName", "type", "status"),
            {"projectName": None, "type": ARTIFACT_TYPES, "status": ARTIFACT_STATUSES},
            max_bytes=ARTIFACT_MAX_BYTES,
        ),
        Kind(
            "memories",
            "memory",
            "What your tools are to remember from one session to the next.",
            Memory,
            Memory.text,
            lambda: services().memories,
            CreateMemory,
            ChangeMemory,
            MemoryAnswer,
            (
                Input("text", "Text", "text", required=True, rows=12),
                Input("projectName", "Project", empty=None, help=_SLASHES),
                _METADATA,
            ),
            ("text", "projectName"),
            {"projectName": None},
        ),
    )
}


def body_of(form: Form, kind: Kind) -> dict[str, Any]:
    """Return what the form says as the body of a request. Raises `ApiError` VALIDATION_ERROR."""
    body: dict[str, Any] = {}
    for one in kind.inputs:
        text = form.lines(one.name)
        if text.strip() or one.required:
            body[one.name] = _value(one, text)
        elif one.empty is not ...:
            body[one.name] = one.empty
    # What the API could not take back: a tool that reads, edits and saves it would fail for ever.
    if len(json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass")) > kind.max_bytes:
        raise invalid(**{kind.long_text.name: f"Too long: all together may have {kind.max_bytes:,} bytes."})
    return body


def form_of(document: Document, kind: Kind) -> Form:
    """Return a document as it stands in its form."""
    shown = kind.answer().dump(document)
    return Form({one.name: _text(one, shown[one.name]) for one in kind.inputs})


def _value(one: Input, text: str) -> Any:
    if one.looks == "labels":
        return [label for label in map(str.strip, text.split(",")) if label]
    if one.looks != "json":
        return text
    try:
        return parse_object(text.encode(errors="surrogatepass"))
    except ApiError as error:
        reasons = (error.details or {}).get(WHOLE_BODY, ["Not a JSON object as it may be."])
        raise invalid(**{one.name: " ".join(reasons)}) from None


def _text(one: Input, value: Any) -> str:
    if value is None:
        return ""
    if one.looks == "labels":
        return ", ".join(value)
    return (
        json.dumps(value, ensure_ascii=False, indent=2) if one.looks == "json" and value else str(value or "")
    )
