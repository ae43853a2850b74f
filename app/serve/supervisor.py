"""``vibekeys run``: migrate the database, then keep Valkey, the worker and gunicorn running until the end.

The supervisor itself serves nothing and decides nothing.  It holds what must outlive a crash of one of them:
the run lock, so that a ``STATE_DIR`` has one service, and the listening socket, so that connections wait, and
are not refused, while gunicorn is started again.  Valkey is not gunicorn's child: gunicorn's master reaps
every child that ends, and would lose it.

============== ==================================================================================
HUP            gunicorn takes up new workers before the old ones end; the worker is started again
TERM, Ctrl-C   running requests finish, then the worker ends, then Valkey; once more: at once
============== ==================================================================================

Once more means a second later or more: one signal to a whole process group can arrive here twice, from its
sender, and passed on by ``make``, which is in the group too.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from signal import SIGCHLD, SIGHUP, SIGINT, SIGTERM

import structlog

from app import log, valkey
from app.config import Config, http_url
from app.db import DatabaseRefused, connect
from app.migrations import migrate
from app.presence import hold_presence, take_run_lock
from app.secrets import Secrets, SecretsError
from app.serve import BACKLOG, GRACEFUL_SECONDS, stand_in
from app.serve.child import Child
from app.serve.signals import SignalQueue
from gateway.redis_link import open_link
from gateway.store import PUBLISHED_KEY, Store, StoreError

__all__ = ["run"]

_log = structlog.get_logger(__name__)
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_HURRIED_STOP_SECONDS = 1.0
_SAME_SIGNAL_SECONDS = 1.0
_LOOK_SECONDS = 0.25
# Where a service that listens on all addresses is reached from here.
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Refused(Exception):
    """The service cannot start; the text is one line that says why."""


class _Stop(Exception):
    """SIGTERM or Ctrl-C has come."""


def run(config: Config, demo: bool, worker: bool) -> int:
    """Serve until SIGTERM or Ctrl-C and return 0; return 1, with one line on stderr, if that can't be.

    ``demo`` adds demo data once, prints how to use it and starts a stand-in Bitrix24; ``worker`` starts the
    background worker too.
    """
    log.configure(config.log_format or "text")
    try:
        _Supervisor(config).run(demo, worker)
    except Refused as refused:
        print(f"vibekeys: {refused}", file=sys.stderr)
        return 1
    except _Stop:
        pass
    return 0


class _Supervisor:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._signals = SignalQueue((SIGTERM, SIGINT, SIGHUP, SIGCHLD))
        self._children: list[Child] = []  # in the order of starting, the reverse of the order of ending
        self._heeds_end_from = 0.0
        self._in_a_hurry = False

    def run(self, demo: bool, worker: bool) -> None:
        """Start everything, then look after it; ends by ``_Stop`` or ``Refused``."""
        _take_state_dir(self._config)
        with _listening(self._config) as listener, self._ending_all(listener):
            _migrate(self._config)
            self._start_redis()
            # From here on a change by the command line goes to Redis, not only to the database.
            hold_presence(self._config.state_dir)
            guide = _load_demo(self._config, self._start_stand_in()) if demo else []
            background = self._start("worker", _python("app.cli", "worker")) if worker else None
            web = self._start("gunicorn", _python("app.serve.web", str(listener.fileno())), listener)
            if not self._comes_up(web, lambda: _is_ready(self._config)):
                raise Refused("the web server did not start, for the reason above")
            print(
                f"serving on {http_url(self._config.host, self._config.port)}", *guide, sep="\n", flush=True
            )
            self._look_after(web, background)

    def _start(self, name: str, command: list[str], listener: socket.socket | None = None) -> Child:
        child = Child(name, command, inherits=[listener.fileno()] if listener else [])
        self._children.append(child)
        child.start()
        return child

    def _start_redis(self) -> None:
        if self._config.redis_url:
            _warn_of_eviction(self._config)
            return
        if not valkey.shut_down_leftover(self._config):
            raise Refused(f"STATE_DIR: a server that does not end listens on {self._config.redis_socket}")
        server = Child("valkey", valkey.command(), folder=self._config.state_dir)
        self._children.append(server)
        server.start()
        if self._comes_up(server, lambda: valkey.answers(self._config)):
            return
        unreadable = valkey.set_aside_data(self._config)
        if unreadable is not None:
            _log.warning(
                "the embedded Redis could not load its data, starting it empty", moved_to=str(unreadable)
            )
            server.start()
        if unreadable is None or not self._comes_up(server, lambda: valkey.answers(self._config)):
            raise Refused(f"the embedded Redis did not start: see {self._config.state_dir / 'valkey.log'}")

    def _start_stand_in(self) -> str:
        """Start the stand-in Bitrix24 and return its incoming webhook."""
        folder = self._config.state_dir
        port = stand_in.pick_port(folder)
        child = self._start("bitrix-sandbox", _python("app.cli", *stand_in.arguments(folder, port)))
        if not self._comes_up(child, lambda: stand_in.answers(port)):
            raise Refused("the stand-in Bitrix24 did not start, for the reason above")
        return stand_in.webhook_url(port)

    def _comes_up(self, child: Child, is_up: Callable[[], bool]) -> bool:
        """Wait until ``child`` is up; ``False`` if it ends before, or takes too long."""
        deadline = time.monotonic() + _START_SECONDS
        while not is_up():
            if not child.running or time.monotonic() > deadline:
                return False
            self._wait(0.02)
        return True

    def _look_after(self, web: Child, background: Child | None) -> None:
        while True:
            if SIGHUP in self._wait(_LOOK_SECONDS):
                web.send(SIGHUP)
                if background is not None:
                    background.send(SIGTERM)
            for child in self._children:
                child.keep_running()

    def _wait(self, seconds: float) -> list[int]:
        """The signals of the next moments; raises ``_Stop`` for one that ends the service."""
        arrived, now = self._signals.wait(seconds), time.monotonic()
        if (SIGTERM in arrived or SIGINT in arrived) and now >= self._heeds_end_from:
            self._heeds_end_from = now + _SAME_SIGNAL_SECONDS
            raise _Stop
        return arrived

    @contextmanager
    def _ending_all(self, listener: socket.socket) -> Iterator[None]:
        """Leave no process behind, whatever happens inside."""
        try:
            yield
        finally:
            # So that gunicorn's is the last descriptor of it: connections are refused once gunicorn is gone.
            listener.close()
            for child in reversed(self._children):
                child.send(SIGTERM)
                self._await_end(child, GRACEFUL_SECONDS + 5 if child.name == "gunicorn" else _STOP_SECONDS)
                child.kill()

    def _await_end(self, child: Child, patience: float) -> None:
        deadline = time.monotonic() + (_HURRIED_STOP_SECONDS if self._in_a_hurry else patience)
        while child.running and time.monotonic() < deadline:
            try:
                self._wait(_LOOK_SECONDS)
            except _Stop:
                _log.warning("told to end a second time: not waiting", process=child.name)
                self._in_a_hurry = True
                return


def _take_state_dir(config: Config) -> None:
    folder = config.state_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(0, "no right to write there")
        is_ours = take_run_lock(folder)
    except OSError as error:
        raise Refused(f"STATE_DIR: {folder}: {error.strerror}") from None
    if not is_ours:
        raise Refused(f"STATE_DIR: another `vibekeys run` is serving from {folder}")


@contextmanager
def _listening(config: Config) -> Iterator[socket.socket]:
    address = config.host, config.port
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    both = config.host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise Refused(f"HOST, PORT: cannot listen on {config.host}, {config.port}: {reason}") from None
    with listener:
        yield listener


def _migrate(config: Config) -> None:
    try:
        database = connect(config, create=True)
        with closing(database):
            migrate(database, config.state_dir)
        Secrets.load(config, create=True)
    except (DatabaseRefused, SecretsError) as error:
        raise Refused(str(error)) from None


def _load_demo(config: Config, webhook_url: str) -> list[str]:
    # They bring Flask, which supervising does not need.
    from app.demo import load
    from app.wiring import open_services

    services = open_services(config, redis="required")
    with closing(services):
        return load(services, webhook_url)


def _warn_of_eviction(config: Config) -> None:
    """A Redis that drops keys to make room drops counters, and each of them admits its quota again."""
    store = Store(open_link(config.redis_url, 1.0, PUBLISHED_KEY, lambda _greeting: None))
    try:
        policy = store.server_setting("maxmemory-policy")
    except StoreError as error:
        _log.warning("REDIS_URL: no answer yet, serving without", reason=str(error))
        return
    finally:
        store.close()
    if policy not in (None, "noeviction"):
        _log.warning("REDIS_URL: maxmemory-policy should be noeviction: counters may be lost", policy=policy)


def _is_ready(config: Config) -> bool:
    connection = http.client.HTTPConnection(_ANY_HOST.get(config.host, config.host), config.port, timeout=1.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _python(module: str, *arguments: str) -> list[str]:
    """A command line that runs one of our modules; -P: nothing is imported from the working directory."""
    return [sys.executable, "-P", "-m", module, *arguments]
