"""Keys as answers, whoever's they are: `visible` is the query of the keys that the caller may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response
from peewee import ModelSelect, fn

from app.api.answers import answer, id_of_path, page_answer
from app.api.idempotent import Keep, answer_with_raw_key
from app.auth import principal
from app.errors import ApiError
from app.json_body import read_optional_object
from app.keyring import Issued, status_is
from app.models import Key
from app.paging import newest_first
from app.schemas.key import RotateKey, issued_answer, key_answers
from app.services import services


def page_of_keys(visible: ModelSelect[Key], page: int, limit: int, status: str | None, name: str) -> Response:
    """Return a page of the keys, newest first; `status` and a part of the `name`, if not empty, filter."""
    now = services().clock()
    if status is not None:
        visible = visible.where(status_is(status, int(now * 1000)))
    if name:
        visible = visible.where(fn.instr(fn.casefold(Key.name), name.casefold()) > 0)
    rows, total = newest_first(visible, page, limit)
    return page_answer(key_answers(rows, now), page=page, limit=limit, total=total)


def key_answer(key: Key) -> Response:
    """Return one key."""
    return answer(key_answers([key], services().clock())[0])


def find_key(visible: ModelSelect[Key], id: str) -> Key:
    """Return the key whose id stands in the path. Raises `ApiError` ENTITY_NOT_FOUND."""
    key: Key | None = visible.where(Key.id == id_of_path(id)).first()
    if key is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return key


def change(visible: ModelSelect[Key], id: str, fields: Mapping[str, Any]) -> Response:
    """Change a key, and return it."""
    shown: list[dict[str, Any]] = []
    services().keyring.change(
        principal().actor(),
        visible,
        id_of_path(id),
        fields,
        before_commit=lambda key: shown.extend(key_answers([key], services().clock())),
    )
    return answer(shown[0])


def delete(visible: ModelSelect[Key], id: str) -> Response:
    """Delete a key, and say so."""
    key_id = id_of_path(id)
    services().keyring.delete(principal().actor(), visible, key_id)
    return answer({"id": key_id, "deleted": True})


def rotate(visible: ModelSelect[Key], id: str) -> Response:
    """Rotate a key as the body says, and return the new one."""
    body = read_optional_object()

    def issue(keep: Keep) -> Issued:
        schema = RotateKey(services().config.rotation_grace_hours, now=services().clock())
        return services().keyring.rotate(
            principal().actor(), visible, id_of_path(id), before_commit=keep, **schema.load(body)
        )

    return answer_with_raw_key(body, issue, issued_data)


def issued_data(issued: Issued) -> dict[str, Any]:
    """Return a new key as the data of the one answer that shows its raw key."""
    return issued_answer(issued, services().clock())
