"""Forms: what was typed is shown again, and what is wrong with it beside the field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import render_template_string

from app.dashboard.forms import Form
from app.errors import ApiError, invalid
from tests.api.world import Service

PROBE = '"><script>alert(1)</script>'


@pytest.fixture
def sent(service: Service) -> Iterator[Any]:
    """A function: the form as a browser has sent it."""

    def form(**data: Any) -> Form:
        with service.flask.test_request_context("/dashboard/x", method="POST", data=data):
            return Form.from_request()

    return form


def rendered(service: Service, call: str, form: Form) -> str:
    environ = {"vibekeys.client_address": "203.0.113.7"}
    with service.flask.test_request_context("/dashboard/x", environ_overrides=environ):
        source = '{% import "dashboard/macros.html" as m %}{{ m.' + call + " }}"
        return render_template_string(source, form=form)


def test_what_was_sent_can_be_shown_again(sent: Any) -> None:
    form = sent(name="CI", scopes=["crm", "task"], csrf_token="0")
    assert (form.value("name"), form.all("scopes"), form.value("absent")) == ("CI", ["crm", "task"], "")
    assert form.all("name") == ["CI"]
    assert "csrf_token" not in form.values


def test_values_of_objects_are_texts() -> None:
    form = Form({"limit": 5, "nothing": None, "scopes": ("crm",)})
    assert (form.value("limit"), form.value("nothing"), form.all("scopes")) == ("5", "", ["crm"])


def test_what_a_schema_refuses_stands_beside_the_field() -> None:
    form = Form({"name": ""}).refused(invalid(name="Too short.", _body="Not together."))
    assert (form.errors_of("name"), form.errors_of("scopes")) == (["Too short."], ())
    assert form.general == "Not together."
    assert Form({}).refused(invalid(name="Too short.")).general


def test_another_refusal_is_about_the_whole() -> None:
    form = Form({"name": "CI"}).refused(ApiError("PORTAL_NOT_LINKED", hint="Link it first."))
    assert form.general == "The portal is not linked to Bitrix24 or not active. Link it first."
    assert (form.value("name"), form.errors) == ("CI", {})


@pytest.mark.parametrize("code", ["ENTITY_NOT_FOUND", "DATABASE_UNAVAILABLE"])
def test_what_is_about_no_form_is_raised(code: str) -> None:
    with pytest.raises(ApiError) as raised:
        Form().refused(ApiError(code))
    assert raised.value.code == code


def test_a_field_names_its_help_and_its_errors(service: Service) -> None:
    form = Form({"name": "CI"}, {"name": ["Too short.", "Taken."]})
    text = rendered(service, 'field(form, "name", "Name", help="Any.", required=true, maxlength=255)', form)
    assert '<label for="name">Name</label>' in text
    assert 'aria-describedby="name-help name-wrong" aria-invalid="true"' in text
    assert 'id="name-wrong">Too short. Taken.</small>' in text
    assert ' required maxlength="255"' in text


@pytest.mark.parametrize(
    "call",
    [
        'field(form, "x", "X")',
        'textarea(form, "x", "X")',
        'select(form, "x", "X", [(form.value("x"), form.value("x"))])',
        'checkbox(form, "x", form.value("x"), form.value("x"))',
        "refusal(form)",
        'badge(form.value("x"))',
        'confirm(form, "/dashboard/x", form.value("x"), "Delete", "/dashboard")',
    ],
)
def test_no_text_becomes_markup(service: Service, call: str) -> None:
    text = rendered(service, call, Form({"x": PROBE}, {"x": [PROBE]}, PROBE))
    assert "<script" not in text
    assert '"">' not in text


def test_a_password_is_not_shown_again(service: Service) -> None:
    form = Form({"password": "correct horse"})
    assert "correct horse" not in rendered(
        service, 'field(form, "password", "Password", type="password")', form
    )


def test_a_text_keeps_its_first_line_break(service: Service) -> None:
    # A browser drops one that follows the tag.
    assert ">\n\nsecond line</textarea>" in rendered(
        service, 'textarea(form, "x", "X")', Form({"x": "\nsecond line"})
    )
