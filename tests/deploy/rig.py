"""nginx by `deploy/nginx.conf`, the service by the Procfile's `web` line behind it, and who calls them."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from app.serve.child import end_with
from tests.certificates import self_signed
from tests.deploy.nginx_binary import nginx_binary
from tests.serve.processes import PATIENCE, REPOSITORY, eventually, free_port, living

CONF = REPOSITORY / "deploy/nginx.conf"
HOST = "keys.example.com"
"""The server_name in the configuration."""
PROXY = "127.0.0.1"
"""From where nginx comes to the service.  Clients come from other addresses of the loopback network."""
CLIENT = "127.0.0.2"

_MAIN = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/main.error.log;
{user}
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/vibekeys.conf;
}}
"""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal, which has all that the envelope asks for."""
        refusal = self.json
        assert refusal.keys() == {"success", "error"}
        assert refusal["success"] is False
        assert refusal["error"]["message"]
        assert refusal["error"]["requestId"] == self.headers["X-Request-Id"]
        assert self.headers["Content-Type"] == "application/json"
        return str(refusal["error"]["code"])


class Web:
    """The Procfile's `web` process."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        (line,) = (
            line for line in (REPOSITORY / "Procfile").read_text().splitlines() if line.startswith("web:")
        )
        self.port, self.log = int(environ["PORT"]), log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                shlex.split(line.removeprefix("web:")),
                env=environ,
                cwd=REPOSITORY,
                stderr=output,
                preexec_fn=partial(end_with, os.getpid()),  # also when the test run is killed
            )
        eventually(lambda: is_listening(self.port), f"the service answers, see {log}")

    def reload(self) -> None:
        """Send HUP; return once all workers are new ones."""
        before = self.workers()
        self._process.send_signal(signal.SIGHUP)
        eventually(lambda: self.workers().isdisjoint(before) and self.workers(), "new workers, and no others")

    def workers(self) -> set[int]:
        return {process.pid for process in living().values() if process.parent == self._process.pid}

    def connections(self) -> int:
        """How many connections to it are open, kept ones included."""
        rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        return sum(row[1].endswith(f":{self.port:04X}") and row[3] == "01" for row in rows)

    def requests(self) -> dict[str, dict[str, Any]]:
        """What it logged of each request so far, by the id of the request."""
        whole, _, _ = self.log.read_text().rpartition("\n")
        events = (json.loads(line) for line in whole.splitlines())
        return {event["request_id"]: event for event in events if event["event"] == "request"}

    def request(self, answer: Answer) -> dict[str, Any]:
        """What it logs of a request, which it does once the answer has gone."""
        request_id = answer.headers["X-Request-Id"]
        eventually(lambda: request_id in self.requests(), f"the request {request_id} is in the log")
        return self.requests()[request_id]

    def end(self) -> None:
        self._process.terminate()
        assert self._process.wait(PATIENCE) == 0, self.log.read_text()


class Nginx:
    """A real nginx with the configuration as it is, but for addresses, paths, and what `changed` replaces."""

    def __init__(self, folder: Path, service_port: int, changed: Mapping[str, str] = {}) -> None:
        folder.mkdir()
        self.folder, self.http, self.https = folder, free_port(), free_port()
        certificate = self_signed(folder, HOST, PROXY)
        for name in ("fullchain.pem", "privkey.pem"):
            (folder / name).symlink_to(certificate)
        conf = CONF.read_text()
        for here, there in {
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{service_port};",
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.https} ssl;",
            "listen [::]:80;": "",
            "listen [::]:443 ssl;": "",
            "/etc/ssl/vibekeys/": f"{folder}/",
            "/var/log/nginx/": f"{folder}/",
            **changed,
        }.items():
            assert here in conf, here
            conf = conf.replace(here, there)
        (folder / "vibekeys.conf").write_text(conf)
        # The workers of a root's nginx would be nobody's, and could not write below the folders of a test.
        user = "user root root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user))
        self._trust = ssl.create_default_context(cafile=str(certificate))
        self._process = subprocess.Popen(
            [nginx_binary(), "-e", folder / "main.error.log", "-p", folder, "-c", folder / "nginx.conf"],
            preexec_fn=partial(end_with, os.getpid()),
        )
        eventually(self._has_started, f"nginx listens, see {folder}/main.error.log")

    def connected(self, client: str = CLIENT, port: int = 0) -> socket.socket:
        """A connection from the address, by TLS unless the port is another one."""
        address = "127.0.0.1", port or self.https
        plain = socket.create_connection(address, PATIENCE, source_address=(client, 0))
        return plain if port else self._trust.wrap_socket(plain, server_hostname=HOST)

    def say(self, said: bytes, client: str = CLIENT, port: int = 0) -> list[Answer]:
        """Send this as it is; return all answers up to the end of the connection."""
        with self.connected(client, port) as connection:
            connection.sendall(said)
            return list(answers_on(connection))

    def ask(
        self,
        method: str,
        path: str,
        key: str = "",
        *,
        body: bytes = b"",
        headers: Mapping[str, str] = {},
        client: str = CLIENT,
    ) -> Answer:
        """One request on a connection of its own."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Connection: close"]
        lines += [f"X-Api-Key: {key}"] * bool(key) + [f"{name}: {value}" for name, value in headers.items()]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        with self.connected(client) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            return next(answers_on(connection, method))

    def lines(self) -> dict[str, dict[str, Any]]:
        """Its access log so far, by the id of the request."""
        whole, _, _ = (self.folder / "vibekeys.log").read_text().rpartition("\n")
        lines = (json.loads(line) for line in whole.splitlines())
        return {line["request_id"]: line for line in lines}

    def line(self, answer: Answer) -> dict[str, Any]:
        """What it logs of a request, which it does once the answer has gone."""
        request_id = answer.headers["X-Request-Id"]
        eventually(lambda: request_id in self.lines(), f"the request {request_id} is in nginx's log")
        return self.lines()[request_id]

    def logged(self) -> str:
        """Everything in its logs."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(PATIENCE) == 0, self.logged()

    def _has_started(self) -> bool:
        assert self._process.poll() is None, self.logged()
        return is_listening(self.https)


@contextmanager
def nginx(folder: Path, service_port: int, changed: Mapping[str, str] = {}) -> Iterator[Nginx]:
    """nginx in front of the port, until the block is left."""
    started = Nginx(folder, service_port, changed)
    try:
        yield started
    finally:
        started.end()


def answers_on(connection: socket.socket, method: str = "GET") -> Iterator[Answer]:
    """The answers as they come, until the other side closes."""
    with closing(connection.makefile("rb")) as stream:
        while line := stream.readline():
            status, headers = int(line.split()[1]), http.client.parse_headers(stream)
            if status < 200:  # 100 Continue
                continue
            length = 0 if method == "HEAD" or status == 204 else int(headers["Content-Length"])
            yield Answer(status, headers, stream.read(length))


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True


def with_our_programs(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, with the programs of this virtual environment first on the path."""
    return {**environ, "PATH": f"{Path(sys.executable).parent}:{environ['PATH']}"}
