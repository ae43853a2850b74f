"""Why a request is refused: every check with its verdict, for a key, an address, a method and a path.

The checks are those that decide about requests, `gateway.checks.CHECKS` and `app.auth.CHECKS`, walked in
their order, and what the limits have left is read as it stands. Nothing is counted, stored or published.

What is checked of the raw key's own characters can't be told, since nobody keeps them. What the endpoint
itself would find, an unknown id or a bad body, is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from app.auth import CHECKS as CHECKS_OF_CALLS
from app.auth import Called, call_of, is_public
from app.auth import Check as CheckOfCalls
from app.errors import ERRORS, HTTP_STATUS_CODES, ApiError, of_denial
from app.quota import UNKNOWN, Quota, Window, holder_of, quota_of
from app.schemas.explain import Outcome
from app.services import Services
from gateway.checks import CHECKS as CHECKS_OF_KEYS
from gateway.checks import Check as CheckOfKeys
from gateway.denial import Denial
from gateway.keys import masked
from gateway.records import Snapshot
from gateway.request import KEY_IN_URL, Environ, carries_key_in_url

ALLOWED = "ALLOWED"
PUBLIC = "PUBLIC"
"""The verdict on a path that is served without a key: none of the checks is made."""

_UNTOLD = {
    "credential": "One key, in one header: only the request itself shows that.",
    "form": "The key whole and as it was made: only the raw key shows that, and nobody keeps it.",
}
"""The checks of which nothing can be told, and why."""
_UNCOUNTED = "No service runs here, so nobody can tell what is used."


class Question(NamedTuple):
    """The request that is asked about. `path` is written as in a URL; a query may follow it."""

    address: str
    method: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one check; of a refusal what its answer would say, `retry_after` in whole seconds."""

    check: str
    verdict: Outcome
    code: str | None = None
    message: str | None = None
    hint: str | None = None
    retry_after: int | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer, as of `at` (unix milliseconds).

    `verdict` is ALLOWED, PUBLIC, or the code of the refusal, which has the HTTP `status`. `route` is the one
    that is called, as "GET /v1/deals/{id}"; a raw key in `path` is cut to its public beginning. `limits` and
    `mode` are those of `app.quota.Quota`.
    """

    key_id: str
    at: int
    address: str
    method: str
    path: str
    route: str | None
    verdict: str
    status: int | None
    checks: tuple[Verdict, ...]
    limits: tuple[Window, ...]
    mode: str | None


class _Case(NamedTuple):
    """All that the checks look at."""

    environ: Environ
    address: str
    now: float
    holder: Snapshot
    called: Called
    quota: Quota


def explain(services: Services, url_map: Map, key_id: str, question: Question) -> Explanation:
    """Tell what a request with the key would be answered now, and by which check.

    `url_map` has the routes of the application behind the gateway. Raises `ApiError` ENTITY_NOT_FOUND and
    DATABASE_UNAVAILABLE.
    """
    holder, now, environ = holder_of(services, key_id), services.clock(), _environ(question)
    called, quota = call_of(environ, url_map), quota_of(services, holder, now)
    case = _Case(environ, question.address, now, holder, called, quota)
    needs_no_key = is_public(environ["PATH_INFO"])
    checks = tuple(_unchecked() if needs_no_key else _judged(case))
    refusing = next((check.code for check in checks if check.code is not None), None)
    return Explanation(
        key_id=key_id,
        at=int(now * 1000),
        address=question.address,
        method=question.method,
        path=masked(question.path),
        route=_name(called),
        verdict=refusing or (PUBLIC if needs_no_key else ALLOWED),
        status=None if refusing is None else ERRORS[refusing].status,
        checks=checks,
        limits=quota.windows,
        mode=quota.mode,
    )


def _environ(question: Question) -> Environ:
    """The request as a WSGI server hands it on."""
    path, _, query = question.path.partition("?")
    sent = unquote_to_bytes(path).decode("latin-1")
    return {"REQUEST_METHOD": question.method, "PATH_INFO": sent, "QUERY_STRING": query}


def _name(called: Called) -> str | None:
    route = called.route
    return None if route is None or called.refusal is not None else f"{route.method} {route.path}"


# --- the walk ------------------------------------------------------------------------------------


def _judged(case: _Case) -> Iterator[Verdict]:
    refused = False
    for name, judge in _JUDGES.items():
        refusal = None if refused else judge(case)
        if refusal is not None:
            yield _refused(name, refusal)
        else:
            yield Verdict(check=name, verdict="NOT_REACHED") if refused else _not_refused(name, case)
        refused = refused or refusal is not None


def _unchecked() -> Iterator[Verdict]:
    return (Verdict(check=name, verdict="NOT_APPLICABLE") for name in _JUDGES)


def _refused(name: str, refusal: ApiError) -> Verdict:
    return Verdict(
        check=name,
        verdict="REFUSED",
        code=refusal.code,
        message=refusal.message,
        hint=refusal.hint,
        retry_after=refusal.retry_after,
        details=refusal.details,
    )


def _not_refused(name: str, case: _Case) -> Verdict:
    concerns = _CONCERNS.get(name)
    if concerns is not None and not concerns(case):
        return Verdict(check=name, verdict="NOT_APPLICABLE")
    untold = _UNCOUNTED if name == "rateLimit" and case.quota.mode == UNKNOWN else _UNTOLD.get(name)
    return Verdict(check=name, verdict="PASSED" if untold is None else "UNKNOWN", message=untold)


# --- the checks ----------------------------------------------------------------------------------

_Judge = Callable[[_Case], ApiError | None]


def _of_url(case: _Case) -> ApiError | None:
    return of_denial(KEY_IN_URL) if carries_key_in_url(case.environ) else None


def _of_what_is_given(case: _Case) -> None:
    """The key is one that is known, and nothing can be told of what its sender wrote."""


def _of_key(check: CheckOfKeys, case: _Case) -> ApiError | None:
    return _error(check(case.holder, case.address, case.now))


def _of_limits(case: _Case) -> ApiError | None:
    return _error(case.quota.refusal)


def _of_call(check: CheckOfCalls, case: _Case) -> ApiError | None:
    try:
        check(case.holder, case.called)
    except ApiError as refusal:
        return refusal
    except HTTPException as refusal:
        return ApiError(HTTP_STATUS_CODES.get(refusal.code or 404, "NOT_FOUND"))
    return None


def _error(denial: Denial | None) -> ApiError | None:
    return None if denial is None else of_denial(denial)


_JUDGES: Mapping[str, _Judge] = {
    "url": _of_url,
    "credential": _of_what_is_given,
    "form": _of_what_is_given,
    "known": _of_what_is_given,
    **{name: partial(_of_key, check) for name, check in CHECKS_OF_KEYS.items()},
    "rateLimit": _of_limits,
    **{name: partial(_of_call, check) for name, check in CHECKS_OF_CALLS.items()},
}
CHECKS = tuple(_JUDGES)
"""The names of all checks, in their order."""


def _asks_for_grant(case: _Case) -> bool:
    return bool(case.called.served.asked_of(case.holder.key.type))


_CONCERNS: Mapping[str, Callable[[_Case], bool]] = {
    "portal": lambda case: case.holder.key.portal_id is not None,
    "member": lambda case: case.holder.key.portal_id is not None,
    "address": lambda case: bool(case.holder.key.ip_whitelist),
    "rateLimit": lambda case: bool(case.quota.windows),
    "type": lambda case: case.called.route is not None,
    "scope": lambda case: case.holder.key.type != "personal" and _asks_for_grant(case),
    "integration": lambda case: case.holder.key.type == "personal" and _asks_for_grant(case),
}
"""Of the checks that let pass what they do not concern: whom they do."""
