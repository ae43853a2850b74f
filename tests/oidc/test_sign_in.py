"""Signing in by OpenID Connect, with a provider on a real socket."""

from __future__ import annotations

import base64
import hmac
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey

from app.models import Session
from tests.api.world import PUBLIC_URL, Answer, Clock, Service, World, serving
from tests.dashboard.browser import Browser
from tests.oidc.provider import CLIENT, SECRET, OidcProvider

START, CALLBACK = "/dashboard/sign-in/oidc", "/dashboard/sign-in/oidc/callback"
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def the_provider(clock: Clock) -> Iterator[OidcProvider]:
    provider = OidcProvider(clock)
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def oidc_service(tmp_path_factory: pytest.TempPathFactory, the_provider: OidcProvider) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("oidc")
    settings = {
        "OIDC_ISSUER": the_provider.issuer,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
    }
    with serving(folder, **settings) as service:
        yield service


@pytest.fixture
def provider(the_provider: OidcProvider, oidc_service: Service) -> OidcProvider:
    """The provider, which does right; nothing of it is kept from earlier tests."""
    the_provider.reset()
    known = oidc_service.services.oidc
    assert known is not None
    known._kept.clear()
    return the_provider


@pytest.fixture
def browser(oidc_service: Service) -> Browser:
    return Browser(oidc_service)


@pytest.fixture
def email(oidc_service: Service, provider: OidcProvider) -> str:
    """The e-mail of an account, which the provider vouches for."""
    provider.email = World(oidc_service).new_tenant().account.email
    return provider.email


def go(browser: Browser, provider: OidcProvider, **query: str) -> Answer:
    start = browser.get(START, query_string=query)
    assert start.status == 303, start.body
    return browser.get(CALLBACK, query_string=provider.approve(start.headers["Location"]))


def is_refused(browser: Browser, answer: Answer, status: int) -> bool:
    assert (answer.status, 'role="alert"' in answer.body.decode()) == (status, True), answer.body
    return browser.get("/dashboard").status == 303


def test_303_to_the_provider_and_back_to_what_was_asked_for(
    browser: Browser, provider: OidcProvider, email: str
) -> None:
    page = browser.get("/dashboard/sign-in?next=/dashboard/keys").body.decode()
    assert f'{START}?next=%2Fdashboard%2Fkeys">Sign in with {provider.issuer[7:]}<' in page

    answer = go(browser, provider, next="/dashboard/keys")

    assert (answer.status, answer.headers["Location"]) == (303, "/dashboard/keys")
    assert email in browser.get("/dashboard").body.decode()


def test_the_next_page_is_one_of_ours(browser: Browser, provider: OidcProvider, email: str) -> None:
    answer = go(browser, provider, next="https://elsewhere.test/")
    assert answer.headers["Location"] == "/dashboard"


def test_the_browser_is_sent_with_pkce_state_and_nonce(browser: Browser, provider: OidcProvider) -> None:
    first, second = (browser.get(START).headers["Location"] for _ in range(2))
    asked = [provider.codes[provider.approve(address)["code"]] for address in (first, second)]
    assert asked[0]["code_challenge_method"] == "S256"
    assert asked[0]["redirect_uri"] == PUBLIC_URL + CALLBACK
    assert all(asked[0][name] != asked[1][name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize(
    "change", [{"state": "x"}, {"state": ""}, {"iss": "https://other.test"}, {"code": ""}]
)
def test_400_for_an_answer_to_another_question(
    browser: Browser, provider: OidcProvider, email: str, change: dict[str, str]
) -> None:
    query = provider.approve(browser.get(START).headers["Location"])
    assert is_refused(browser, browser.get(CALLBACK, query_string={**query, **change}), 400)
    assert "/token" not in provider.fetched
    assert is_refused(browser, browser.get(CALLBACK, query_string=query), 400)  # the attempt is over


def test_400_in_a_browser_that_did_not_begin(browser: Browser, provider: OidcProvider, email: str) -> None:
    query = provider.approve(browser.get(START).headers["Location"])
    other = Browser(browser.service)
    assert is_refused(other, other.get(CALLBACK, query_string=query), 400)


def test_400_after_ten_minutes(browser: Browser, provider: OidcProvider, email: str) -> None:
    query = provider.approve(browser.get(START).headers["Location"])
    clock = browser.service.clock
    clock.now += 601
    assert is_refused(browser, browser.get(CALLBACK, query_string=query), 400)
    clock.now -= 601


def test_400_for_an_answer_that_comes_again(browser: Browser, provider: OidcProvider, email: str) -> None:
    query = provider.approve(browser.get(START).headers["Location"])
    before = browser.cookie
    assert browser.get(CALLBACK, query_string=query).status == 303
    sessions = Session.select().count()
    assert browser.get(CALLBACK, query_string=query).status == 400
    browser.cookie = before  # a copy of it: then the provider knows that the code was used
    assert is_refused(browser, browser.get(CALLBACK, query_string=query), 400)
    assert Session.select().count() == sessions


def test_400_where_the_person_declines(browser: Browser, provider: OidcProvider, email: str) -> None:
    state = provider.approve(browser.get(START).headers["Location"])["state"]
    query = {"state": state, "error": "access_denied", "error_description": "<script>"}
    answer = browser.get(CALLBACK, query_string=query)
    assert is_refused(browser, answer, 400)
    assert b"<script>" not in answer.body


NOW = int(Clock().now)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.test"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"aud": [CLIENT, "other"]},
        {"azp": "other"},
        {"nonce": "other"},
        {"nonce": None},
        {"sub": None},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": NOW + 61},
        {"iat": None},
        {"nbf": NOW + 61},
    ],
    ids=str,
)
def test_400_for_a_claim_that_is_not_right(
    browser: Browser, provider: OidcProvider, email: str, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert is_refused(browser, go(browser, provider), 400)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 59, "iat": NOW - 300},
        {"iat": NOW + 60},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "other"], "azp": CLIENT},
    ],
    ids=str,
)
def test_303_within_the_leeway_and_for_several_audiences(
    browser: Browser, provider: OidcProvider, email: str, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert go(browser, provider).status == 303


def by_another_key(provider: OidcProvider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, RSAKey.generate_key(2048))


def unsigned(alg: str, kid: str, claims: dict[str, Any]) -> str:
    parts = ({"alg": alg, "kid": kid}, claims)
    return ".".join(encoded(json.dumps(part).encode()) for part in parts)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_nobody(provider: OidcProvider, claims: dict[str, Any]) -> str:
    return unsigned("none", str(provider.key.kid), claims) + "."


def by_the_public_key_as_secret(provider: OidcProvider, claims: dict[str, Any]) -> str:
    # By hand: the library refuses to make such a token, too.
    public = provider.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = unsigned("HS256", str(provider.key.kid), claims)
    return f"{text}.{encoded(hmac.digest(public, text.encode(), 'sha256'))}"


def by_the_client_secret(provider: OidcProvider, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET), algorithms=["HS256"])


def changed_afterwards(provider: OidcProvider, claims: dict[str, Any]) -> str:
    header, _, signature = provider.signed(claims).split(".")
    return f"{header}.{provider.signed({**claims, 'sub': '2'}).split('.')[1]}.{signature}"


def of_no_claims(provider: OidcProvider, claims: dict[str, Any]) -> str:
    return jws.serialize_compact({"alg": "RS256", "kid": provider.key.kid}, b"[]", provider.key)


def garbage(provider: OidcProvider, claims: dict[str, Any]) -> str:
    return "\udc00.é."


@pytest.mark.parametrize(
    "make",
    [
        by_another_key,
        by_nobody,
        by_the_public_key_as_secret,
        by_the_client_secret,
        changed_afterwards,
        of_no_claims,
        garbage,
    ],
)
def test_400_for_a_token_that_the_provider_has_not_signed(
    browser: Browser,
    provider: OidcProvider,
    email: str,
    make: Callable[[OidcProvider, dict[str, Any]], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    provider.token = lambda claims: make(provider, claims)
    assert is_refused(browser, go(browser, provider), 400)
    told = "".join(capsys.readouterr())
    assert SECRET not in told
    assert "code-0" not in told


def test_the_keys_are_fetched_once_more_for_one_that_is_not_known(
    browser: Browser, provider: OidcProvider, email: str
) -> None:
    assert go(browser, provider).status == 303
    assert go(Browser(browser.service), provider).status == 303
    assert provider.fetched.count("/jwks") == provider.fetched.count(DISCOVERY) == 1
    provider.rotate("second")
    assert go(Browser(browser.service), provider).status == 303
    assert provider.fetched.count("/jwks") == 2
    provider.token = lambda claims: jwt.encode({"alg": "RS256", "kid": "x"}, claims, provider.key)
    assert go(Browser(browser.service), provider).status == 400
    assert provider.fetched.count("/jwks") == 3


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_403_for_an_email_that_is_not_verified(
    browser: Browser, provider: OidcProvider, email: str, verified: object
) -> None:
    provider.claims = {"email_verified": verified}
    answer = go(browser, provider)
    assert is_refused(browser, answer, 403)
    assert b"Ask the operator" in answer.body


def test_403_for_an_email_without_account(browser: Browser, provider: OidcProvider) -> None:
    provider.email = "nobody@example.test"
    answer = go(browser, provider)
    assert is_refused(browser, answer, 403)
    assert b"Ask the operator" in answer.body


def test_a_suspended_account_signs_in_and_sees_why(
    oidc_service: Service, browser: Browser, provider: OidcProvider
) -> None:
    world = World(oidc_service)
    tenant = world.new_tenant()
    world.change_account(tenant, status="SUSPENDED")
    provider.email = tenant.account.email.upper()
    assert go(browser, provider).status == 303
    assert "suspended" in browser.get("/dashboard").body.decode()


ODD = [(500, b"{}"), (302, b""), (200, b"<html>"), (200, b"[]"), (200, b"{}"), (200, b" " * 1_048_577)]


@pytest.mark.parametrize("odd", ODD, ids=["500", "302", "html", "list", "empty", "large"])
@pytest.mark.parametrize("path", [DISCOVERY, "/token"])
def test_502_for_an_odd_answer(
    browser: Browser, provider: OidcProvider, email: str, path: str, odd: tuple[int, bytes]
) -> None:
    provider.broken[path] = odd
    answer = browser.get(START) if path == DISCOVERY else go(browser, provider)
    assert is_refused(browser, answer, 502)


def test_502_for_a_provider_that_is_silent(browser: Browser, provider: OidcProvider, email: str) -> None:
    provider.silent.add("/token")
    answer = go(browser, provider)
    provider.released.set()
    provider.released.clear()
    assert is_refused(browser, answer, 502)


def test_502_for_a_provider_that_is_down(browser: Browser, provider: OidcProvider, email: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    _, right = provider.answer(DISCOVERY, {}, "")
    document = {**right, "token_endpoint": f"http://127.0.0.1:{port}/token"}
    provider.broken[DISCOVERY] = (200, json.dumps(document).encode())
    assert is_refused(browser, go(browser, provider), 502)


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.test"},
        {"token_endpoint": "file:///token"},
        {"jwks_uri": 7},
        {"authorization_endpoint": "//other.test"},
        {"token_endpoint": "http://host:port/"},
    ],
    ids=str,
)
def test_502_for_a_discovery_document_that_leads_elsewhere(
    browser: Browser, provider: OidcProvider, change: dict[str, Any]
) -> None:
    _, right = provider.answer(DISCOVERY, {}, "")
    provider.broken[DISCOVERY] = (200, json.dumps({**right, **change}).encode())
    assert is_refused(browser, browser.get(START), 502)
