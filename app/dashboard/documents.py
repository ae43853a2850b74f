"""Prompts, artifacts and memories: lists to look through, and a form to write each in.

The form carries the tag of the state that it was made of. Who saves it after somebody else has changed the
document is told so, with all that was typed still there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from app.dashboard.document_forms import KINDS, Kind, body_of, form_of
from app.dashboard.forms import Form
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.tables import Asked, Table
from app.dashboard.visitor import visitor
from app.document_lists import own, page_of_documents
from app.documents import find, tag_of
from app.errors import ApiError
from app.models import Document

_SECTION = "/dashboard/<any(prompts, artifacts, memories):section>"
_CHANGED = (
    "It was changed elsewhere since you opened it, and what you typed is not saved. "
    "Save once more to replace that change, or open it again to see it."
)
_SNAKE = {"projectName": "project_name"}


@get(_SECTION)
def listed(section: str) -> Response:
    """The account's documents of a kind, newest first."""
    kind = KINDS[section]
    asked = Asked.from_request(filters=kind.filters)
    rows, total = page_of_documents(
        own(kind.model, visitor().account_id),
        visitor().account_id,
        kind.long_text,
        page=asked.page,
        limit=asked.limit,
        search=asked.search,
        **_narrow(asked.filters),
    )
    table = Table(asked, rows, total)
    return render("documents/list.html", title=section.capitalize(), section=section, kind=kind, table=table)


@get(f"{_SECTION}/new")
def new(section: str) -> Response:
    """An empty form."""
    return _show_new(KINDS[section], Form())


@post(f"{_SECTION}/new")
def create(section: str) -> Response:
    """Make what the form says."""
    kind, form = KINDS[section], Form.from_request()
    try:
        fields = kind.create().load(body_of(form, kind))
        document = kind.life().create(visitor().actor(), visitor().account_id, fields)
    except ApiError as error:
        return _show_new(kind, form.refused(error), error.status)
    notice(f"The {kind.one} was saved.")
    return to(f"/dashboard/{section}/{document.id}")


@get(f"{_SECTION}/<id>")
def one(section: str, id: str) -> Response:
    """A document in its form."""
    kind = KINDS[section]
    document = find(_wanted(kind, id))
    return _show(kind, document, form_of(document, kind))


@post(f"{_SECTION}/<id>")
def change(section: str, id: str) -> Response:
    """Save what the form says, if nobody has changed the document meanwhile."""
    kind, form = KINDS[section], Form.from_request()
    try:
        fields = kind.change(partial=True).load(body_of(form, kind))
        kind.life().change(visitor().actor(), _wanted(kind, id), fields, {request.form.get("tag", "")})
    except ApiError as error:
        document = find(_wanted(kind, id))
        if error.code == "PRECONDITION_FAILED":
            return _show(kind, document, Form(form.values, general=_CHANGED), error.status)
        seen = request.form.get("tag", "")
        return _show(kind, document, form.refused(error), error.status, seen)
    notice(f"The {kind.one} was saved.")
    return to(f"/dashboard/{section}/{id}")


@get(f"{_SECTION}/<id>/delete")
def confirm_delete(section: str, id: str) -> Response:
    """Ask whether it is meant."""
    return _show_delete(KINDS[section], find(_wanted(KINDS[section], id)), Form())


@post(f"{_SECTION}/<id>/delete")
def delete(section: str, id: str) -> Response:
    """Delete a document, once its name was typed."""
    kind, form = KINDS[section], Form.from_request()
    document = find(_wanted(kind, id))
    if form.value("confirm").strip() != word_of(document):
        wrong = Form(form.values, {"confirm": [f"Type “{word_of(document)}” as it stands there."]})
        return _show_delete(kind, document, wrong, 400)
    try:
        kind.life().delete(visitor().actor(), _wanted(kind, id))
    except ApiError as error:
        return _show_delete(kind, document, form.refused(error), error.status)
    notice(f"The {kind.one} was deleted.")
    return to(f"/dashboard/{section}")


def word_of(document: Document) -> str:
    """Return what has to be typed before a document is deleted: its slug, or for what has none `delete`."""
    return getattr(document, "slug", "delete")


def _wanted(kind: Kind, id: str) -> Any:
    return own(kind.model, visitor().account_id).where(kind.model.id == id)


def _narrow(filters: Mapping[str, str]) -> dict[str, Any]:
    narrow: dict[str, Any] = {_SNAKE.get(name, name): value for name, value in filters.items()}
    if "labels" in narrow:
        narrow["labels"] = [label for label in map(str.strip, narrow["labels"].split(",")) if label]
    return narrow


def _show_new(kind: Kind, form: Form, status: int = 200) -> Response:
    title = f"New {kind.one}"
    return render(
        "documents/edit.html", title=title, section=kind.section, status=status, kind=kind, form=form
    )


def _show(kind: Kind, document: Document, form: Form, status: int = 200, tag: str | None = None) -> Response:
    """Return the form; `tag` is that of the state of which it was made, if that is not today's."""
    return render(
        "documents/edit.html",
        title=getattr(document, "title", kind.one.capitalize()),
        section=kind.section,
        status=status,
        kind=kind,
        form=form,
        document=document,
        tag=tag or tag_of(document),
    )


def _show_delete(kind: Kind, document: Document, form: Form, status: int = 200) -> Response:
    return render(
        "documents/delete.html",
        title=f"Delete this {kind.one}",
        section=kind.section,
        status=status,
        kind=kind,
        form=form,
        document=document,
        word=word_of(document),
    )
