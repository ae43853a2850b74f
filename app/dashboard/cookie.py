"""The dashboard's one cookie: signed, for this host only, and of no use to scripts.

It carries the secret of the forms' tokens, notices for the next page and, of who is signed in, the token of
the session; the session itself is in the database. Requests to other paths neither read nor set it, so it
can be no credential of the API.

It is signed with a key derived from the installation's secret, and read with those of older secrets as well.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, Request, session
from flask.blueprints import BlueprintSetupState
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from app.services import Services
from app.sessions import LIFETIME_MS

_PURPOSE = "dashboard cookie"
_TOKEN = "token"
_CSRF_SECRET = "csrf"
_ATTEMPT = "oidc"


class _DashboardCookie(SecureCookieSessionInterface):
    digest_method = staticmethod(hashlib.sha256)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie where a page of the dashboard is asked for, and nowhere else."""
        if not is_of_dashboard(request.path):
            return self.make_null_session(app)
        return super().open_session(app, request)


def set_up(state: BlueprintSetupState) -> None:
    """Tell the Flask application how the cookie is named, signed and sent."""
    app = cast(Flask, state.app)
    services: Services = app.extensions["vibekeys"]
    url = urlsplit(services.config.public_url)
    secure = url.scheme == "https"
    newest, *older = services.secrets.keys(_PURPOSE)
    app.session_interface = _DashboardCookie()
    app.config.update(
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        # A browser takes a `__Host-` cookie only from this host, by HTTPS, and for all of it.
        SESSION_COOKIE_NAME="__Host-vibekeys" if secure else "vibekeys",
        SESSION_COOKIE_PATH="/" if secure else url.path or "/",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(milliseconds=LIFETIME_MS),
    )


def is_of_dashboard(path: str) -> bool:
    """Tell whether a path is one of the dashboard's."""
    return path == "/dashboard" or path.startswith("/dashboard/")


def session_token() -> str | None:
    """Return the token of the session that the browser says it has."""
    token = session.get(_TOKEN)
    return token if isinstance(token, str) else None


def sign_in(token: str) -> None:
    """Give the browser a session. What it had before, and may have been given by somebody else, is gone."""
    session.clear()
    session[_TOKEN] = token
    session.permanent = True


def sign_out() -> None:
    """Take everything from the browser."""
    session.clear()


def begin_attempt(facts: dict[str, Any]) -> None:
    """Remember how a sign-in by the provider began, in place of one that began before."""
    session[_ATTEMPT] = facts


def take_attempt() -> dict[str, Any] | None:
    """Return how the sign-in began, and forget it; None if this browser has begun none."""
    found = session.pop(_ATTEMPT, None)
    return found if isinstance(found, dict) else None


def csrf_secret() -> bytes:
    """Return the secret of the tokens of this browser's forms; it is drawn when it is first needed."""
    if _CSRF_SECRET not in session:
        session[_CSRF_SECRET] = secrets.token_hex(16)
    return str(session[_CSRF_SECRET]).encode()
