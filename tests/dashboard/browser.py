"""A browser as the dashboard sees it: cookies, forms with their token, and what it says of itself."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from werkzeug.test import Client

from app import sessions
from app.ledger import Actor
from app.models import Account
from tests.api.world import PUBLIC_URL, Answer, Service

COOKIE = "__Host-vibekeys"
ADDRESS = "203.0.113.7"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) Test/1.0"

PROBES = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}")
"""Texts that must come out as texts."""

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """One browser. What werkzeug's `EnvironBuilder` takes may be given with each request."""

    def __init__(self, service: Service, address: str = ADDRESS) -> None:
        self.service = service
        self.address = address
        self._client = Client(service.wsgi)
        self._csrf_token: str | None = None

    def get(self, path: str, **kwargs: Any) -> Answer:
        """Follow a link, or type an address."""
        return self.open("GET", path, **kwargs)

    def post(self, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> Answer:
        """Send a form of a page of ours: with its token, and with where it comes from."""
        headers = {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin", **kwargs.pop("headers", {})}
        return self.open(
            "POST", path, data={"csrf_token": self.csrf_token(), **(data or {})}, headers=headers, **kwargs
        )

    def open(self, method: str, path: str, **kwargs: Any) -> Answer:
        """Send a request with the cookies, and nothing else that was not given."""
        headers = {"User-Agent": USER_AGENT, **kwargs.pop("headers", {})}
        kwargs.setdefault("environ_base", {"REMOTE_ADDR": self.address})
        response = self._client.open(
            path, method=method, base_url=PUBLIC_URL, headers=headers, buffered=True, **kwargs
        )
        return Answer(response.status_code, response.headers, response.get_data())

    def csrf_token(self) -> str:
        """The token of a page that it is shown."""
        if self._csrf_token is None:
            page = self.get("/dashboard")
            self._csrf_token = token_in(page if page.status == 200 else self.get("/dashboard/sign-in"))
        return self._csrf_token

    def sign_in(self, email: str, password: str, **fields: str) -> Answer:
        """Fill in the form and send it."""
        self._csrf_token = token_in(self.get("/dashboard/sign-in"))
        answer = self.post("/dashboard/sign-in", {"email": email, "password": password, **fields})
        self.forget_token()
        return answer

    def forget_token(self) -> None:
        """Leave the page whose token it has: signing in and out makes those of earlier pages worthless."""
        self._csrf_token = None

    @property
    def cookie(self) -> str:
        """The value of the dashboard's cookie, the empty text if it has none."""
        found = self._client.get_cookie(COOKIE, domain=PUBLIC_URL.removeprefix("https://"))
        return "" if found is None else found.value

    @cookie.setter
    def cookie(self, value: str) -> None:
        self._client.set_cookie(COOKIE, value, domain=PUBLIC_URL.removeprefix("https://"), secure=True)
        self.forget_token()


def signed_in(service: Service, account: Account, address: str = ADDRESS) -> Browser:
    """A browser of who has signed in, without the tenth of a second that a password takes."""
    with service.services.ledger.change(Actor("account", account.id, address=address)) as change:
        token = sessions.begin(change, account, USER_AGENT)
    browser = Browser(service, address)
    browser.cookie = signed(service.flask, {"token": token})
    return browser


def signed(app: Flask, contents: dict[str, Any]) -> str:
    """A cookie with these contents, signed by the service."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return str(serializer.dumps(contents))


def token_in(page: Answer) -> str:
    """The token of a page's forms."""
    found = _TOKEN.search(page.body.decode())
    assert found, page.body
    return found[1]
