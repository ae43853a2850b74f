"""Structured logging: one line an event, JSON or text, on standard error.

:func:`configure` is called once by whatever starts a process; modules then use ``structlog.get_logger()``.
Lines of libraries that use :mod:`logging` (gunicorn, above all) take the same way out, so that whoever reads
the log meets one format, and every line passes the last step: :func:`gateway.keys.masked` takes out the raw
keys that it can know, wherever they came from.

:class:`AccessLog` writes the line of a request.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from werkzeug.wsgi import ClosingIterator

from app.wsgi_status import StatusSeen
from gateway.keys import masked

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["AccessLog", "configure"]

# Legacy keys have no form to search for: fields that could hold one are never written.
_SECRET_FIELDS = frozenset(
    (
        "api_key",
        "authorization",
        "cookie",
        "password",
        "raw_key",
        "secret",
        "token",
        "webhook_url",
        "x_api_key",
    )
)
_to_json = json.JSONEncoder(default=repr, separators=(",", ":")).encode
_PATH_LENGTH = 256


def configure(log_format: Literal["json", "text"], level: int = logging.INFO) -> None:
    """Send every log line of this process to standard error in one format; the last call counts."""
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _drop_secret_fields,
    ]
    render: list[Processor] = [
        structlog.processors.format_exc_info,
        _render_json if log_format == "json" else _render_text,
    ]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _drop_secret_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if not _SECRET_FIELDS.isdisjoint(event):
        for name in _SECRET_FIELDS.intersection(event):
            event[name] = "***"
    return event


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    at, level, name = event.pop("at"), event.pop("level"), event.pop("event")
    return masked(_to_json({"at": at, "level": level, "event": name, **event}))


def _render_text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    at, level, name = event.pop("at"), event.pop("level"), event.pop("event")
    traceback = event.pop("exception", None)
    fields = "".join(f" {key}={_plain(value)}" for key, value in event.items())
    line = f"{at} {level:<7} {_one_line(name)}{fields}"
    return masked(line if traceback is None else f"{line}\n{traceback}")


def _plain(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)


def _one_line(value: object) -> str:
    text = str(value)
    return text if text.isprintable() else repr(text)


class AccessLog:
    """WSGI middleware: one line a request, written when its answer has been sent or has failed.

    The query string is left out: people put secrets there.  What the gateway found out is read from its keys
    in the environ.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        # Bound once: a logger that looks up its configuration at each line takes half as long again.
        self._log = structlog.get_logger().bind()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began, seen = time.perf_counter(), StatusSeen(start_response)

        def write() -> None:
            self._log.info("request", **_fields(environ), status=int(seen.code), ms=_ms_since(began))

        try:
            answer = self._app(environ, seen)
        except BaseException:
            write()
            raise
        return ClosingIterator(answer, write)


def _fields(environ: WSGIEnvironment) -> dict[str, object]:
    outcome = environ.get("vibekeys.outcome")
    fields: dict[str, object] = {
        "method": environ["REQUEST_METHOD"],
        # Masking finds a key in clear; in a path it may be encoded over and over.
        "path": "***" if outcome == "KEY_IN_URL" else _readable(environ.get("PATH_INFO", "")),
        "request_id": environ.get("vibekeys.request_id"),
        "address": environ.get("vibekeys.client_address"),
        "outcome": outcome,
    }
    decision = environ.get("vibekeys.admission") or environ.get("vibekeys.refusal")
    snapshot = decision.snapshot if decision is not None else None
    if snapshot is not None:
        fields["key_id"] = snapshot.key.key_id
        fields["key_prefix"] = snapshot.key.prefix
        fields["account_id"] = snapshot.account.account_id
    elif "vibekeys.account_id" in environ:
        fields["account_id"] = environ["vibekeys.account_id"]
    return fields


def _readable(path: str) -> str:
    """A decoded path as it can stand in a log line: bounded, without control characters."""
    path = path[:_PATH_LENGTH]
    return path if path.isascii() and path.isprintable() else quote(path, encoding="latin-1")


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
