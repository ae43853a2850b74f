"""The gateway as WSGI middleware (PEP 3333): a request in; a refusal, or the wrapped app's answer, out.

What it leaves in the environ for the app behind it:

=========================== ===================================================================
``vibekeys.request_id``     the id of this request, also in ``X-Request-Id`` of the answer
``vibekeys.client_address`` who sent it, behind trusted proxies
``vibekeys.outcome``        ``public``, ``allowed``, ``replayed``, or the code of the refusal
``vibekeys.admission``      the `Allowed` decision, when a key was admitted
``vibekeys.refusal``        the `Refused` decision, when one was not
=========================== ===================================================================

The headers that carried the key are taken out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from wsgiref.types import StartResponse, WSGIApplication

from gateway.address import Networks, client_address, parse_address
from gateway.authorize import Allowed, Authorizer, Refused
from gateway.denial import UNAVAILABLE, Denial
from gateway.host_table import HostTable
from gateway.limits import limit_headers
from gateway.records import KeyRecord
from gateway.request import KEY_IN_URL, Environ, carries_key_in_url, request_id_of, take_raw_key
from gateway.source import SourceError

_log = logging.getLogger(__name__)

Headers = list[tuple[str, str]]
KeptAnswer = Callable[[Environ, Refused], WSGIApplication | None]
"""Returns the answer that a key was given before its time was over, if a request asks for it again. Raises
`SourceError` if it cannot tell."""


class Gateway:
    """Stands in front of any WSGI application and lets through what may pass."""

    def __init__(
        self,
        app: WSGIApplication,
        authorizer: Authorizer,
        host_table: HostTable,
        trusted_proxies: Networks,
        is_public: Callable[[str], bool],
        clock: Callable[[], float],
        kept_answer: KeptAnswer | None = None,
    ) -> None:
        """`is_public` tells of a path whether it is served without a key.

        `kept_answer` is asked about requests whose keys nothing speaks against but that their time is over.
        """
        self._kept_answer = kept_answer
        self._app, self._authorizer, self._host_table = app, authorizer, host_table
        self._trusted_proxies, self._is_public, self._clock = trusted_proxies, is_public, clock

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Decide about one request and answer it, or pass it on."""
        request_id = environ["vibekeys.request_id"] = request_id_of(environ)
        environ["vibekeys.client_address"] = self._client_address(environ)
        added: Headers = [("X-Request-Id", request_id)]
        decision = self._decide(environ)
        if decision is None:
            environ["vibekeys.outcome"] = "public"
            return self._app(environ, _adding(added, start_response))
        if isinstance(decision, Refused):
            return self._refuse(decision, environ, added, start_response)
        added += _decision_headers(decision, self._clock())
        environ["vibekeys.outcome"] = "allowed"
        environ["vibekeys.admission"] = decision
        return self._app(environ, _adding(added, start_response))

    def _decide(self, environ: Environ) -> Allowed | Refused | None:
        """Return the decision; None for what needs none, since its path is public."""
        if carries_key_in_url(environ):  # on public paths too: it is in logs now, and its owner has to know
            return Refused(KEY_IN_URL)
        if self._is_public(environ.get("PATH_INFO", "")):
            return None
        raw_key = take_raw_key(environ)
        if isinstance(raw_key, Denial):
            return Refused(raw_key)
        return self._authorizer.authorize(raw_key, environ["vibekeys.client_address"])

    def _refuse(
        self, refused: Refused, environ: Environ, added: Headers, start_response: StartResponse
    ) -> Iterable[bytes]:
        answer = None
        if refused.raw_key is not None and self._kept_answer is not None:
            try:
                answer = self._kept_answer(environ, refused)
            except SourceError as error:
                _log.error("a kept answer could not be looked for: %s", error)
                refused = Refused(UNAVAILABLE, refused.snapshot)
        environ["vibekeys.refusal"] = refused
        environ["vibekeys.outcome"] = "replayed" if answer is not None else refused.denial.code
        added = added + _decision_headers(refused, self._clock())
        if answer is not None:
            return answer(environ, _adding(added, start_response))
        return _refusal(refused.denial, environ, added, start_response)

    def _client_address(self, environ: Environ) -> str:
        peer, forwarded_for = environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", "")
        if forwarded_for or "HTTP_FORWARDED" in environ or "HTTP_X_REAL_IP" in environ:
            self._warn_of_untrusted_proxy(peer)
        return client_address(peer, forwarded_for, self._trusted_proxies)

    def _warn_of_untrusted_proxy(self, peer: str) -> None:
        """A proxy on this very host that is not trusted is nearly always a forgotten setting."""
        address = parse_address(peer)
        if address is None or not address.is_loopback or address in self._trusted_proxies:
            return
        if self._host_table.note_forwarded_from_untrusted(self._clock()):
            _log.warning(
                "forwarded headers from %s are ignored: it is not in TRUSTED_PROXIES, "
                "so every client behind it has its address",
                peer,
            )


def _refusal(denial: Denial, environ: Environ, added: Headers, start_response: StartResponse) -> list[bytes]:
    body = denial.body(environ["vibekeys.request_id"])
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *denial.headers(),
        *added,
    ]
    start_response(denial.status_line, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _decision_headers(decision: Allowed | Refused, now: float) -> Headers:
    headers = limit_headers(decision.usages, now)
    if decision.mode is not None:
        headers.append(("X-RateLimit-Mode", decision.mode))
    if decision.snapshot is not None:
        headers += _grace_headers(decision.snapshot.key, now)
    return headers


def _grace_headers(key: KeyRecord, now: float) -> Headers:
    """Tell the user of a rotated key when it ends: RFC 9745 (Deprecation) and RFC 8594 (Sunset)."""
    if key.grace_ends_at is None or key.deprecated_at is None or key.grace_ends_at <= now:
        return []
    ends = datetime.fromtimestamp(key.grace_ends_at, UTC)
    return [
        ("Deprecation", f"@{int(key.deprecated_at)}"),
        ("Sunset", format_datetime(ends, usegmt=True)),
        ("X-Key-Grace-Ends-At", ends.isoformat(timespec="milliseconds").replace("+00:00", "Z")),
    ]


def _adding(added: Headers, start_response: StartResponse) -> StartResponse:
    def start(status: str, headers: Headers, exc_info: object = None) -> object:
        return start_response(status, [*headers, *added], exc_info)  # type: ignore[arg-type]

    return start  # type: ignore[return-value]
