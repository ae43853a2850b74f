"""Settings of gunicorn, for ``vibekeys run`` and for ``gunicorn -c gunicorn.conf.py wsgi:app`` alike.

Every public name here that gunicorn knows is a setting.  Where its default would believe a forwarded header,
or write somewhere of its own, it is set here; whom to believe is decided behind it, by ``TRUSTED_PROXIES``.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from typing import Any

import gunicorn.http.wsgi
from gunicorn.glogging import Logger

from app import log
from app.config import Config, ConfigError
from app.serve import BACKLOG, GRACEFUL_SECONDS

_CONNECTIONS = 1000


def _read_config() -> Config:
    try:
        return Config.from_env(os.environ)
    except ConfigError as error:
        # gunicorn prints a traceback for any other exception.
        sys.exit(f"vibekeys: {error}")


def _empty_metrics_folder(parent: str) -> None:
    """Name the folder in which workers keep their metrics, emptied of those of processes that are gone.

    ``prometheus_client`` looks for the name when it is first imported, which is later than this: in a worker.
    """
    folder = os.path.join(parent, "metrics")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        sys.exit(f"vibekeys: STATE_DIR: cannot write {folder}: {error.strerror}")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder


def _room_for_connections(threads: int) -> int:
    """How many connections a worker may hold, with the files that it opens besides.

    One too many would end the worker, and with it the requests of all the others.
    """
    besides = 64 + 16 * threads
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(_CONNECTIONS + besides, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(min(_CONNECTIONS, max(soft, wanted) - besides), threads + 1)


class _OneLog(Logger):  # type: ignore[misc]
    """gunicorn's own messages, by the way and in the form of all others; no second access log."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


_config = _read_config()
log.configure(_config.log_format or "json")
_empty_metrics_folder(str(_config.state_dir))
gunicorn.http.wsgi.SERVER = "vibekeys"

bind = f"[{_config.host}]:{_config.port}" if ":" in _config.host else f"{_config.host}:{_config.port}"
backlog = BACKLOG
workers = _config.web_concurrency
worker_class = "app.serve.gunicorn_worker.RequestWorker"
threads = _config.threads
worker_connections = _room_for_connections(threads)
# Longer than a proxy keeps an idle connection (60 s as a rule): if both end it, a request can meet its end.
keepalive = 75
graceful_timeout = GRACEFUL_SECONDS
# The heartbeat is the time stamp of a nameless file: on a disk that stalls, healthy workers would be killed.
_MEMORY = "/dev/shm"  # nosec B108
worker_tmp_dir = _MEMORY if os.access(_MEMORY, os.W_OK) else None

limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190

forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

# By default it opens a socket in the home folder, which a second instance takes over.
control_socket_disable = True
logger_class = _OneLog
loglevel = "warning"
accesslog = None


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone; its counts stay in the sums."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
