"""The account: what it shows, sets and ends."""

from __future__ import annotations

import re

import pytest

from app.models import Account, Audit, Event, Preferences, Session
from tests.api.world import Tenant, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.conftest import SignedIn

PASSWORD, NEW_PASSWORD = "correct horse battery", "another horse battery"
URL = "https://hooks.example.com/a-secret-path"
HOURS = {"timezone": "Europe/Berlin", "days": ["mon", "fri"], "opens": "09:00", "closes": "18:00"}


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.new_tenant(password=PASSWORD)


def text_of(browser: Browser) -> str:
    page = browser.get("/dashboard/account")
    assert page.status == 200
    return page.body.decode()


def words_of(browser: Browser) -> str:
    return " ".join(re.sub("<[^>]*>", " ", text_of(browser)).split())


def change_password(
    browser: Browser, current: str = PASSWORD, new: str = NEW_PASSWORD, again: str | None = None
) -> tuple[int, str]:
    fields = {"current": current, "password": new, "again": new if again is None else again}
    answer = browser.post("/dashboard/account/password", fields)
    return answer.status, answer.body.decode()


def test_200_with_the_tier_and_what_is_left_of_it(world: World, browser: Browser, tenant: Tenant) -> None:
    limit = world.services.config.tier_pro_hourly
    assert f"Pro: {limit:,} requests an hour" in words_of(browser)
    assert f"Left this hour {limit:,}, until" in words_of(browser)
    assert world.call("GET", "/v1/me", tenant.management_key).status == 200
    assert f"Left this hour {limit - 1:,}, until" in words_of(browser)


def test_200_of_an_account_without_a_limit(world: World, signed_in: SignedIn) -> None:
    account = world.new_tenant(tier="enterprise", hourly_limit=None).account
    words = words_of(signed_in(account))
    assert "Enterprise: no limit" in words
    assert "Left this hour" not in words
    assert "This account has no password." in words


def test_time_zone_and_business_hours_are_saved_and_taken_away(browser: Browser, tenant: Tenant) -> None:
    assert browser.post("/dashboard/account/preferences", HOURS).status == 303
    saved = Preferences.get(Preferences.account == tenant.account)
    assert saved.timezone == "Europe/Berlin"
    assert saved.business_hours == {"days": ["mon", "fri"], "from": "09:00", "to": "18:00"}
    assert 'value="fri" checked' in text_of(browser)

    assert browser.post("/dashboard/account/preferences", {**HOURS, "days": []}).status == 303
    assert Preferences.get(Preferences.account == tenant.account).business_hours is None


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("timezone", "Europe/Nowhere", "Not the IANA name of a time zone"),
        ("opens", "9", "from: Not a time such as 09:00."),
        ("closes", "09:00", "to: Must be another time than from."),
        ("days", ["mon", "someday"], "Not a day"),
    ],
)
def test_400_keeps_what_was_typed(
    browser: Browser, tenant: Tenant, field: str, value: str | list[str], told: str
) -> None:
    answer = browser.post("/dashboard/account/preferences", {**HOURS, field: value})
    assert answer.status == 400
    text = answer.body.decode()
    assert told.lower() in text.lower()
    assert 'aria-invalid="true"' in text
    assert 'value="mon" checked' in text
    assert not isinstance(value, str) or f'value="{value}"' in text
    assert Preferences.get_or_none(Preferences.account == tenant.account) is None


def test_the_secret_of_a_webhook_is_in_one_answer_only(browser: Browser, tenant: Tenant) -> None:
    answer = browser.post("/dashboard/account/webhook", {"alertWebhookUrl": URL})
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert re.search("whsec_[0-9a-f]{64}", answer.body.decode())
    for text in (answer.body.decode(), text_of(browser)):
        assert "https://hooks.example.com/***" in text
        assert "a-secret-path" not in text
    assert "whsec_" not in text_of(browser)

    assert browser.post("/dashboard/account/webhook/remove").status == 303
    assert Preferences.get(Preferences.account == tenant.account).alert_webhook_sealed is None


@pytest.mark.parametrize(
    "url", ["", "http://hooks.example.com/", "https://127.0.0.1/", "https://localhost/x"]
)
def test_400_for_a_webhook_that_is_no_public_https_url(browser: Browser, url: str) -> None:
    answer = browser.post("/dashboard/account/webhook", {"alertWebhookUrl": url})
    assert answer.status == 400
    assert "Not the https URL of a public host." in answer.body.decode()


def test_a_new_password_holds_at_once_and_ends_the_other_sessions(
    browser: Browser, tenant: Tenant, signed_in: SignedIn, world: World
) -> None:
    other = signed_in(tenant.account)
    assert change_password(browser)[0] == 303
    assert (browser.get("/dashboard").status, other.get("/dashboard").status) == (200, 303)
    for password, status in ((PASSWORD, 400), (NEW_PASSWORD, 303)):
        assert Browser(world.service).sign_in(tenant.account.email, password).status == status
    row = (
        Audit.select()
        .where(Audit.action == "account.changed", Audit.actor_account_id == tenant.account.id)
        .get()
    )
    assert '"password":"changed"' in row.after
    assert "horse" not in str(list(Audit.select(Audit.before, Audit.after).tuples()))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"current": "wrong password"}, "Not the present password."),
        ({"current": ""}, "Not the present password."),
        ({"again": "something else"}, "Not the same as the new password."),
        ({"new": "short"}, "Must have 8 to 1024 characters."),
    ],
)
def test_400_changes_no_password_and_shows_none(
    browser: Browser, tenant: Tenant, typed: dict[str, str], told: str
) -> None:
    status, text = change_password(browser, **typed)
    assert status == 400
    assert told in text
    assert all(value not in text for value in (PASSWORD, NEW_PASSWORD, *filter(None, typed.values())))
    assert Account.get_by_id(tenant.account.id).password_hash == tenant.account.password_hash


def test_400_of_an_account_without_a_password(world: World, signed_in: SignedIn) -> None:
    account = world.new_tenant().account
    assert change_password(signed_in(account))[0] == 400
    assert Account.get_by_id(account.id).password_hash is None


def test_a_wrong_password_is_told_in_the_activity(browser: Browser, tenant: Tenant, world: World) -> None:
    change_password(browser, "wrong password")
    world.services.sign_in.note_failures()
    assert (
        Event.select().where(Event.account == tenant.account, Event.type == "account.sign_in_failed").count()
        == 1
    )


def test_429_after_too_many_wrong_passwords_even_with_the_right_one(
    world: World, tenant: Tenant, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sign_in.MOST_OF_EMAIL", 2)
    browser = signed_in(tenant.account)
    browser.address = "198.51.102.1"
    assert [change_password(browser, "wrong password")[0] for _ in range(2)] == [400, 400]
    status, text = change_password(browser)
    assert status == 429
    assert "It failed too often from your network." in text
    assert Account.get_by_id(tenant.account.id).password_hash == tenant.account.password_hash


def test_right_passwords_do_not_count(
    tenant: Tenant, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sign_in.MOST_OF_EMAIL", 1)
    browser = signed_in(tenant.account)
    assert change_password(browser)[0] == 303
    assert change_password(browser, NEW_PASSWORD, PASSWORD)[0] == 303


def test_a_session_is_ended_and_all_others(browser: Browser, tenant: Tenant, signed_in: SignedIn) -> None:
    others = [signed_in(tenant.account) for _ in range(3)]
    text = text_of(browser)
    assert text.count("This one") == 1
    ids = re.findall(r"/account/sessions/([0-9a-f-]{36})/end", text)
    assert len(ids) == 3

    assert browser.post(f"/dashboard/account/sessions/{ids[0]}/end").status == 303
    assert sorted(other.get("/dashboard").status for other in others) == [200, 200, 303]
    assert browser.post("/dashboard/account/sessions/end-others").status == 303
    assert [other.get("/dashboard").status for other in others] == [303, 303, 303]
    assert "2 sessions were ended." in text_of(browser)


def test_404_for_a_session_of_somebody_else(browser: Browser, world: World, signed_in: SignedIn) -> None:
    theirs = signed_in(world.stranger.account)
    session = Session.get(Session.account == world.stranger.account)
    assert browser.post(f"/dashboard/account/sessions/{session.id}/end").status == 404
    assert theirs.get("/dashboard").status == 200


@pytest.mark.parametrize("status", ["RESTRICTED", "SUSPENDED"])
def test_403_where_nothing_may_be_changed_but_sessions_end(
    browser: Browser, tenant: Tenant, world: World, signed_in: SignedIn, status: str
) -> None:
    other = signed_in(tenant.account)
    world.change_account(tenant, status=status)
    text = text_of(browser)
    assert f"This account is {status.lower()}." in text
    assert "Save business hours" not in text
    assert browser.post("/dashboard/account/preferences", HOURS).status == 403
    assert browser.post("/dashboard/account/webhook", {"alertWebhookUrl": URL}).status == 403
    assert browser.post("/dashboard/account/webhook/remove").status == 403
    assert change_password(browser)[0] == 403
    assert Preferences.get_or_none(Preferences.account == tenant.account) is None
    assert browser.post("/dashboard/account/sessions/end-others").status == 303
    assert other.get("/dashboard").status == 303


@pytest.mark.parametrize("probe", PROBES)
def test_what_is_typed_and_what_a_browser_says_of_itself_is_shown_as_text(
    browser: Browser, tenant: Tenant, probe: str
) -> None:
    Session.update(user_agent=probe).where(Session.account == tenant.account).execute()
    pages = [
        browser.get("/dashboard/account"),
        browser.post("/dashboard/account/preferences", dict.fromkeys(HOURS, probe)),
        browser.post("/dashboard/account/webhook", {"alertWebhookUrl": probe}),
    ]
    for page in pages:
        text = page.body.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert ">49<" not in text
