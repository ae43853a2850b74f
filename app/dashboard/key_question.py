"""“Why was it refused?”: a question about a call with a key, and each of the checks with its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app

from app.dashboard.forms import Form
from app.dashboard.key_facts import home_of, key_of_path
from app.dashboard.page import get, is_fragment, post, render
from app.dashboard.visitor import visitor
from app.errors import ApiError
from app.explanation import Explanation, Question, explain
from app.models import Key
from app.schemas.base import loader
from app.schemas.explain import METHODS, ExplainKey
from app.services import services
from gateway.keys import masked

CHECKS: Mapping[str, str] = {
    "url": "No key in the URL",
    "credential": "One key, in one header",
    "form": "The key is whole",
    "known": "The key is one of this service",
    "status": "The key is in force",
    "account": "The account is not suspended",
    "portal": "The portal is active",
    "member": "The owner is a member of the portal",
    "address": "The address is in the whitelist",
    "rateLimit": "No limit is used up",
    "type": "The endpoint serves keys of this type",
    "route": "There is such an endpoint",
    "restriction": "The account is not restricted, or the call only reads",
    "scope": "The key has the scope",
    "integration": "The key has the integration",
}
_PATHS: Mapping[str, str] = {
    "personal": "/api/v1/prompts",
    "management": "/v1/keys",
    "api": "/v1/deals",
    "authorization": "/v1/deals",
}
"""What keys of each type are there for: something to begin with."""


@get("/dashboard/keys/<id>/explain")
def ask(id: str) -> Response:
    """The question, on a page of its own."""
    key = key_of_path(id)
    return _show(key, **first_question(key))


@post("/dashboard/keys/<id>/explain")
def answer(id: str) -> Response:
    """The answer. By POST, since there may be a raw key in the path, which nothing is to keep or repeat."""
    key, sent = key_of_path(id), Form.from_request().values
    form = Form({name: masked(str(value)) for name, value in sent.items()})
    try:
        question = Question(**loader(ExplainKey).load(sent))
        explanation = explain(services(), current_app.url_map, key.id, question)
    except ApiError as error:
        return _show(key, status=error.status, **_facts(form.refused(error)))
    return _show(key, **_facts(form, explanation))


def first_question(key: Key) -> dict[str, Any]:
    """Return what the template `key/_question.html` shows before anything was asked, beside the key."""
    return _facts(Form({"address": visitor().address, "method": METHODS[0], "path": _PATHS[key.type]}))


def _facts(form: Form, explanation: Explanation | None = None) -> dict[str, Any]:
    methods = [(method, method) for method in METHODS]
    return {"form": form, "methods": methods, "explanation": explanation, "checks": CHECKS}


def _show(key: Key, *, status: int = 200, **facts: Any) -> Response:
    template = "key/_question.html" if is_fragment() else "key/question.html"
    section, _ = home_of(key)
    title = f"Why was it refused? {key.name}"
    return render(template, title=title, section=section, status=status, key=key, **facts)
