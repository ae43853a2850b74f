"""Connections that are used again: whose, for how long, and what is sent twice."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.bitrix import network as network_module
from app.bitrix.network import MOST_KEPT, Destination, Network, NoAnswer
from tests.bitrix.raw_server import Behave, RawServer, answer, raw_server, reset

OK = answer(b"{}")


def post(network: Network, url: str, body: bytes = b"{}", *, allow_private: bool = True) -> bytes:
    to = Destination(url, allow_private)
    return network.post(to, "method.json", body, deadline=time.monotonic() + 3, largest=1_000_000)[1]


def test_one_connection_serves_call_after_call(network: Network, server: RawServer) -> None:
    for _ in range(20):
        post(network, server.url)
    assert [len(requests) for requests in server.requests] == [20]


def test_no_two_webhooks_share_a_connection(network: Network, server: RawServer) -> None:
    post(network, server.url)
    post(network, f"{server.url}2")
    post(network, server.url)
    assert [len(requests) for requests in server.requests] == [2, 1]


def test_what_was_opened_with_leave_does_not_serve_without(network: Network, server: RawServer) -> None:
    post(network, server.url)
    with pytest.raises(NoAnswer):
        post(network, server.url, allow_private=False)
    assert len(server.all_requests) == 1


@pytest.mark.parametrize("limit", ["LONGEST_REST", "LONGEST_USE"])
def test_a_connection_ends_with_its_time(
    network: Network, server: RawServer, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(network_module, limit, 0.0)
    for _ in range(3):
        post(network, server.url)
    assert len(server.requests) == 3


def test_a_host_is_looked_up_and_checked_again_for_each_new_connection(
    network: Network, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = iter([["127.0.0.1"], []])
    monkeypatch.setattr(network_module, "look_up", lambda *_: next(addresses))
    url = server.url.replace("127.0.0.1", "company.example")
    for _ in range(3):
        post(network, url)
    server.close_connections()
    with pytest.raises(NoAnswer, match="no public address"):
        post(network, url)


def test_so_many_connections_are_kept_and_no_more(network: Network, server: RawServer) -> None:
    urls = [f"{server.url}{number}" for number in range(MOST_KEPT + 5)]
    for url in urls:
        post(network, url)
    for url in reversed(urls):
        post(network, url)
    assert len(server.requests) == len(urls) + 5


def test_an_answer_that_says_close_is_believed(network: Network, server: RawServer) -> None:
    server.behave = answer(b"{}", headers="Connection: close\r\n")
    for _ in range(3):
        post(network, server.url)
    assert len(server.requests) == 3


@pytest.mark.parametrize("way", ["end", "reset", "farewell"])
def test_a_connection_that_was_closed_meanwhile_is_replaced(
    network: Network, server: RawServer, way: str
) -> None:
    closed = threading.Event()

    def answer_and_leave(connection: socket.socket, request: bytes) -> None:
        OK(connection, request)
        if way == "farewell":
            connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 2\r\n\r\n{}")
        if way == "reset":
            reset(connection)
        connection.close()
        closed.set()

    server.behave = answer_and_leave
    post(network, server.url)
    assert closed.wait(5)
    server.behave = OK
    assert post(network, server.url, b'"once"') == b"{}"
    assert [request[-6:] for request in server.all_requests].count(b'"once"') == 1


def test_what_was_not_sent_goes_out_on_a_new_connection(
    network: Network, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The end arrives after one has looked: here one never sees it.
    monkeypatch.setattr(network_module, "_is_readable", lambda _: False)
    closed = threading.Event()

    def answer_and_reset(connection: socket.socket, request: bytes) -> None:
        OK(connection, request)
        reset(connection)
        closed.set()

    server.behave = answer_and_reset
    post(network, server.url)
    assert closed.wait(5)
    server.behave = OK
    assert post(network, server.url, b'"once"') == b"{}"
    assert [request[-6:] for request in server.all_requests].count(b'"once"') == 1


def _length(body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "beyond",
    [_length(b'"smuggled"'), CHUNKED, b"junk", b"\r\n"],
    ids=["an answer", "chunks", "junk", "a line"],
)
@pytest.mark.parametrize("whole", [_length(b"{}"), CHUNKED], ids=["length", "chunked"])
def test_what_follows_an_answer_is_not_the_next_ones(
    network: Network, server: RawServer, whole: bytes, beyond: bytes
) -> None:
    server.behave = lambda connection, _: connection.sendall(whole + beyond)
    assert post(network, server.url, b"0") == b"{}"
    server.behave = lambda connection, request: connection.sendall(_length(request[-1:]))
    for body in (b"1", b"2"):
        assert post(network, server.url, body) == body
    assert [request[-1:] for request in server.all_requests] == [b"0", b"1", b"2"]
    assert [len(requests) for requests in server.requests] == [1, 2]


def test_an_answer_is_not_believed_when_nothing_was_sent_for_it(
    network: Network, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_module, "_is_readable", lambda _: False)
    answered, closed = threading.Event(), threading.Event()

    def bid_farewell(connection: socket.socket, request: bytes) -> None:
        OK(connection, request)
        assert answered.wait(5)
        connection.sendall(_length(b'"farewell"'))
        reset(connection)
        closed.set()

    server.behave = bid_farewell
    post(network, server.url)
    answered.set()
    assert closed.wait(5)
    server.behave = OK
    assert post(network, server.url, b'"once"') == b"{}"
    assert [request[-6:] for request in server.all_requests].count(b'"once"') == 1


def _end_after_the_request(connection: socket.socket, _: bytes) -> None:
    connection.close()


@pytest.mark.parametrize("behave", [_end_after_the_request, reset])
def test_what_may_have_arrived_is_not_sent_again(network: Network, server: RawServer, behave: Behave) -> None:
    post(network, server.url)
    server.behave = behave
    with pytest.raises(NoAnswer) as raised:
        post(network, server.url, b'"once"')
    assert (raised.value.sent, raised.value.broken) == (True, True)
    assert [request[-6:] for request in server.all_requests].count(b'"once"') == 1


def test_many_threads_each_get_their_own_answer(network: Network, server: RawServer) -> None:
    def echo(connection: socket.socket, request: bytes) -> None:
        answer(request.partition(b"\r\n\r\n")[2])(connection, request)

    def ask(number: int) -> bool:
        bodies = [json.dumps([number, count]).encode() for count in range(25)]
        return all(post(network, server.url, body) == body for body in bodies)

    server.behave = echo
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(16)))
    assert len(server.requests) <= 16


def test_closing_ends_what_rests(network: Network) -> None:
    with raw_server() as server:
        post(network, server.url)
        network.close()
        post(network, server.url)
        assert len(server.requests) == 2
