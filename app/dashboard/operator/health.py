"""Whether the service is well: Redis, the database, the background worker, and what the doctor says.

The page makes the quick checks of `vibekeys doctor`; those that read all of the database, or ask the mail
server, are made when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from flask import Response

from app import migrations
from app.config import Config
from app.dashboard.page import get, post, render
from app.doctor import FAULTS, Finding, examine_running, examine_slowly, unanswered
from app.mail.delivery import given_up, waiting
from app.models import Mail, Unpublished, WebhookCall
from app.services import Services, services
from gateway.usage_table import UsageTable


@dataclass(frozen=True, slots=True)
class Redis:
    """Who decides about keys and limits on this host; `mode` is what holds while Redis is not believed."""

    is_embedded: bool
    is_believed: bool
    mode: str
    unpublished: int


@dataclass(frozen=True, slots=True)
class Storage:
    """The database. Sizes are in bytes."""

    path: str
    size: int
    newest_migration: str


@dataclass(frozen=True, slots=True)
class Worker:
    """What the background worker has done, and what waits for it. Times are in unix milliseconds."""

    usage_stored_at: int | None
    mails_waiting: int
    mails_given_up: int
    calls_waiting: int
    calls_given_up: int


@get("/dashboard/operator/health", operator=True)
def health() -> Response:
    """What can be said at once."""
    return _show(services(), slow=())


@post("/dashboard/operator/health", operator=True)
def examine() -> Response:
    """The same, and the checks that take longer."""
    parts = services()
    return _show(parts, slow=_findings(examine_slowly(parts.config, parts.db, parts.secrets)))


def _show(of: Services, slow: Iterable[Finding]) -> Response:
    findings = [*_findings(examine_running(of.config, of.db, of.clock())), *slow]
    return render(
        "operator/health.html",
        title="Health",
        section="health",
        findings=sorted(findings, key=lambda finding: finding.ok),
        examined=bool(slow),
        redis=_redis(of),
        storage=_storage(of.config),
        worker=_worker(of.config),
    )


def _findings(checks: Iterator[Finding]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(checks)
    except FAULTS as error:
        found.append(unanswered(error))
    return found


def _redis(of: Services) -> Redis:
    return Redis(
        is_embedded=not of.config.redis_url,
        is_believed=of.trust is not None and of.trust.believed(),
        mode=of.config.redis_down,
        unpublished=Unpublished.select().count(),
    )


def _storage(config: Config) -> Storage:
    path = config.database_path
    files = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
    return Storage(
        str(path), sum(file.stat().st_size for file in files if file.exists()), _newest_migration()
    )


def _newest_migration() -> str:
    return max(path.stem for path in migrations.DIRECTORY.glob("[0-9]*.py"))


def _worker(config: Config) -> Worker:
    return Worker(
        usage_stored_at=_usage_stored_at(config),
        mails_waiting=Mail.select().where(waiting()).count(),
        mails_given_up=Mail.select().where(given_up()).count(),
        calls_waiting=_calls(WebhookCall.sent_at.is_null() & WebhookCall.failed_at.is_null()),
        calls_given_up=_calls(WebhookCall.failed_at.is_null(False)),
    )


def _calls(which: Any) -> int:
    return WebhookCall.select().where(which).count()


def _usage_stored_at(config: Config) -> int | None:
    try:
        table = UsageTable(config.state_dir, to_look=True)
    except FileNotFoundError:  # nothing was counted yet
        return None
    with closing(table):
        return table.stored_at()
