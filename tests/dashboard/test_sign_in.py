"""Signing in and out, as two browsers do it."""

from __future__ import annotations

import pytest

from app.models import Session
from tests.api.world import PUBLIC_URL, Service, World
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import SignedIn

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def email(service: Service) -> str:
    """The e-mail of an account that has the password."""
    return World(service).new_tenant(password=PASSWORD).account.email


def test_303_to_the_form_and_from_there_to_what_was_asked_for(service: Service, email: str) -> None:
    browser = Browser(service)
    asked = browser.get("/dashboard?search=1")
    assert (asked.status, asked.headers["Location"]) == (
        303,
        "/dashboard/sign-in?next=%2Fdashboard%3Fsearch%3D1",
    )
    form = browser.get(asked.headers["Location"])
    assert form.status == 200

    answer = browser.sign_in(email, PASSWORD, next="/dashboard?search=1")

    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard?search=1")
    assert email in browser.get("/dashboard").body.decode()


def test_400_for_a_wrong_password_and_for_nobody_alike(service: Service, email: str) -> None:
    for wrong in (email, "nobody@example.test"):
        answer = Browser(service).sign_in(wrong, "wrong password")
        assert answer.status == 400
        assert "no account with this e-mail and this password" in answer.body.decode()


def test_a_session_that_was_ended_elsewhere_opens_nothing(world: World, signed_in: SignedIn) -> None:
    account = world.admin.account
    browser = signed_in(account)
    assert browser.get("/dashboard").status == 200

    session = Session.get(Session.account == account)
    world.services.sessions.end(account.id, session.id, "203.0.113.9")

    assert browser.get("/dashboard").status == 303


def test_sign_out_ends_the_session(world: World, signed_in: SignedIn) -> None:
    browser = signed_in(world.admin.account)
    copied = browser.cookie
    assert browser.post("/dashboard/sign-out").status == 303
    assert not Session.select().where(Session.account == world.admin.account).exists()
    browser.cookie = copied or ""
    assert browser.get("/dashboard").status == 303


def test_303_from_the_root(service: Service) -> None:
    answer = Browser(service).get("/")
    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard")


def test_403_without_the_token_and_from_elsewhere(world: World, signed_in: SignedIn) -> None:
    browser = signed_in(world.admin.account)
    assert browser.open("POST", "/dashboard/sign-out", data={}).status == 403
    token = browser.csrf_token()
    for headers in (
        {"Origin": "https://elsewhere.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ):
        assert browser.post("/dashboard/sign-out", headers=headers).status == 403
    assert (
        browser.open(
            "POST", "/dashboard/sign-out", headers={"X-CSRF-Token": token, "Referer": PUBLIC_URL}
        ).status
        == 303
    )
