"""Signing in by the provider of the settings: there, and back."""

from __future__ import annotations

import structlog
from flask import Response, request
from werkzeug.exceptions import NotFound

from app.dashboard import cookie, visitor
from app.dashboard.page import get, own_path, to
from app.dashboard.sign_in import BUSY, BUSY_SECONDS, let_in, show
from app.models import Account
from app.oidc import CALLBACK, Attempt, Busy, EmailNotVerified, NotVouchedFor, Provider, ProviderFailed
from app.services import services

_FAILED = "The sign-in service does not answer as it should. Try again in a moment, or use your password."
_REFUSED = "The sign-in did not succeed, or it took too long. Start it once more from here."
_UNVERIFIED = "The sign-in service has not verified your e-mail. Ask the operator of this service."
_UNKNOWN = "No account here has the e-mail that you have there. Ask the operator of this service for one."

log = structlog.get_logger(__name__)


@get("/dashboard/sign-in/oidc", public=True)
def there() -> Response:
    """Send the browser to the provider."""
    wanted = own_path(request.args.get("next", ""))
    provider = _provider()
    if visitor.find() is not None:
        return to(wanted)
    try:
        target, attempt = provider.begin()
    except (ProviderFailed, Busy) as error:
        return _refuse(wanted, error)
    cookie.begin_attempt({**attempt._asdict(), "next": wanted})
    return Response(status=303, headers={"Location": target})


@get(CALLBACK, public=True)
def back() -> Response:
    """Let in whom the provider vouches for."""
    provider, begun = _provider(), cookie.take_attempt()
    if begun is None:
        return show("/dashboard", _REFUSED, status=400)
    wanted = own_path(begun.pop("next"))
    try:
        email = provider.email(Attempt(**begun), request.args)
    except (NotVouchedFor, ProviderFailed, Busy) as error:
        return _refuse(wanted, error)
    account = Account.get_or_none(Account.email == email)
    if account is None:
        return show(wanted, _UNKNOWN, status=403)
    token = services().sign_in.without_password(account, visitor.address(), request.user_agent.string)
    return let_in(token, wanted)


def _refuse(wanted: str, error: NotVouchedFor | ProviderFailed | Busy) -> Response:
    if isinstance(error, Busy):
        page = show(wanted, BUSY, status=503)
        page.headers["Retry-After"] = str(BUSY_SECONDS)
        return page
    log.warning("oidc.failed", reason=str(error))
    if isinstance(error, EmailNotVerified):
        return show(wanted, _UNVERIFIED, status=403)
    if isinstance(error, NotVouchedFor):
        return show(wanted, _REFUSED, status=400)
    return show(wanted, _FAILED, status=502)


def _provider() -> Provider:
    found = services().oidc
    if found is None:
        raise NotFound
    return found
