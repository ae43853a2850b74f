"""The life of a document: created, changed, deleted, each in one change of the ledger.

A document has a tag for each state that it was ever in. Who names the tag of the state that he has seen
changes the document only if it is still in that state: of two editors who read the same, the second one is
refused and loses nothing. Who names none changes the fields that he sends, and those alone.

Audit rows tell what a document is called and that it was changed, never what it says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from peewee import ModelSelect

from app.errors import ApiError
from app.ledger import Actor, Ledger
from app.models import Document, new_id

Kind = TypeVar("Kind", bound=Document)


class Documents(Generic[Kind]):
    """Creates, changes and deletes documents of one kind. Refusals are `ApiError`s and change nothing.

    Fields come checked in form. `wanted` selects one document of those that the actor may see, and is run
    again under the write lock; `tags` are those of which the document must have one, None: any will do.
    """

    model: ClassVar[type[Document]]
    kind: ClassVar[str]
    audited: ClassVar[tuple[str, ...]]

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def create(self, actor: Actor, account_id: str, fields: Mapping[str, Any]) -> Kind:
        """Make a document of the account. Raises what `_name` raises."""
        document: Any = self.model(account=account_id, revision=1, **fields)
        with self._ledger.change(actor) as change:
            document.id = new_id(change.now_ms)
            document.created_at = document.updated_at = change.now_ms
            self._name(document)
            document.save(force_insert=True)
            change.audit(f"{self.kind}.created", self.kind, document.id, None, self._facts(document))
        found: Kind = document
        return found

    def change(
        self,
        actor: Actor,
        wanted: ModelSelect[Kind],
        fields: Mapping[str, Any],
        tags: Collection[str] | None = None,
    ) -> Kind:
        """Set columns; what is already so changes nothing.

        Raises ENTITY_NOT_FOUND, PRECONDITION_FAILED, and what `_name` raises.
        """
        with self._ledger.change(actor) as change:
            document = _find_tagged(wanted, tags)
            before = self._facts(document)
            for name, value in fields.items():
                if _differ(getattr(document, name), value):
                    setattr(document, name, value)
            if document.dirty_fields:
                self._name(document)
                document.revision += 1
                document.updated_at = change.now_ms
                # Of all columns, those that were not touched would be written, and indexed, once more.
                document.save(only=document.dirty_fields)
                change.audit(f"{self.kind}.changed", self.kind, document.id, before, self._facts(document))
        return document

    def delete(self, actor: Actor, wanted: ModelSelect[Kind], tags: Collection[str] | None = None) -> str:
        """Delete a document for good; return its id. Raises ENTITY_NOT_FOUND, PRECONDITION_FAILED."""
        with self._ledger.change(actor) as change:
            document = _find_tagged(wanted, tags)
            document.delete_instance()
            change.audit(f"{self.kind}.deleted", self.kind, document.id, self._facts(document), None)
        return document.id

    def _name(self, document: Any) -> None:
        """Give a new document its name, or see that a changed one may have the name that it has now."""

    def _facts(self, document: Document) -> dict[str, Any]:
        return {name: getattr(document, name) for name in (*self.audited, "revision")}


def find(wanted: ModelSelect[Kind]) -> Kind:
    """Return the one document that is wanted. Raises `ApiError` ENTITY_NOT_FOUND."""
    # As a list, so that the statement has ended: one that is left open keeps the connection on what it read.
    found = list(wanted.limit(1))
    if not found:
        raise ApiError("ENTITY_NOT_FOUND")
    return found[0]


def tag_of(document: Document) -> str:
    """Return the tag of the document's state, which no other state of any document has or had."""
    return f"{document.id}.{document.revision}"


def _find_tagged(wanted: ModelSelect[Kind], tags: Collection[str] | None) -> Kind:
    document = find(wanted)
    if tags is not None and tag_of(document) not in tags:
        raise ApiError("PRECONDITION_FAILED")
    return document


def _differ(old: Any, new: Any) -> bool:
    # In JSON 1, 1.0 and true are three values, which Python takes for the same.
    return old != new or repr(old) != repr(new)
