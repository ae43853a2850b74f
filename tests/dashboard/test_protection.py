"""What is taken from a browser, and what it is told: nothing from elsewhere, nothing without our token."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from app.models import Account, Session
from tests.api.world import PUBLIC_URL, Service, World
from tests.dashboard.browser import Browser, token_in
from tests.dashboard.conftest import SignedIn

ORIGIN = "https://elsewhere.test"


@pytest.fixture
def account(world: World) -> Account:
    return world.new_tenant().account


@pytest.fixture
def browser(account: Account, signed_in: SignedIn) -> Browser:
    return signed_in(account)


def is_signed_in(account: Account) -> bool:
    return Session.select().where(Session.account == account).exists()


@pytest.mark.parametrize("token", [None, "", "0" * 96, "x", "é" * 96, "\0"])
def test_403_without_the_token_or_with_a_wrong_one(
    browser: Browser, account: Account, token: str | None
) -> None:
    answer = browser.open("POST", "/dashboard/sign-out", data={} if token is None else {"csrf_token": token})
    assert answer.status == 403
    assert "Nothing was changed" in answer.body.decode()
    assert is_signed_in(account)


def test_403_with_the_token_of_another_browser(service: Service, browser: Browser, account: Account) -> None:
    token = Browser(service).csrf_token()
    assert browser.post("/dashboard/sign-out", {"csrf_token": token}).status == 403
    assert is_signed_in(account)


def test_403_with_a_token_in_the_address(browser: Browser, account: Account) -> None:
    path = f"/dashboard/sign-out?csrf_token={browser.csrf_token()}"
    assert browser.open("POST", path).status == 403
    assert is_signed_in(account)


def test_303_with_the_token_in_a_header(browser: Browser, account: Account) -> None:
    headers = {"X-CSRF-Token": browser.csrf_token()}
    assert browser.open("POST", "/dashboard/sign-out", headers=headers).status == 303
    assert not is_signed_in(account)


def test_a_token_is_another_one_on_each_page_and_each_is_good(browser: Browser) -> None:
    first, second = (token_in(browser.get("/dashboard")) for _ in range(2))
    assert first != second
    assert browser.post("/dashboard/sign-out", {"csrf_token": first}).status == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ORIGIN},
        {"Origin": "null"},
        {"Origin": PUBLIC_URL.replace("https", "http")},
        {"Origin": f"{PUBLIC_URL}:8443"},
        {"Origin": f"{PUBLIC_URL}.elsewhere.test"},
        {"Origin": "https://[x"},
        {"Origin": "", "Referer": f"{ORIGIN}/{PUBLIC_URL}/dashboard"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_403_from_elsewhere_even_with_the_token(
    browser: Browser, account: Account, headers: dict[str, str]
) -> None:
    answer = browser.post("/dashboard/sign-out", headers=headers)
    assert answer.status == 403
    assert "sent from another place" in answer.body.decode()
    assert is_signed_in(account)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": PUBLIC_URL},
        {"Origin": PUBLIC_URL.upper()},
        {"Referer": f"{PUBLIC_URL}/dashboard"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_303_from_here_and_from_a_browser_that_says_nothing(
    browser: Browser, headers: dict[str, str]
) -> None:
    data = {"csrf_token": browser.csrf_token()}
    assert browser.open("POST", "/dashboard/sign-out", data=data, headers=headers).status == 303


@pytest.mark.parametrize(
    ("origin", "status"), [("http://10.0.0.5:8000", 303), ("https://10.0.0.5:8000", 403), (ORIGIN, 403)]
)
def test_who_came_to_the_host_directly_is_from_here_as_well(
    service: Service, origin: str, status: int
) -> None:
    client = Client(service.wsgi)
    # Without TLS the cookie is not kept by itself.
    page = client.get("/dashboard/sign-in", base_url="http://10.0.0.5:8000")
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    found = page.get_data(as_text=True).partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = client.post(
        "/dashboard/sign-out",
        base_url="http://10.0.0.5:8000",
        data={"csrf_token": found},
        headers={"Origin": origin, "Cookie": cookie},
    )
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/sign-in", "/dashboard/nothing", "/dashboard/"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_every_answer_says_what_a_browser_may_do_with_it(
    browser: Browser, service: Service, method: str, path: str
) -> None:
    for one in (browser, Browser(service)):
        headers = one.open(method, path).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "font-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_413_for_more_than_a_form_can_hold(browser: Browser, service: Service) -> None:
    assert browser.post("/dashboard/sign-out", {"text": "x" * 9 * 1024 * 1024}).status == 413
    assert Browser(service).post("/dashboard/sign-out", {"text": "x" * 65 * 1024}).status == 413


def test_a_form_of_who_is_signed_in_holds_an_artifact(browser: Browser) -> None:
    assert browser.post("/dashboard/sign-out", {"text": "ж" * 500_000}).status == 303


def test_the_api_asks_for_no_token(world: World) -> None:
    body = {"portalId": world.portal.id, "name": "a key", "scopes": ["crm"]}
    assert world.call("POST", "/v1/keys", json=body, headers={"Origin": ORIGIN}).status == 201
