"""What prompts, artifacts and memories have in common, as they are sent and as they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from app.documents import holds_a_word
from app.schemas.fields import SOMETHING_VISIBLE, LongText, Text, is_invisible, refuse_raw_key
from app.schemas.json_value import JsonObject
from app.schemas.query import PageQuery, Search

TITLE_LENGTH = 255
PROJECT_LENGTH = 255
METADATA_BYTES = 4096
SEARCH_LENGTH = 200
LISTED_BYTES = 10_000
"""What is longer is left out of lists: a page of the longest artifacts would have a hundred megabytes."""

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_NOT_LISTED = f"In a list null if it has more than {LISTED_BYTES:,} bytes: read the one by itself."


class Content(fields.String):
    """Any text with a visible character, whatever else is in it. A limit is in bytes of UTF-8."""

    def __init__(self, maximum_bytes: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.maximum_bytes = maximum_bytes
        limit = {} if maximum_bytes is None else {"description": f"At most {maximum_bytes:,} bytes of UTF-8."}
        self.metadata = {"minLength": 1, **limit, **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str):
            raise ValidationError("Not a string.")
        if is_invisible(value):
            raise ValidationError(SOMETHING_VISIBLE)
        if self.maximum_bytes is not None and len(value.encode()) > self.maximum_bytes:
            raise ValidationError(f"Must be at most {self.maximum_bytes:,} bytes of UTF-8.")
        return value


class Slug(fields.String):
    """A name that stands in addresses as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=refuse_raw_key, **kwargs)
        self.metadata = {"maxLength": 255, "pattern": f"^{_SLUG.pattern}$", **self.metadata}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str) or not _SLUG.fullmatch(value):
            raise ValidationError("Must be 1 to 255 letters, digits, dots, hyphens, underscores.")
        return value


class ProjectName(Text):
    """A name that may be divided by slashes. It stands in addresses, where some parts mean another place."""

    def __init__(self, **kwargs: Any) -> None:
        description = "Slashes may divide it, but no part of it be empty, `.` or `..`."
        metadata = {"description": description, **kwargs.pop("metadata", {})}
        super().__init__(1, PROJECT_LENGTH, metadata=metadata, validate=refuse_raw_key, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if not {"", ".", ".."}.isdisjoint(name.split("/")):
            raise ValidationError("Between slashes must be something else than nothing, . and ..")
        return name


def _refuse_wordless(search: str) -> None:
    if search and not holds_a_word(search):
        raise ValidationError("Must have a letter or digit.")


class DocumentQuery(PageQuery):
    """Which page of a list of documents, and what they must hold."""

    search = Search(
        SEARCH_LENGTH,
        "Words, each of which must be there, or begin one that is there.",
        validate=_refuse_wordless,
    )


def title_field(**kwargs: Any) -> Text:
    """Return the title of a prompt or an artifact."""
    return Text(1, TITLE_LENGTH, validate=refuse_raw_key, **kwargs)


def description_field(maximum: int) -> LongText:
    """Return the description of a prompt or an artifact."""
    return LongText(0, maximum, allow_none=True, validate=refuse_raw_key)


def metadata_field() -> JsonObject:
    """Return an object of the caller's own."""
    return JsonObject(METADATA_BYTES, load_default=dict, validate=refuse_raw_key)


def listed_text() -> fields.String:
    """Return the long text of a document as lists show it."""
    return fields.String(required=True, allow_none=True, metadata={"description": _NOT_LISTED})
