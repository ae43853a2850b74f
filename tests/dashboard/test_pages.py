"""What all pages share: the frame around them, the pages that say why there is no other, and their parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.models import Account, Alert
from app.wiring import create_flask
from tests.api.alerts import new_alert
from tests.api.world import Service, World
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import SignedIn
from tests.docs_pages.parsed import Parsed

PART = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def browser(world: World, signed_in: SignedIn) -> Browser:
    return signed_in(world.admin.account)


@pytest.fixture
def without_database(service: Service) -> Iterator[None]:
    """A database that answers no question about accounts."""
    table, aside = "account", "account_aside"
    db = service.services.db
    db.execute_sql(f"ALTER TABLE {table} RENAME TO {aside}")
    yield
    db.execute_sql(f"ALTER TABLE {aside} RENAME TO {table}")


def test_a_page_is_complete_and_nothing_runs_in_its_markup(browser: Browser, service: Service) -> None:
    answer = browser.get("/dashboard")
    page = Parsed(answer.body.decode().replace("<input", "<meta"))
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.inline == []
    assert page.headings == ["Overview"]
    assert page.assets
    for asset in page.assets:
        assert asset.startswith("/static/")
        assert service.call("GET", asset).status == 200


def test_the_navigation_marks_where_one_is_and_counts_open_alerts(world: World, browser: Browser) -> None:
    _, _, dismissed = (new_alert(world, world.admin) for _ in range(3))
    Alert.update(status="DISMISSED").where(Alert.id == dismissed.id).execute()
    text = browser.get("/dashboard").body.decode()
    # At the side, and in the menu.
    assert re.findall(r'href="([^"]+)" aria-current="page"', text) == ["/dashboard"] * 2
    assert re.findall(r'Alerts <span class="badge red count">(\d+)', text) == ["2", "2"]


def test_only_operators_see_the_pages_of_operators(browser: Browser, operator: Browser) -> None:
    assert "/dashboard/operator/" not in browser.get("/dashboard").body.decode()
    assert "/dashboard/operator/" in operator.get("/dashboard").body.decode()


@pytest.mark.parametrize(("status", "says"), [("SUSPENDED", "suspended"), ("RESTRICTED", "restricted")])
def test_a_banner_says_why_nothing_can_be_changed(
    world: World, browser: Browser, status: str, says: str
) -> None:
    assert 'class="message warning"' not in browser.get("/dashboard").body.decode()
    world.change_account(world.admin, status=status)
    assert f"This account is {says}." in browser.get("/dashboard").body.decode()


@pytest.mark.parametrize(
    "path", ["/dashboard/nothing", "/dashboard/nothing/at/all", "/dashboard/%00", "/dashboard/x/"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_404_is_a_page_like_any(browser: Browser, method: str, path: str) -> None:
    answer = browser.get(path) if method == "GET" else browser.post(path)
    assert answer.status == 404
    text = answer.body.decode()
    assert "There is no such page" in text
    assert "Sign out" in text


def test_404_tells_who_is_not_signed_in_no_more(service: Service) -> None:
    answer = Browser(service).get("/dashboard/nothing")
    assert answer.status == 404
    assert "Sign out" not in answer.body.decode()


def test_503_while_the_database_does_not_answer(
    browser: Browser, service: Service, without_database: None
) -> None:
    answer = browser.get("/dashboard")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert "not available right now" in answer.body.decode()


def test_500_names_the_request_and_no_more(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def navigation(account: Account) -> None:
        raise ValueError(f"secret of {account.email}")

    monkeypatch.setattr("app.dashboard.page.navigation", navigation)
    answer = browser.get("/dashboard", headers={"X-Request-Id": "number-7"})
    assert answer.status == 500
    assert "<code>number-7</code>" in answer.body.decode()
    assert "secret" not in answer.body.decode() + capsys.readouterr().err


def test_htmx_gets_parts_and_is_sent_to_sign_in(browser: Browser, service: Service) -> None:
    part = browser.get("/dashboard/nothing", headers=PART)
    assert part.status == 404
    assert "<html" not in part.body.decode()
    whole = browser.get("/dashboard/nothing", headers={**PART, "HX-Request-Type": "full"})
    assert "<html" in whole.body.decode()

    stranger = Browser(service)
    shown = "https://keys.example.test/dashboard/keys?page=2"
    answer = stranger.get("/dashboard", headers={**PART, "HX-Current-URL": shown})
    assert (answer.status, answer.body) == (401, b"")
    assert answer.headers["HX-Redirect"] == "/dashboard/sign-in?next=%2Fdashboard%2Fkeys%3Fpage%3D2"
    answer = stranger.post("/dashboard/sign-out", headers=PART)
    assert (answer.status, answer.headers["HX-Redirect"]) == (204, "/dashboard/sign-in")


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/sign-in", "/dashboard/nothing"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_that_no_page_has_find_nothing(browser: Browser, method: str, path: str) -> None:
    assert browser.open(method, path).status == 403
    assert browser.open(method, path, headers={"X-CSRF-Token": browser.csrf_token()}).status == 404


def test_links_begin_with_the_path_of_public_url(service: Service) -> None:
    config = replace(service.config, public_url="https://example.test/keys")
    client = create_flask(replace(service.services, config=config)).test_client()
    environ = {"vibekeys.outcome": "public", "vibekeys.client_address": "203.0.113.7"}
    root = client.get("/", environ_base=environ)
    assert root.headers["Location"] == "/keys/dashboard"
    asked = client.get("/dashboard?page=2", environ_base=environ)
    assert asked.headers["Location"] == "/keys/dashboard/sign-in?next=%2Fdashboard%3Fpage%3D2"
    text = client.get("/dashboard/sign-in", environ_base=environ).get_data(as_text=True)
    links = re.findall(r'(?:href|src|action)="([^#"]+)"', text)
    assert links
    assert all(link.startswith("/keys/") for link in links)


def test_the_log_names_the_account_and_nothing_of_the_cookie(
    world: World, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    browser.get("/dashboard?search=words")
    out, err = capsys.readouterr()
    assert f"account_id={world.admin.account.id}" in out + err
    assert browser.cookie not in out + err
    assert "words" not in out + err
