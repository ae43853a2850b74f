"""`vibekeys doctor`, and the dashboard's page on health: what is wrong with an installation, and what to do.

Every check looks for itself and changes nothing. One that can't be made because an earlier one failed
(nothing can be said of the schema of a database that does not open) is left out: the earlier one is what has
to be put right.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
from peewee import Database, PeeweeException, fn
from redis import RedisError

from app.audit import verify
from app.config import Config, ConfigError
from app.db import DatabaseMissing, DatabaseRefused, connect, driver
from app.instants import iso
from app.mail.delivery import due_too_far_ahead, given_up, mailer_from, waiting
from app.mail.smtp import Mailer, Unavailable
from app.migrations import pending
from app.models import Mail, Unpublished
from app.presence import service_is_running
from app.publisher import Publisher
from app.secrets import FILE_NAME as SECRET_FILE
from app.secrets import Secrets
from app.source import DatabaseSource
from app.valkey import embedded_redis_url
from gateway.host_table import forwarded_from_untrusted_at
from gateway.redis_link import Link, LinkError, open_link
from gateway.source import Publications, SourceError
from gateway.store import PUBLISHED_KEY, Store, StoreError
from gateway.trust import pasts_differ
from gateway.usage_table import UsageTable

REDIS_SECONDS = 2.0
PUBLISHED_WITHIN_SECONDS = 3.0
"""A running service publishes what is pending each second."""
OLDEST_REDIS = (6, 0)
MAIL_TRIED_WITHIN_MS = 60_000
"""A running worker tries what is due each second."""
USAGE_STORED_WITHIN_MS = 10_000
"""A running worker stores what was counted every other second."""
UNCOUNTED_TOLD_FOR_MS = 24 * 3_600_000
LEAST_FREE_BYTES = 2**30
LEAST_FREE_SHARE = 0.05
AUDIT_ROWS = 10_000
"""As many of the newest as are checked within a second; `vibekeys audit verify` checks all."""

FAULTS = (PeeweeException, SourceError, apsw.Error)
"""What a database that can't be read, or is damaged, raises."""

_LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `remedy` says what to do where it is not `ok`."""

    check: str
    ok: bool
    message: str
    remedy: str | None = None


def examine(environ: Mapping[str, str]) -> list[Finding]:
    """Make every check that can be made on this installation."""
    try:
        config = Config.from_env(environ)
    except ConfigError as error:
        return [Finding("settings", False, str(error), "correct the variable and start again")]
    return [Finding("settings", True, "all settings are understood"), *_installation(config)]


def examine_running(config: Config, db: Database, now: float) -> Iterator[Finding]:
    """Make the quick checks, for a service that runs on `db`. `now` is in unix seconds.

    Raises what `FAULTS` has, if the database can't be read.
    """
    yield _state_dir(config.state_dir)
    try:
        yield from _files(config)
    except OSError as error:
        yield _unreadable(error)
    yield _schema(db)
    yield from _parts(config, db, True, now)


def examine_slowly(config: Config, db: Database, secrets: Secrets) -> Iterator[Finding]:
    """Make the checks that read much or ask a mail server, for a service that runs on `db`. Raises as
    `examine_running` does.
    """
    yield _writable(db)
    integrity = _integrity(db)
    yield integrity
    if integrity.ok:
        yield _audit(secrets)
    yield _smtp(mailer_from(config))


def _installation(config: Config) -> Iterator[Finding]:
    if not config.state_dir.is_dir():
        yield Finding("state dir", False, f"{config.state_dir} is no folder", "run `vibekeys migrate`")
        return
    yield _state_dir(config.state_dir)
    try:
        running = service_is_running(config.state_dir)
        files = list(_files(config))
    except OSError as error:
        yield _unreadable(error)
        return
    yield from files
    try:
        db = connect(config)
    except DatabaseMissing:
        yield Finding("database", False, f"{config.database_path} does not exist", "run `vibekeys migrate`")
        return
    except DatabaseRefused as error:
        yield Finding("database", False, str(error), "if the file is damaged, restore a backup")
        return
    try:
        database = [_writable(db), _schema(db), _integrity(db)]
        yield from database
        if all(finding.ok for finding in (*files, *database) if finding.check != "proxies"):
            yield _audit(Secrets.load(config, create=False))
        yield from _parts(config, db, running, time.time())
        yield _smtp(mailer_from(config))
    except FAULTS as error:
        yield unanswered(error)
    finally:
        db.close()


def _files(config: Config) -> Iterator[Finding]:
    yield _secret(config)
    yield _proxies(config.state_dir)


def _parts(config: Config, db: Database, running: bool, now: float) -> Iterator[Finding]:
    yield _disk(config.database_path)
    yield from _redis(config, running, DatabaseSource(db, Publisher(db)))
    yield _unpublished(bool(config.redis_url) or running)
    yield _outbox(bool(config.smtp_url), running, int(now * 1000))
    yield _usage(config.state_dir, running, now)


def unanswered(error: Exception) -> Finding:
    """Return what there is to say where the database answers with one of `FAULTS`."""
    return Finding("database", False, str(error), "see whether the disk is full, then restore a backup")


def _unreadable(error: OSError) -> Finding:
    remedy = f"run it as the user of the service, or chown the folder to user {os.geteuid()}"
    return Finding("state dir", False, f"{error.filename}: {error.strerror}", remedy)


def _state_dir(folder: Path) -> Finding:
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("state dir", False, f"{folder} can't be written", f"chown it to user {os.geteuid()}")
    if stat.S_IMODE(folder.stat().st_mode) & 0o022:
        return Finding("state dir", False, f"{folder} can be written by others", f"chmod go-w {folder}")
    return Finding("state dir", True, f"{folder} is writable, by its owner only")


def _secret(config: Config) -> Finding:
    if config.secret_key:
        return Finding("secret", True, "SECRET_KEY is set")
    path = config.state_dir / SECRET_FILE
    if not path.is_file():
        return Finding(
            "secret",
            False,
            f"{path} is missing",
            "restore it, or on a new installation run `vibekeys migrate`",
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(
            "secret", False, f"{path} has mode {mode:04o}: others can read it", f"chmod 600 {path}"
        )
    if not os.access(path, os.R_OK) or not path.read_text().strip():
        return Finding("secret", False, f"{path} is empty or can't be read", "restore it from a backup")
    return Finding("secret", True, f"{path} is there, for its owner only")


def _proxies(folder: Path) -> Finding:
    seen_at = forwarded_from_untrusted_at(folder)
    if seen_at is None:
        return Finding("proxies", True, "no forwarded headers from an untrusted proxy on this host")
    return Finding(
        "proxies",
        False,
        f"a proxy on this host sent forwarded headers that are not believed, last at {iso(seen_at * 1000)}",
        "if it is yours, set TRUSTED_PROXIES to its address (127.0.0.1,::1) and restart",
    )


def _disk(database: Path) -> Finding:
    total, _, free = shutil.disk_usage(database.parent)
    told = f"{free / 2**30:.1f} GiB are free where the database is, {free / total:.0%}"
    if free >= LEAST_FREE_BYTES and free >= total * LEAST_FREE_SHARE:
        return Finding("disk", True, told)
    return Finding("disk", False, told, "make room there: once it is full, nothing can be changed any more")


def _writable(db: Database) -> Finding:
    with db.atomic("IMMEDIATE"):
        return Finding("database", True, f"{db.database} opens and can be written")


def _schema(db: Database) -> Finding:
    missing = pending(db)
    if missing:
        return Finding("schema", False, f"{len(missing)} migrations are missing", "run `vibekeys migrate`")
    return Finding("schema", True, "the newest migration is applied")


def _integrity(db: Database) -> Finding:
    fault = driver(db).execute("PRAGMA quick_check(1)").get
    if fault == "ok":
        return Finding("integrity", True, "no damage found")
    return Finding("integrity", False, fault, "stop the service and restore a backup of the database")


def _audit(secrets: Secrets) -> Finding:
    verdict = verify(secrets, newest=AUDIT_ROWS)
    if verdict.broken is None:
        return Finding("audit", True, f"the newest rows are as they were written, up to row {verdict.rows}")
    return Finding(
        "audit",
        False,
        f"row {verdict.broken}: {verdict.why}",
        "keep a copy of the database as it is, and compare `vibekeys audit export` with that of a backup",
    )


def _redis(config: Config, running: bool, source: DatabaseSource) -> Iterator[Finding]:
    if not config.redis_url and not running:
        yield Finding("redis", True, "the embedded server runs with the service, which does not run now")
        return
    remedy = "check REDIS_URL and the server" if config.redis_url else "restart the service"
    try:
        url = config.redis_url or embedded_redis_url(config)
        link = open_link(url, REDIS_SECONDS, PUBLISHED_KEY, lambda greeting: None)
        yield from _redis_server(link, Store(link), source)
        link.close()
    except (StoreError, LinkError, RedisError, OSError) as error:
        yield Finding("redis", False, f"it does not answer: {error}", remedy)


def _redis_server(link: Link, store: Store, source: DatabaseSource) -> Iterator[Finding]:
    yield _redis_records(store.published(), source.publications())
    yield _redis_version(link.call(("INFO", "server"), time.monotonic() + REDIS_SECONDS))
    policy = store.server_setting("maxmemory-policy")
    if policy in ("noeviction", None):
        yield Finding("redis memory", True, f"maxmemory-policy is {policy or 'not told'}")
    else:
        yield Finding(
            "redis memory",
            False,
            f"maxmemory-policy is {policy}: counters can be lost, and their limits exceeded",
            "set maxmemory-policy to noeviction",
        )


def _redis_records(remembered: int, told: Publications) -> Finding:
    if not pasts_differ(remembered, told, remembered):
        return Finding("redis records", True, "it knows what was published, and no more")
    return Finding(
        "redis records",
        False,
        f"it remembers {remembered} publications, the database {told.done}",
        "run `vibekeys republish`",
    )


def _redis_version(info: Any) -> Finding:
    # The client of a cluster parses the answer, and gives one for each node.
    text = info.decode() if isinstance(info, bytes) else str(info)
    version = re.search(r"redis_version\W+(\d+)\.(\d+)", text)
    if version is None:
        return Finding("redis", True, "it answers, and does not tell its version")
    major, minor = map(int, version.groups())
    if (major, minor) < OLDEST_REDIS:
        return Finding("redis", False, f"it is version {major}.{minor}", "use Redis 6.0 or newer, or Valkey")
    return Finding("redis", True, f"it answers, compatible with Redis {major}.{minor}")


def _unpublished(published_by_now: bool) -> Finding:
    waiting = Unpublished.select().count()
    if not waiting:
        return Finding("publishing", True, "every change is published")
    if not published_by_now:
        return Finding("publishing", True, f"{waiting} changes wait for the next start")
    if _gone_in_time(Unpublished.select(fn.MAX(Unpublished.revision)).scalar(), time.monotonic):
        return Finding("publishing", True, "changes are being published")
    return Finding(
        "publishing",
        False,
        f"{waiting} changes are not published, hosts other than this one may not know them",
        "put Redis right, then run `vibekeys republish`",
    )


def _gone_in_time(revision: int, monotonic: Callable[[], float]) -> bool:
    deadline = monotonic() + PUBLISHED_WITHIN_SECONDS
    while monotonic() < deadline:
        if not Unpublished.select().where(Unpublished.revision <= revision).exists():
            return True
        time.sleep(_LOOK_AGAIN_SECONDS)
    return False


def _smtp(mailer: Mailer | None) -> Finding:
    if mailer is None:
        return Finding("smtp", True, "there is no SMTP_URL: mails rest in the outbox")
    try:
        mailer.open()
    except Unavailable as error:
        return Finding("smtp", False, str(error), "check SMTP_URL and the mail server")
    finally:
        mailer.close()
    return Finding("smtp", True, f"{mailer.relay} is ready to take mails")


def _outbox(may_send: bool, running: bool, now_ms: int) -> Finding:
    return (
        _given_up()
        or _due_too_far_ahead(now_ms)
        or (_overdue(may_send, now_ms) if running else None)
        or Finding("outbox", True, f"{Mail.select().where(waiting()).count()} mails wait")
    )


def _given_up() -> Finding | None:
    found = Mail.select().where(given_up()).order_by(Mail.failed_at.desc())
    count = found.count()
    if not count:
        return None
    return Finding(
        "outbox",
        False,
        f"{count} mails were given up, the newest because of: {found.get().last_error}",
        "see `vibekeys mail list --failed`, then `vibekeys mail retry` or `discard`",
    )


def _due_too_far_ahead(now_ms: int) -> Finding | None:
    count = Mail.select().where(due_too_far_ahead(now_ms)).count()
    if not count:
        return None
    return Finding(
        "outbox",
        False,
        f"{count} mails are due further ahead than any pause: the clock was put back",
        "see whether the clock is right now; `vibekeys worker` then sends them at once",
    )


def _overdue(may_send: bool, now_ms: int) -> Finding | None:
    overdue = Mail.next_attempt_at <= now_ms - MAIL_TRIED_WITHIN_MS
    if may_send:
        overdue |= Mail.next_attempt_at.is_null()
    if not Mail.select().where(waiting() & overdue).exists():
        return None
    message = "mails have been due for more than a minute, and nobody tries to send them"
    return Finding("outbox", False, message, "see whether `vibekeys worker` runs, with the same settings")


def _usage(folder: Path, running: bool, now: float) -> Finding:
    try:
        table = UsageTable(folder, to_look=True)
    except FileNotFoundError:
        return Finding("usage", True, "nothing was counted yet")
    try:
        uncounted, waiting, stored_at = table.uncounted(), len(table.unstored(now)), table.stored_at()
    finally:
        table.close()
    now_ms = int(now * 1000)
    if uncounted is not None and uncounted[1] > now_ms - UNCOUNTED_TOLD_FOR_MS:
        message = f"{uncounted[0]} requests were let in and not counted, the last at {iso(uncounted[1])}"
        return Finding("usage", False, message, f"make room on the disk of {folder}")
    if running and waiting and (stored_at or 0) < now_ms - USAGE_STORED_WITHIN_MS:
        since = "were never stored" if stored_at is None else f"were stored last at {iso(stored_at)}"
        return Finding("usage", False, f"counts of requests {since}", "see whether `vibekeys worker` runs")
    return Finding("usage", True, f"counts of {waiting} keys wait to be stored")
