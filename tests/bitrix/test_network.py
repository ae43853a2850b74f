"""The way out: to which addresses, for how long, for how much; against servers on real sockets."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
import traceback
from pathlib import Path

import pytest

from app.bitrix import addresses as addresses_module
from app.bitrix import network as network_module
from app.bitrix.addresses import is_public, may_be_public
from app.bitrix.network import Destination, Network, NoAnswer, Reply
from tests.bitrix.raw_server import SECRET, Behave, RawServer, answer, drip, raw, raw_server
from tests.certificates import self_signed

SHORT = 0.3
LARGEST = 1_000_000
OK = answer(b"{}")


def post(
    network: Network,
    url: str,
    *,
    body: bytes = b"{}",
    allow_private: bool = True,
    seconds: float = 3.0,
    largest: int = LARGEST,
) -> Reply:
    to = Destination(url, allow_private)
    return network.post(to, "profile.json", body, deadline=time.monotonic() + seconds, largest=largest)


def failure(network: Network, url: str, *, allow_private: bool = True, seconds: float = 3.0) -> NoAnswer:
    with pytest.raises(NoAnswer) as raised:
        post(network, url, allow_private=allow_private, seconds=seconds)
    told = "".join(traceback.format_exception(raised.value))
    assert SECRET not in told
    return raised.value


def test_a_request_is_a_post_of_json_below_the_webhook(network: Network, server: RawServer) -> None:
    server.behave = answer(b'{"a": 1}', "418 I'm a teapot")
    assert post(network, server.url, body=b'{"id": 5}')[:2] == (418, b'{"a": 1}')
    head, _, body = server.all_requests[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST /rest/1/{SECRET}/profile.json HTTP/1.1\r\n".encode())
    assert f"host: 127.0.0.1:{server.port}".encode() in head.lower()
    assert b"content-type: application/json" in head.lower()
    assert body == b'{"id": 5}'


@pytest.mark.parametrize(
    "target", ["/a;b=c", "/a;b=c/d;e?f=g;h", "/?q", "/a//b/", "/%2F;%3B", "//a", "/a=b&c,d:e@f"]
)
def test_the_whole_path_and_query_of_a_webhook_are_called(
    network: Network, server: RawServer, target: str
) -> None:
    to = Destination(f"http://127.0.0.1:{server.port}{target}", allow_private=True)
    network.post(to, "", b"{}", deadline=time.monotonic() + 3, largest=1_000)
    assert server.all_requests[0].split(b"\r\n")[0] == f"POST {target} HTTP/1.1".encode()


@pytest.mark.parametrize("host", ["[::1]", "[2606:4700::1111]", "company.example"])
def test_the_host_header_names_the_host_as_the_url_does(
    network: Network, server: RawServer, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(network_module, "look_up", lambda *_: ["127.0.0.1"])
    post(network, server.url.replace("127.0.0.1", host))
    assert f"\r\nhost: {host}:{server.port}\r\n".encode() in server.all_requests[0].lower()


@pytest.mark.parametrize(
    "behave",
    [
        raw(b""),
        raw(b"HTTP/1.1 200 O"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        raw(b"this is not HTTP\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000),
    ],
    ids=["no byte", "in the status", "in the body", "in a chunk", "not HTTP", "headers without an end"],
)
def test_an_answer_that_breaks_off_was_sent_for(network: Network, server: RawServer, behave: Behave) -> None:
    server.behave = behave
    broken = failure(network, server.url)
    assert (broken.sent, broken.broken) == (True, True)
    assert len(server.all_requests) == 1


def test_a_redirect_is_an_answer_and_not_followed(network: Network, server: RawServer) -> None:
    with raw_server() as elsewhere:
        server.behave = answer(b"", "302 Found", f"Location: {elsewhere.url}\r\n")
        assert post(network, server.url)[:2] == (302, b"")
        assert not elsewhere.requests
    assert len(server.all_requests) == 1


@pytest.mark.parametrize("way", ["silent", "slow head", "slow body", "slow interim answers"])
def test_a_slow_server_is_given_up_at_the_deadline(network: Network, server: RawServer, way: str) -> None:
    server.behave = {
        "silent": lambda connection, request: server.stopping.wait(),
        "slow head": drip(server, b"HTTP/1.1 200 OK\r\nX-Slow: "),
        "slow body": drip(server, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        "slow interim answers": drip(server, b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    }[way]
    began = time.monotonic()
    late = failure(network, server.url, seconds=SHORT)
    assert SHORT <= time.monotonic() - began < 10 * SHORT
    assert (str(late), late.sent, late.broken) == ("no answer in time", True, False)


def test_a_server_that_does_not_read_is_given_up_at_the_deadline(network: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/rest/1/{SECRET}"
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="in time"):
            post(network, url, body=b"x" * 50_000_000, seconds=SHORT)
        assert time.monotonic() - began < 10 * SHORT


def test_a_tls_handshake_that_never_ends_is_given_up_at_the_deadline(
    network: Network, server: RawServer
) -> None:
    server.behave = lambda connection, request: server.stopping.wait()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/rest/1/{SECRET}"
        late = failure(network, url, seconds=SHORT)
    assert (str(late), late.sent) == ("no connection in time", False)


def test_an_answer_of_the_largest_size_is_read_and_one_byte_more_is_not(
    network: Network, server: RawServer
) -> None:
    server.behave = answer(b"x" * LARGEST)
    assert len(post(network, server.url)[1]) == LARGEST
    server.behave = answer(b"x" * (LARGEST + 1))
    assert "larger than" in str(failure(network, server.url))
    server.behave = OK
    assert post(network, server.url).body == b"{}", "the rest of the other answer is not read as this one"


def test_an_endless_answer_is_cut_off(network: Network, server: RawServer) -> None:
    def endless(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not server.stopping.is_set():
            connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")

    server.behave = endless
    too_large = failure(network, server.url)
    assert (too_large.sent, too_large.broken) == (True, False)


def test_nobody_listens(network: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert not failure(network, f"http://127.0.0.1:{port}/rest/1/{SECRET}").sent


def test_a_name_that_does_not_exist(network: Network) -> None:
    assert not failure(network, f"https://company.invalid/rest/1/{SECRET}", seconds=10.0).sent


def test_a_resolver_that_takes_too_long_is_given_up(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    monkeypatch.setattr(addresses_module.socket, "getaddrinfo", lambda *_, **__: ended.wait() and [])
    assert not failure(network, f"https://company.example/rest/1/{SECRET}", seconds=SHORT).sent
    ended.set()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_without_leave_no_private_address_is_called(
    network: Network, server: RawServer, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
    monkeypatch.setattr(addresses_module.socket, "getaddrinfo", lambda *_, **__: found)
    url = server.url.replace("http", scheme, 1).replace("127.0.0.1", "company.example")
    refused = failure(network, url, allow_private=False)
    assert str(refused) in ("its host has no public address", "its webhook is not https")
    assert not refused.sent
    assert not server.requests


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.1.2.3", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b::169.254.169.254", False),
        ("64:ff9b:1::8.8.8.8", False),
        ("64:ff9b:1::a9fe:a9fe", False),
        ("::8.8.8.8", False),
        ("::127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("::ffff:0:8.8.8.8", False),
        ("::ffff:0:127.0.0.1", False),
        ("fec0::1", False),
        ("4000::1", False),
        ("5f00::1", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("2001:2::1", False),
        ("2002:7f00:1::", False),
        ("2002:808:808::", True),
        ("2001:0:808:808:8000:63bf:f7f7:f7f7", True),  # Teredo: 8.8.8.8 by way of 8.8.8.8
        ("2001:0:7f00:1:8000:63bf:f7f7:f7f7", False),
        ("2001:0:808:808:8000:63bf:80ff:fffe", False),
        ("192.0.0.1", False),
        ("192.0.0.9", False),
        ("192.0.0.192", False),
        ("192.88.99.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("host", "may_be"),
    [
        *[
            (host, True)
            for host in ("example.com", "EXAMPLE.com.", "a.b-c.1x.example", "my_hooks.example.com")
        ],
        *[(host, True) for host in ("xn--mnchen-3ya.de", "internal.example.com", "localhost.example.com")],
        *[(host, True) for host in ("8.8.8.8", "8.8.8.8.", "2606:4700::1111")],
        *[(host, False) for host in ("", ".", "intranet", "localhost", "localhost.", "LOCALHOST.")],
        *[
            (host, False)
            for host in ("foo.localhost", "foo.local", "foo.internal.", "home.arpa", "a.home.arpa")
        ],
        *[(host, False) for host in ("a.lan", "a.corp", "a.home", "a.intranet", "a.private", "local.")],
        *[(host, False) for host in ("127.0.0.1", "127.0.0.1.", "10.1", "127.1.", "2130706433", "0x7f.1")],
        *[(host, False) for host in ("0x7F000001", "0177.0.0.1", "8.8.2056", "1.2.3.4.5", "a.b.0x", "a.10")],
        *[(host, False) for host in ("::1", "::1%eth0", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1")],
        *[(host, False) for host in ("a..example.com", "example.com..", ".example.com", "a b.example.com")],
        *[(host, False) for host in ("127%2e0%2e0%2e1", "a/b.com", f"{'a' * 64}.com", "a." * 127 + "a")],
    ],
)
def test_which_hosts_may_be_public_as_far_as_their_names_tell(host: str, may_be: bool) -> None:
    assert may_be_public(host) is may_be


def test_the_connection_goes_to_the_address_that_was_checked(
    network: Network, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name that is public when it is checked and private when it is connected to.
    looked_up: list[str] = []

    def rebinding(host: str, *_: object, **__: object) -> list[object]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]

    monkeypatch.setattr(network_module, "look_up", lambda *_: ["127.0.0.1"])
    monkeypatch.setattr(addresses_module.socket, "getaddrinfo", rebinding)
    post(network, server.url.replace("127.0.0.1", "company.example"))
    assert set(looked_up) <= {"127.0.0.1"}, "the name is not looked up again"
    assert b"host: company.example" in server.all_requests[0].lower()


@pytest.mark.parametrize(
    ("trusted", "name", "served"),
    [(True, "company.example", True), (True, "other.example", False), (False, "company.example", False)],
)
def test_tls_is_checked_against_the_name_and_not_the_address(
    network: Network,
    server: RawServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,
    name: str,
    served: bool,
) -> None:
    file = self_signed(tmp_path, "company.example")
    server.use_tls(file)
    monkeypatch.setattr(network_module, "look_up", lambda *_: ["127.0.0.1"])
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    url = server.url.replace("http", "https", 1).replace("127.0.0.1", name)
    if served:
        assert [post(network, url)[0] for _ in range(3)] == [200] * 3
        assert len(server.requests) == 1
    else:
        assert not failure(network, url).sent
        assert not server.all_requests


def test_the_next_address_is_tried_when_the_first_refuses(
    network: Network, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_module, "look_up", lambda *_: ["::1", "127.0.0.1"])
    assert post(network, server.url)[0] == 200


def test_an_address_that_swallows_everything_leaves_time_for_the_next(
    network: Network, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        contextlib.ExitStack() as held,
        socket.create_server(("127.0.0.2", server.port), backlog=0) as swallowing,
    ):
        for _ in range(3):  # more than it has room for: the next one's first packet is dropped
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(swallowing.getsockname())
        monkeypatch.setattr(network_module, "look_up", lambda *_: ["127.0.0.2", "127.0.0.1"])
        assert post(network, server.url, seconds=2 * SHORT)[0] == 200


def test_no_log_of_any_level_holds_the_secret(
    network: Network, server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        post(network, server.url)
        server.behave = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        failure(network, server.url)
    assert caplog.records, "httpcore tells what it does"
    assert SECRET not in caplog.text
    assert SECRET not in repr(Destination(server.url, True))
