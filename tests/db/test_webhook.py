"""The webhook's probe, against a server on a real socket that misbehaves in every way."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.bitrix import webhook
from app.bitrix.webhook import LARGEST_ANSWER, probe
from app.errors import ApiError

PROFILE = json.dumps({"result": {"ID": "1", "ADMIN": True}, "time": {}}).encode()
SHORT = 0.3

Behave = Callable[[socket.socket], None]


class Server:
    """Takes connections and behaves as it is told; `requests` has what it was sent."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.behave: Behave = _answer(PROFILE)
        self.stopping = threading.Event()
        self._tls: ssl.SSLContext | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/rest/1/s3cr3t"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def use_tls(self, certificate: Path) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)

    def close(self) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
        with connection:
            self.requests.append(_whole_request(connection))
            self.behave(connection)


def _whole_request(connection: socket.socket) -> bytes:
    """Read up to the end of the body `{}`: what is left unread when a socket is closed resets the connection,
    and the answer is lost on the way."""
    request = b""
    while not request.endswith(b"\r\n\r\n{}") and (part := connection.recv(65_536)):
        request += part
    return request


def _answer(body: bytes, status: str = "200 OK", headers: str = "") -> Behave:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n".encode()
    return lambda connection: connection.sendall(head + body)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def _refusal(url: str, *, allow_private: bool = True, time_limit: float = SHORT) -> str:
    with pytest.raises(ApiError) as refused:
        probe(url, allow_private=allow_private, time_limit=time_limit)
    assert (refused.value.code, refused.value.status) == ("BITRIX_UNAVAILABLE", 502)
    assert "s3cr3t" not in f"{refused.value!r} {refused.value.details}"
    assert refused.value.__cause__ is None
    return refused.value.message


def test_a_webhook_that_answers_is_asked_for_its_profile(server: Server) -> None:
    for url in (server.url, f"{server.url}/"):
        probe(url, allow_private=True)
    for request in server.requests:
        assert request.startswith(b"POST /rest/1/s3cr3t/profile.json HTTP/1.1\r\n")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "behave",
    [
        _answer(b"not JSON"),
        _answer(b"[]"),
        _answer(b'{"error": "INVALID_CREDENTIALS"}'),
        _answer(b'{"result": true}'),
        _answer(b"[" * 100_000),
        _answer(b'{"result": {}}'.ljust(LARGEST_ANSWER + 1)),
        _answer(PROFILE, "401 Unauthorized"),
        _answer(PROFILE, "503 Service Unavailable"),
        _answer(b"", "204 No Content"),
        lambda connection: connection.sendall(b"this is not HTTP\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        lambda connection: connection.close(),
    ],
    ids=[
        "not JSON",
        "a list",
        "an error",
        "no profile",
        "too deep",
        "too large",
        "401",
        "503",
        "empty",
        "not HTTP",
        "cut off",
        "closed",
    ],
)
def test_a_wrong_answer_is_unavailable(server: Server, behave: Behave) -> None:
    server.behave = behave
    assert "127.0.0.1" in _refusal(server.url, time_limit=3.0)


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.behave = _answer(PROFILE, "302 Found", f"Location: {server.url}/elsewhere\r\n")
    assert "302" in _refusal(server.url)
    assert len(server.requests) == 1


def _drip(server: Server, head: bytes) -> Behave:
    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        while not server.stopping.wait(0.02):
            connection.sendall(b"x")

    return behave


@pytest.mark.parametrize("way", ["silent", "slow head", "slow body"])
def test_a_slow_server_is_given_up_when_the_time_is_over(server: Server, way: str) -> None:
    server.behave = {
        "silent": lambda connection: server.stopping.wait(),
        "slow head": _drip(server, b"HTTP/1.1 200 OK\r\nX-Slow: "),
        "slow body": _drip(server, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
    }[way]
    began = time.monotonic()
    assert "no answer within" in _refusal(server.url)
    assert SHORT <= time.monotonic() - began < 10 * SHORT


def test_an_endless_answer_is_cut_off(server: Server) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not server.stopping.is_set():
            connection.sendall(b"10000\r\n" + b" " * 65_536 + b"\r\n")

    server.behave = endless
    assert "1 MiB" in _refusal(server.url, time_limit=3.0)


def test_nobody_listening_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    _refusal(f"http://127.0.0.1:{port}/rest/1/s3cr3t")


def test_a_name_that_does_not_exist_is_unavailable() -> None:
    _refusal("https://company.invalid/rest/1/s3cr3t", time_limit=3.0)


def test_a_resolver_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(webhook.socket, "getaddrinfo", lambda *_, **__: ended.wait() and [])
    assert "no answer within" in _refusal("https://company.example/rest/1/s3cr3t")
    ended.set()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_without_leave_no_private_address_is_called(server: Server, scheme: str) -> None:
    url = server.url.replace("http", scheme, 1)
    reason = _refusal(url, allow_private=False)
    assert "no public address" in reason or "not https" in reason
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
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert webhook._is_public(address) is public


def test_the_connection_goes_to_the_address_that_was_checked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name that is public when it is checked and private when it is connected to.
    port = int(server.url.split(":")[2].split("/")[0])
    looked_up: list[str] = []

    def rebinding(host: str, *_: object, **__: object) -> list[object]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(webhook, "_look_up", lambda *_: ["127.0.0.1"])
    monkeypatch.setattr(webhook.socket, "getaddrinfo", rebinding)
    probe(server.url.replace("127.0.0.1", "company.example"), allow_private=True)
    assert set(looked_up) <= {"127.0.0.1"}, (
        "only the address is connected to, the name is not looked up again"
    )
    assert b"Host: company.example" in server.requests[0]


def _certificate(folder: Path, name: str) -> Path:
    """Write a certificate for `name`, signed by itself, and its key into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("trusted", "name", "served"),
    [(True, "company.example", True), (True, "other.example", False), (False, "company.example", False)],
)
def test_tls_is_checked_against_the_name_and_not_the_address(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool, name: str, served: bool
) -> None:
    file = _certificate(tmp_path, "company.example")
    server.use_tls(file)
    monkeypatch.setattr(webhook, "_look_up", lambda *_: ["127.0.0.1"])
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    url = server.url.replace("http", "https", 1).replace("127.0.0.1", name)
    if served:
        probe(url, allow_private=True)
    else:
        _refusal(url, time_limit=3.0)


def test_the_next_address_is_tried_when_the_first_does_not_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "_look_up", lambda *_: ["::1", "127.0.0.1"])
    probe(server.url, allow_private=True)
