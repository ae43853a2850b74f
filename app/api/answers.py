"""What the views have in common: reading a strict query, writing an envelope."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from flask import Request, Response
from flask_smorest import Blueprint  # type: ignore[import-untyped]
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser

from app.errors import ApiError
from app.schemas.base import bad_fields
from app.schemas.fields import uuid_in
from app.schemas.query import NoQuery

View = TypeVar("View", bound=Callable[..., Response])


class StrictQueryParser(FlaskParser):
    """Reads query parameters, and refuses those that are unknown or come twice."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_querystring(self, req: Request, schema: Schema) -> Mapping[str, str]:
        """Return the parameters by name; werkzeug would silently take the first of two."""
        doubled = {name: ["Must not come twice."] for name, values in req.args.lists() if len(values) > 1}
        if doubled:
            raise ApiError("VALIDATION_ERROR", details=bad_fields(doubled))
        return req.args.to_dict()


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A blueprint of operations: routes with what they take and give."""

    ARGUMENTS_PARSER = StrictQueryParser(unknown=RAISE)

    def operation(
        self,
        method: str,
        path: str,
        *,
        gives: type[Schema] | dict[str, Any],
        status: int = 200,
        query: type[Schema] = NoQuery,
        body: type[Schema] | Schema | dict[str, Any] | None = None,
        body_required: bool = True,
        parameters: Sequence[Mapping[str, Any]] = (),
    ) -> Callable[[View], View]:
        """Serve the decorated view, and document it.

        `query` is read before the view, which gets its parameters by keyword. `body` and `parameters`
        (headers) only document what the view reads by itself, at its own time.
        """
        documented: dict[str, Any] = {"parameters": list(parameters)} if parameters else {}
        if body is not None:
            content = {"application/json": {"schema": body}}
            documented["requestBody"] = {"required": body_required, "content": content}

        def decorate(view: View) -> View:
            with_answer = self.response(status, gives)(view)
            with_query = self.arguments(query, location="query", as_kwargs=True)(with_answer)
            self.route(path, methods=[method])(self.doc(**documented)(with_query))
            return view

        return decorate


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
    return list_answer(items, {"page": page, "limit": limit, "total": total, "hasMore": page * limit < total})


def list_answer(items: Sequence[Any], meta: Mapping[str, Any]) -> Response:
    """Return a part of a list, and `meta`, which says what part it is."""
    return Response(success_body(items, meta), content_type="application/json")


def list_meta(*, limit: int, offset: int, total: int) -> dict[str, Any]:
    """Return which part of a list it is, in the shape of `ListMeta`."""
    return {"limit": limit, "offset": offset, "total": total, "hasMore": offset + limit < total}


def id_of_path(text: str) -> str:
    """Return an id that stands in the path, as it is stored. Raises ENTITY_NOT_FOUND if it can be none."""
    found = uuid_in(text)
    if found is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return found
