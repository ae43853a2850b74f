"""Why a request with a key is refused, for every resource that has keys."""

from __future__ import annotations

from flask import Response, current_app
from peewee import ModelSelect

from app.api.answers import answer
from app.api.key_cards import find_key
from app.explanation import Question, explain
from app.json_body import read_object
from app.models import Key
from app.schemas.base import loader
from app.schemas.explain import ExplainKey, ExplanationAnswer
from app.services import services


def answer_with_explanation(visible: ModelSelect[Key], id: str) -> Response:
    """Answer the question in the body about the key whose id stands in the path."""
    question = Question(**loader(ExplainKey).load(read_object()))
    explanation = explain(services(), current_app.url_map, find_key(visible, id).id, question)
    return answer(ExplanationAnswer().dump(explanation))
