"""Sessions: how they begin, what keeps them, what ends them, and the cookie that they hang on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http.cookies import SimpleCookie

import apsw
import pytest

from app.db import write_unless_busy
from app.errors import ApiError
from app.ledger import Actor
from app.models import Account, Audit, Session
from app.secrets import Secrets
from app.sessions import IDLE_MS, LIFETIME_MS
from app.wiring import create_flask
from app.worker import tidy
from tests.api.world import PUBLIC_URL, Clock, Service, World
from tests.dashboard.browser import COOKIE, Browser, signed
from tests.dashboard.browser import signed_in as browser_of
from tests.dashboard.conftest import SignedIn

PASSWORD = "correct horse battery"
MINUTE, HOUR, DAY = 60, 3_600, 24 * 3_600


@pytest.fixture
def account(world: World) -> Account:
    return world.new_tenant().account


def session_of(account: Account) -> Session:
    found: Session = Session.get(Session.account == account)
    return found


def test_what_a_browser_had_before_it_signed_in_is_gone(world: World, service: Service) -> None:
    victim = world.new_tenant(password=PASSWORD).account
    attacker, browser = Browser(service, "198.51.100.66"), Browser(service)
    planted_token = attacker.csrf_token()
    browser.cookie = attacker.cookie

    assert browser.sign_in(victim.email, PASSWORD).status == 303

    assert browser.get("/dashboard").status == 200
    assert browser.cookie != attacker.cookie
    assert attacker.get("/dashboard").status == 303
    assert browser.open("POST", "/dashboard/sign-out", data={"csrf_token": planted_token}).status == 403


def test_who_plants_a_session_of_their_own_does_not_get_the_victims(
    world: World, service: Service, signed_in: SignedIn
) -> None:
    victim, attackers = world.new_tenant(password=PASSWORD).account, world.new_tenant().account
    attacker, browser = signed_in(attackers), Browser(service)
    browser.cookie = attacker.cookie
    fields = {"email": victim.email, "password": PASSWORD}

    assert browser.post("/dashboard/sign-in", fields).status == 303

    assert victim.email in browser.get("/dashboard").body.decode()
    assert attacker.get("/dashboard").status == 303


def test_the_cookie_is_for_this_host_alone_and_for_no_script(world: World, service: Service) -> None:
    account = world.new_tenant(password=PASSWORD).account
    (cookie,) = SimpleCookie(Browser(service).sign_in(account.email, PASSWORD).headers["Set-Cookie"]).values()
    assert cookie.key == COOKIE
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["domain"]) == ("/", "")


@pytest.mark.parametrize(
    ("public_url", "name", "path", "secure"),
    [
        ("http://127.0.0.1:8000", "vibekeys", "/", False),
        ("http://keys.example.test/base", "vibekeys", "/base", False),
        ("https://keys.example.test/base", "__Host-vibekeys", "/", True),
    ],
)
def test_the_cookie_follows_public_url(
    service: Service, public_url: str, name: str, path: str, secure: bool
) -> None:
    config = replace(service.config, public_url=public_url)
    settings = create_flask(replace(service.services, config=config)).config
    assert (settings["SESSION_COOKIE_NAME"], settings["SESSION_COOKIE_PATH"]) == (name, path)
    assert settings["SESSION_COOKIE_SECURE"] is secure


def test_nothing_but_the_dashboard_reads_or_sets_the_cookie(world: World, signed_in: SignedIn) -> None:
    browser = signed_in(world.admin.account)
    answer = browser.get("/docs")
    assert (answer.status, "Set-Cookie" in answer.headers, "Vary" in answer.headers) == (200, False, False)
    assert browser.get("/v1/me").code == "MISSING_API_KEY"
    assert world.call("GET", "/v1/me").headers.get("Set-Cookie") is None


def test_a_key_opens_no_page(world: World) -> None:
    assert world.call("GET", "/dashboard").status == 303


def test_the_database_does_not_hold_the_token(
    account: Account, signed_in: SignedIn, service: Service
) -> None:
    browser = signed_in(account)
    serializer = service.flask.session_interface.get_signing_serializer(service.flask)
    token = serializer.loads(browser.cookie)["token"]
    row = session_of(account)
    assert len(token) == 64
    assert token not in str(row.__data__)
    assert browser.get("/dashboard").status == 200
    browser.cookie = signed(service.flask, {"token": row.token_digest})
    assert browser.get("/dashboard").status == 303


@pytest.mark.parametrize("contents", [{}, {"token": 1}, {"token": ""}, {"token": ["x"]}, {"csrf": 7}])
def test_a_cookie_that_says_something_else_is_nobodys(service: Service, contents: dict[str, object]) -> None:
    browser = Browser(service)
    browser.cookie = signed(service.flask, contents)
    assert browser.get("/dashboard").status == 303


@pytest.mark.parametrize("change", [lambda value: value[:-2], lambda value: "x" + value, lambda _: "junk"])
def test_a_cookie_that_was_changed_is_nobodys(
    account: Account, signed_in: SignedIn, change: Callable[[str], str]
) -> None:
    browser = signed_in(account)
    browser.cookie = change(browser.cookie)
    assert browser.get("/dashboard").status == 303


def test_a_session_ends_a_day_after_it_was_last_used(
    account: Account, signed_in: SignedIn, later: Clock
) -> None:
    browser = signed_in(account)
    for _ in range(3):
        later.now += DAY - 1
        assert browser.get("/dashboard").status == 200
    later.now += DAY
    assert browser.get("/dashboard").status == 303


def test_a_session_ends_two_weeks_after_it_began_however_it_is_used(
    account: Account, signed_in: SignedIn, later: Clock
) -> None:
    browser = signed_in(account)
    for _ in range(LIFETIME_MS // 1000 // (12 * HOUR) - 1):
        later.now += 12 * HOUR
        assert browser.get("/dashboard").status == 200
    later.now += 12 * HOUR
    assert browser.get("/dashboard").status == 303


def test_its_use_is_written_once_a_minute_with_the_address(
    service: Service, account: Account, signed_in: SignedIn, later: Clock
) -> None:
    browser = signed_in(account)
    began = session_of(account).last_seen_at
    browser.address = "203.0.113.99"
    later.now += MINUTE - 1
    browser.get("/dashboard")
    assert (session_of(account).last_seen_at, session_of(account).address) == (began, "203.0.113.7")
    later.now += 1
    browser.get("/dashboard")
    seen = session_of(account)
    assert (seen.last_seen_at, seen.address) == (began + MINUTE * 1000, "203.0.113.99")
    assert seen.expires_at == seen.last_seen_at + IDLE_MS


def test_200_at_once_while_another_process_holds_the_write_lock(
    service: Service, account: Account, signed_in: SignedIn, later: Clock
) -> None:
    browser = signed_in(account)
    later.now += HOUR
    began = session_of(account).last_seen_at
    other = apsw.Connection(str(service.config.database_path))
    other.execute("BEGIN IMMEDIATE")
    try:
        assert browser.get("/dashboard").status == 200
        assert not write_unless_busy(service.services.db, "UPDATE session SET address = ?", "")
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert session_of(account).last_seen_at == began
    browser.get("/dashboard")
    assert session_of(account).last_seen_at == began + HOUR * 1000


def test_a_session_that_was_ended_elsewhere_opens_nothing(
    account: Account, signed_in: SignedIn, world: World
) -> None:
    lost = signed_in(account)
    ended = session_of(account)
    kept = signed_in(account)
    world.services.sessions.end(account.id, ended.id, "203.0.113.9")
    assert (kept.get("/dashboard").status, lost.get("/dashboard").status) == (200, 303)
    assert [session.id for session in world.services.sessions.of(account.id)] != [ended.id]


def test_another_accounts_session_is_none(account: Account, signed_in: SignedIn, world: World) -> None:
    signed_in(account)
    with pytest.raises(ApiError, match="no such session"):
        world.services.sessions.end(world.admin.account.id, session_of(account).id, "203.0.113.9")


def test_ending_the_others_keeps_ones_own(account: Account, signed_in: SignedIn, world: World) -> None:
    mine, own = signed_in(account), session_of(account)
    others = [signed_in(account) for _ in range(2)]
    assert world.services.sessions.end_others(account.id, own.id, "203.0.113.9") == 2
    assert mine.get("/dashboard").status == 200
    assert [browser.get("/dashboard").status for browser in others] == [303, 303]
    told = Audit.select().where(Audit.action == "session.ended", Audit.actor_account_id == account.id)
    assert told.count() == 2


def test_a_new_password_ends_the_sessions_but_the_one_that_sets_it(
    account: Account, signed_in: SignedIn, world: World
) -> None:
    mine, own = signed_in(account), session_of(account)
    other = signed_in(account)
    actor = Actor("account", account.id, address="203.0.113.7", session_id=own.id)
    world.services.accounts.update(actor, account.id, password="a new password")
    assert (mine.get("/dashboard").status, other.get("/dashboard").status) == (200, 303)
    world.services.accounts.update(Actor("cli"), account.id, password="and another one")
    assert mine.get("/dashboard").status == 303


def test_an_account_has_so_many_sessions_and_no_more(
    service: Service, account: Account, later: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sessions.MOST_OF_AN_ACCOUNT", 3)
    browsers = []
    for _ in range(4):
        later.now += 1
        browsers.append(browser_of(service, account))
    assert [browser.get("/dashboard").status for browser in browsers] == [303, 200, 200, 200]


def test_the_worker_removes_sessions_that_are_over(
    account: Account, signed_in: SignedIn, world: World, later: Clock
) -> None:
    signed_in(account)
    tidy(world.services)
    assert Session.select().where(Session.account == account).exists()
    later.now += DAY
    tidy(world.services)
    assert not Session.select().where(Session.account == account).exists()


def test_a_new_secret_in_front_of_the_old_keeps_who_is_signed_in(service: Service, account: Account) -> None:
    cookie = browser_of(service, account).cookie
    old, new = (service.services.config.state_dir / "secret.key").read_text().strip(), "a new secret"
    for secrets, status in (((new, old), 200), ((new,), 303)):
        services = replace(service.services, secrets=Secrets(secrets))
        client = create_flask(services).test_client()
        client.set_cookie(COOKIE, cookie, domain=PUBLIC_URL.removeprefix("https://"), secure=True)
        environ = {"vibekeys.outcome": "public", "vibekeys.client_address": "203.0.113.7"}
        assert client.get("/dashboard", base_url=PUBLIC_URL, environ_base=environ).status_code == status
