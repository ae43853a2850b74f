"""What the views have in common: reading a strict query, writing an envelope."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from flask import Request, Response
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema
from peewee import ModelSelect
from webargs.flaskparser import FlaskParser

from app.errors import ApiError
from app.schemas.base import bad_fields

View = TypeVar("View", bound=Callable[..., Response])


class StrictQueryParser(FlaskParser):
    """Reads query parameters, and refuses those that are unknown or come twice."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION: ClassVar[dict[str, str | None]] = {"query": RAISE}

    def load_querystring(self, req: Request, schema: Schema) -> Mapping[str, str]:
        """Return the parameters by name; werkzeug would silently take the first of two."""
        doubled = {name: ["Must not come twice."] for name, values in req.args.lists() if len(values) > 1}
        if doubled:
            raise ApiError("VALIDATION_ERROR", details=bad_fields(doubled))
        return req.args.to_dict()


class ApiBlueprint(Blueprint):
    """A blueprint whose `arguments` read the query strictly. Bodies are read by `app.json_body`."""

    ARGUMENTS_PARSER = StrictQueryParser()

    def body(self, schema: type[Schema] | Schema, *, required: bool = True) -> Callable[[View], View]:
        """Document the body that the decorated view reads by itself, at its own time."""
        content = {"application/json": {"schema": schema}}
        document: Callable[[View], View] = self.doc(requestBody={"required": required, "content": content})
        return document


def success_body(data: Any, meta: Mapping[str, Any] | None = None) -> bytes:
    """Return the bytes of the envelope of a success."""
    envelope = (
        {"success": True, "data": data} if meta is None else {"success": True, "data": data, "meta": meta}
    )
    return json.dumps(envelope, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def answer(data: Any, status: int = 200) -> Response:
    """Return `data` in the envelope of a success."""
    return Response(success_body(data), status, content_type="application/json")


def page_answer(items: Sequence[Any], *, page: int, limit: int, total: int) -> Response:
    """Return one page of a list."""
    meta = {"page": page, "limit": limit, "total": total, "hasMore": page * limit < total}
    return Response(success_body(items, meta), content_type="application/json")


def page_of_rows(query: ModelSelect, page: int, limit: int) -> tuple[list[Any], int]:
    """Return the rows of one page of an ordered `query`, and how many rows it has in all."""
    return list(query.paginate(page, limit)), query.count()
