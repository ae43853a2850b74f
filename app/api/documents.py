"""What the views of prompts, artifacts and memories have in common: tags, and lists."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from marshmallow import Schema
from peewee import Field, ModelSelect
from werkzeug.http import parse_etags

from app import document_lists
from app.api.answers import answer, page_answer
from app.auth import principal
from app.document_lists import page_of_documents
from app.documents import tag_of
from app.models import Document

IF_MATCH = "If-Match"
IF_MATCH_PARAMETER = {
    "in": "header",
    "name": IF_MATCH,
    "description": (
        "The `ETag` of the answer by which you know the object: if it has changed since, 412 "
        "`PRECONDITION_FAILED`. Without it, or with `*`, any state will do."
    ),
    "example": '"0199a3f4-2b17-7c80-a4d9-51e0c7f3b871.3"',
    "schema": {"type": "string"},
}


def own(model: type[Document]) -> ModelSelect[Any]:
    """Select the documents of the caller's account."""
    return document_lists.own(model, principal().account.account_id)


def expected_tags() -> frozenset[str] | None:
    """Return the tags of which the document must have one (RFC 9110, section 13.1.1); None: any will do.

    Tags that are marked as weak are none of ours.
    """
    asked = request.headers.get(IF_MATCH, "").strip()
    return None if asked in ("", "*") else frozenset(parse_etags(asked).as_set())


def document_answer(document: Document, schema: type[Schema], status: int = 200) -> Response:
    """Return one document with its tag."""
    response = answer(schema().dump(document), status)
    response.set_etag(tag_of(document))
    return response


def listed(
    query: ModelSelect[Any], long_text: Field[Any], schema: type[Schema], page: int, limit: int, **narrow: Any
) -> Response:
    """Return a page of the caller's documents; `narrow` is what `page_of_documents` takes."""
    account_id = principal().account.account_id
    rows, total = page_of_documents(query, account_id, long_text, page=page, limit=limit, **narrow)
    return page_answer(schema(many=True).dump(rows), page=page, limit=limit, total=total)
