"""Signing in and out."""

from __future__ import annotations

import re

import pytest
from markupsafe import escape

from app.db import driver
from app.models import Audit, Event, Session
from tests.api.world import Answer, Service, World
from tests.dashboard.browser import ADDRESS, USER_AGENT, Browser
from tests.dashboard.conftest import SignedIn

PASSWORD = "correct horse battery"
WRONG = "There is no account with this e-mail and this password."
TOKEN = re.compile("[0-9a-f]{96}")


@pytest.fixture(scope="module")
def email(service: Service) -> str:
    """The e-mail of an account that has the password."""
    return World(service).new_tenant(password=PASSWORD).account.email


def test_303_to_the_form_and_from_there_to_what_was_asked_for(service: Service, email: str) -> None:
    browser = Browser(service)
    asked = browser.get("/dashboard?page=2")
    form = "/dashboard/sign-in?next=%2Fdashboard%3Fpage%3D2"
    assert (asked.status, asked.headers["Location"]) == (303, form)
    assert 'name="next" value="/dashboard?page=2"' in browser.get(form).body.decode()

    answer = browser.sign_in(email, PASSWORD, next="/dashboard?page=2")

    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard?page=2")
    assert email in browser.get("/dashboard").body.decode()


def without_tokens(page: Answer) -> str:
    return TOKEN.sub("", page.body.decode())


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.test/dashboard",
        "//elsewhere.test/dashboard",
        "/\\elsewhere.test/dashboard",
        "/dashboard\\..\\..",
        "javascript:alert(1)",
        "/docs",
        "/dashboards",
        "/dashboard/\nx",
        "dashboard",
        "",
    ],
)
def test_the_next_page_is_one_of_ours_whoever_names_it(service: Service, elsewhere: str) -> None:
    page = Browser(service).get("/dashboard/sign-in", query_string={"next": elsewhere})
    assert 'name="next" value="/dashboard"' in page.body.decode()


def test_303_from_the_form_of_who_is_signed_in(world: World, signed_in: SignedIn) -> None:
    answer = signed_in(world.admin.account).get("/dashboard/sign-in?next=/dashboard/keys")
    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard/keys")


def test_the_email_is_taken_in_any_case_and_with_spaces_around(service: Service, email: str) -> None:
    assert Browser(service).sign_in(f" {email.upper()} ", PASSWORD).status == 303


@pytest.mark.parametrize("password", ["wrong password", PASSWORD + " ", "", "x" * 1_025, "\0"])
def test_400_for_a_wrong_password_which_is_not_shown_again(
    service: Service, email: str, password: str
) -> None:
    browser = Browser(service, "198.51.100.1")
    answer = browser.sign_in(email, password)
    assert answer.status == 400
    assert WRONG in answer.body.decode()
    assert f'value="{email}"' in answer.body.decode()
    assert not password.strip() or password not in answer.body.decode()
    assert browser.get("/dashboard").status == 303


@pytest.mark.parametrize("unknown", ["nobody@example.test", "", "x" * 300, "<script>alert(1)</script>"])
def test_400_for_nobody_is_that_for_a_wrong_password(service: Service, email: str, unknown: str) -> None:
    browser = Browser(service, "198.51.101.1")
    known, nobodys = browser.sign_in(email, "wrong"), browser.sign_in(unknown, "wrong")
    assert (known.status, nobodys.status) == (400, 400)
    assert without_tokens(known).replace(email, "") == without_tokens(nobodys).replace(
        str(escape(unknown)), ""
    )


def test_400_for_an_account_without_a_password(world: World, service: Service) -> None:
    assert Browser(service).sign_in(world.admin.account.email, "").status == 400


def test_signing_in_and_out_is_told_in_the_audit_log_and_to_the_account(
    world: World, service: Service
) -> None:
    account = world.new_tenant(password=PASSWORD).account
    browser = Browser(service)
    browser.sign_in(account.email, PASSWORD)
    browser.post("/dashboard/sign-out")

    rows = list(Audit.select().where(Audit.actor_account_id == account.id).order_by(Audit.seq))
    assert [row.action for row in rows] == ["session.began", "session.ended"]
    assert {(row.actor_kind, row.address) for row in rows} == {("account", ADDRESS)}
    events = list(Event.select().where(Event.account == account, Event.target_kind == "session"))
    assert {(event.type, event.by, event.address) for event in events} == {
        ("session.began", "account", ADDRESS),
        ("session.ended", "account", ADDRESS),
    }
    assert USER_AGENT in str(rows[0].after)


def test_failures_are_told_to_the_account_but_no_more_than_some(
    world: World, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sign_in._MOST_TOLD", 2)
    account = world.new_tenant(password=PASSWORD).account
    for number in range(4):
        Browser(service, f"198.18.{number}.1").sign_in(account.email, "wrong password")
    service.services.sign_in.note_failures()

    rows = list(Audit.select().where(Audit.action == "account.sign_in_failed", Audit.target_id == account.id))
    assert len(rows) == 2
    assert (rows[0].actor_kind, rows[0].address, rows[0].after) == (
        "system",
        "198.18.0.1",
        '{"address":"198.18.0.1"}',
    )
    told = Event.select().where(Event.account == account, Event.type == "account.sign_in_failed")
    assert told.count() == 2


def test_a_failure_writes_as_much_for_nobody_as_for_an_account_until_the_connection_goes_on(
    world: World, service: Service
) -> None:
    account = world.new_tenant(password=PASSWORD).account
    browsers = [Browser(service, f"198.19.{number}.1") for number in range(2)]
    tokens = [browser.csrf_token() for browser in browsers]
    written = []
    for browser, token, email in zip(browsers, tokens, (account.email, "nobody@example.test"), strict=True):
        before = driver(service.services.db).total_changes()
        # Answered to the end and closed, as a server does it before it reads the next request.
        assert browser.post("/dashboard/sign-in", {"email": email, "csrf_token": token}).status == 400
        written.append(driver(service.services.db).total_changes() - before)
    assert written[0] == written[1] > 0


def test_sign_out_ends_the_session_also_for_a_copy_of_the_cookie(world: World, signed_in: SignedIn) -> None:
    browser = signed_in(world.admin.account)
    copied = browser.cookie
    answer = browser.post("/dashboard/sign-out")
    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard/sign-in")
    assert not Session.select().where(Session.account == world.admin.account).exists()
    browser.cookie = copied
    assert browser.get("/dashboard").status == 303


def test_sign_out_of_who_is_signed_out_leads_to_the_form_too(service: Service) -> None:
    assert Browser(service).post("/dashboard/sign-out").status == 303


def test_signing_in_again_ends_the_session_that_the_browser_had(world: World, service: Service) -> None:
    account = world.new_tenant(password=PASSWORD).account
    browser = Browser(service)
    fields = {"email": account.email, "password": PASSWORD}
    for _ in range(2):  # by a form that was open before
        assert browser.post("/dashboard/sign-in", fields).status == 303
        browser.forget_token()
    assert Session.select().where(Session.account == account).count() == 1


@pytest.mark.parametrize("status", ["SUSPENDED", "RESTRICTED"])
def test_an_account_that_may_change_nothing_signs_in_sees_why_and_signs_out(
    world: World, service: Service, status: str
) -> None:
    account = world.new_tenant(password=PASSWORD, status=status).account
    browser = Browser(service)
    assert browser.sign_in(account.email, PASSWORD).status == 303
    assert f"This account is {status.lower()}." in browser.get("/dashboard").body.decode()
    assert browser.post("/dashboard/sign-out").status == 303
    assert not Session.select().where(Session.account == account).exists()


def test_303_from_the_root(service: Service) -> None:
    answer = Browser(service).get("/")
    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard")


def test_404_for_a_provider_where_none_is_set(service: Service) -> None:
    for path in ("oidc", "oidc/callback"):
        assert Browser(service).get(f"/dashboard/sign-in/{path}").status == 404
    assert b"Sign in with" not in Browser(service).get("/dashboard/sign-in").body
