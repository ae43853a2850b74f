"""What the views of prompts, artifacts and memories have in common: tags, and lists."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, request
from marshmallow import Schema
from peewee import Field, ModelSelect

from app import document_lists
from app.api.answers import answer, page_answer
from app.auth import principal
from app.document_lists import page_of_documents
from app.documents import Documents, tag_of
from app.errors import invalid
from app.json_body import read_object
from app.models import Document
from app.registry.route import MAX_BYTES

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


_TAG = re.compile('(W/)?"([!#-~\x80-\xff]*)"')
_ANY = "*"


def own(model: type[Document]) -> ModelSelect[Any]:
    """Select the documents of the caller's account."""
    return document_lists.own(model, principal().account.account_id)


def expected_tags() -> frozenset[str] | None:
    """Return the tags of which the document must have one (RFC 9110, section 13.1.1); None: any will do.

    Tags that are marked as weak are none of ours. Raises `ApiError` VALIDATION_ERROR for what is no list of
    tags: taken for none, it would have changed what the caller wanted to keep.
    """
    asked = request.headers.get(IF_MATCH, _ANY).strip()
    if asked == _ANY:
        return None
    tags = _TAG.findall(asked)
    listed = _TAG.sub("\0", asked).split(",")
    if not tags or not {one.strip() for one in listed} <= {"\0", ""}:
        raise invalid(**{IF_MATCH: "Must be * or tags in double quotes, as ETag has them."})
    return frozenset(tag for weak, tag in tags if not weak)


def document_answer(document: Document, schema: type[Schema], status: int = 200) -> Response:
    """Return one document with its tag."""
    response = answer(schema().dump(document), status)
    response.set_etag(tag_of(document))
    return response


def created(
    life: Documents[Any], body: type[Schema], schema: type[Schema], max_bytes: int = MAX_BYTES
) -> Response:
    """Make a document of the request's body, and return it."""
    fields = body().load(read_object(max_bytes))
    caller = principal()
    document = life.create(caller.actor(), caller.account.account_id, fields)
    return document_answer(document, schema, 201)


def changed(
    life: Documents[Any],
    wanted: ModelSelect[Any],
    body: type[Schema],
    schema: type[Schema],
    max_bytes: int = MAX_BYTES,
) -> Response:
    """Set the fields that the body has, if the state is the one that the caller expects."""
    fields = body(partial=True).load(read_object(max_bytes))
    return document_answer(life.change(principal().actor(), wanted, fields, expected_tags()), schema)


def deleted(life: Documents[Any], wanted: ModelSelect[Any]) -> Response:
    """Delete a document, if its state is the one that the caller expects, and say so."""
    document_id = life.delete(principal().actor(), wanted, expected_tags())
    return answer({"id": document_id, "deleted": True})


def listed(
    query: ModelSelect[Any], long_text: Field[Any], schema: type[Schema], page: int, limit: int, **narrow: Any
) -> Response:
    """Return a page of the caller's documents; `narrow` is what `page_of_documents` takes."""
    account_id = principal().account.account_id
    rows, total = page_of_documents(query, account_id, long_text, page=page, limit=limit, **narrow)
    return page_answer(schema(many=True).dump(rows), page=page, limit=limit, total=total)
