"""What a request must prove before it changes anything, and what a browser may do with an answer.

Whoever sends a form from elsewhere has the browser's cookie sent along. So a POST is taken only with a token
that stands in our own pages: a random number and its MAC under a secret that is in the signed cookie, as
`csrf_token` in a form or as the header `X-CSRF-Token`. And only if `Origin`, or else `Referer`, does not name
another place, and the browser does not call the request one across sites.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from flask import Response, request
from werkzeug.exceptions import Forbidden

from app.dashboard import cookie
from app.services import services

CSRF_FIELD, CSRF_HEADER = "csrf_token", "X-CSRF-Token"
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # the icons within Pico's style sheet
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # a stricter one would make each form's Origin `null`
}
_NONCE_DIGITS = 32
_LONGEST_BODY = 4 * 1024 * 1024
_LONGEST_BODY_OF_STRANGERS = 64 * 1024
_OUTDATED = "The page was open for too long, or your browser keeps no cookies. Nothing was changed."
_FOREIGN = "The form was sent from another place than this dashboard. Nothing was changed."


def check_request() -> None:
    """Refuse what does more than ask and does not come from a page of ours; to run before every request."""
    if request.method in ("GET", "HEAD"):
        return
    known = cookie.session_token() is not None
    request.max_content_length = _LONGEST_BODY if known else _LONGEST_BODY_OF_STRANGERS
    request.max_form_memory_size = request.max_content_length
    if request.headers.get("Sec-Fetch-Site") == "cross-site" or not _comes_from_here():
        raise Forbidden(_FOREIGN)
    token = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    if not _is_ours(token):
        raise Forbidden(_OUTDATED)


def protect(response: Response) -> Response:
    """Nothing comes from elsewhere, nothing is framed, nothing is kept; to run after every request."""
    response.headers.update(_HEADERS)
    return response


def csrf_token() -> str:
    """Return a token for the forms of one page: another one each time, so that compression tells nothing."""
    nonce = secrets.token_hex(_NONCE_DIGITS // 2)
    return nonce + _mac(nonce)


def _is_ours(token: str) -> bool:
    nonce, mac = token[:_NONCE_DIGITS], token[_NONCE_DIGITS:]
    # As bytes: of texts, compare_digest takes only ASCII.
    return hmac.compare_digest(_mac(nonce).encode(), mac.encode())


def _mac(nonce: str) -> str:
    return hmac.new(cookie.csrf_secret(), nonce.encode(), hashlib.sha256).hexdigest()


def _comes_from_here() -> bool:
    """Tell whether nothing says that a request comes from elsewhere: browsers do, whoever made the page."""
    named = request.headers.get("Origin") or request.headers.get("Referer")
    if named is None:
        return True
    public = _origin(services().config.public_url)
    # Who has opened the page under another name than the public one, as on the host itself.
    own = None if request.host == urlsplit(public).netloc else f"{request.scheme}://{request.host}"
    return _origin(named) in (public, own)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "null"
    return f"{parts.scheme}://{parts.netloc}".lower()
