"""Single moments at which the load tests have found, or could not often enough find, a fault."""

from __future__ import annotations

import socket
import threading
import time
from itertools import count
from pathlib import Path

import pytest

from gateway.host_table import HostTable
from gateway.limits import Limit
from gateway.redis_link import Greeting, open_link
from gateway.store import PUBLISHED_KEY
from tests.gateway.rig import START, Rig

LIMIT = (Limit("key", 100, 3600, "lineage"),)


def test_a_count_made_here_while_redis_comes_back_is_not_given_by_redis_too(tmp_path: Path) -> None:
    host = HostTable(tmp_path)
    host.believe(host.epoch())
    asked = host.standing(LIMIT, START)
    counts, _ = host.count(LIMIT, START, enforce=True)  # by a worker that found Redis away, a moment ago
    assert counts == (1,)
    assert not host.settle(asked.epoch, LIMIT, (1,), START)
    host.close()


def test_a_server_that_took_over_during_a_recovery_is_not_believed_for_the_one_before(
    valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(valkey_url, tmp_path)
    worker = rig.workers[0]
    worker.trust.lose("for the test")
    ask, others = worker.store.published, count()

    def ask_before_another_takes_over() -> int:
        number = ask()
        worker.host_table.meet_server(f"another server, {next(others)}")
        return number

    monkeypatch.setattr(worker.store, "published", ask_before_another_takes_over)
    assert not worker.trust.recover(worker.store, rig.source)
    rig.close()


def test_connections_can_be_made_anew_without_end(valkey_url: str) -> None:
    """Each attempt to reach a Redis that is away is one, ten a second in each worker."""
    link = open_link(valkey_url, 5.0, PUBLISHED_KEY, lambda greeting: None)
    for _ in range(300):
        assert link.call(("PING",), time.monotonic() + 5.0) == b"PONG"
        link.close()


def test_a_new_connection_is_greeted_in_one_trip(tmp_path: Path) -> None:
    """Each trip more is waited for by a request, by all of them at once when Redis has come back."""
    greetings: list[Greeting] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "redis.sock"))
        listener.listen()
        server = threading.Thread(target=_answer_when_all_is_asked, args=(listener,))
        server.start()
        link = open_link(f"unix://{tmp_path}/redis.sock", 5.0, PUBLISHED_KEY, greetings.append)
        assert link.call(("PING",), time.monotonic() + 5.0) == b"PONG"
        link.close()
        server.join()
    assert [(greeting.run_id, greeting.published) for greeting in greetings] == [("abc", 7)]


def _answer_when_all_is_asked(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        asked = b""
        while PUBLISHED_KEY.encode() not in asked:
            asked += connection.recv(4096)
        connection.sendall(b"$10\r\nrun_id:abc\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n7\r\n")
        assert b"PING" in connection.recv(4096)
        connection.sendall(b"+PONG\r\n")
