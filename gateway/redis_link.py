"""Connections to Redis, made for one thing: a trip that ends in time, or fails at once.

redis-py retries ten times with time-outs of seconds, which is right for a batch job and wrong for a
request. Here every trip has a deadline, nothing is retried, and after any error the connection is
thrown away, so that a late answer can never be taken for the next one's.

`ServerLink` sends packed commands over redis-py's own connections, which keeps TLS, authentication
and Sentinel and saves more than half of the client's time. A new connection is *greeted* before its
first use: the server's run id, clock and number of publications tell whether it can be believed.
`ClientLink` goes through an ordinary client: Redis Cluster, or fakeredis.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

Reply = Any
# RedisClusterException stands apart from the others.
_AWAY = (redis.RedisError, redis.exceptions.RedisClusterException, OSError)
Connection = Any  # redis-py's connections and clients come without types


class LinkError(Exception):
    """Redis did not answer in time, or not at all."""


class Greeting(NamedTuple):
    """What a server says of itself when a connection to it is made."""

    run_id: str
    clock_ahead_ms: float  # its clock less this process's monotonic clock
    published: int  # how many publications it remembers
    read_published: Callable[[], int]  # asks again


class Patience:
    """How long one request still waits for Redis, as a context that gives each trip its deadline.

    Only the trips are counted: what the source takes, and what a busy process waits for its turn, is
    no fault of Redis. For the same reason a trip always gets a tenth of the whole.
    """

    def __init__(self, seconds: float) -> None:
        self._left, self._least = seconds, seconds / 10
        self._began = 0.0

    def __enter__(self) -> float:
        self._began = time.monotonic()
        return self._began + max(self._left, self._least)

    def __exit__(self, *_: object) -> None:
        self._left -= time.monotonic() - self._began


class Link(Protocol):
    """One way of talking to Redis.

    `has_one_past` tells whether all that Redis holds gets lost or falls back together, so that one
    number can tell; the shards of a cluster do so each for itself.
    """

    has_one_past: bool

    def call(self, command: tuple[Any, ...], deadline: float) -> Reply:
        """Send one command and return its reply. `deadline` is monotonic, in seconds.

        Raises `LinkError`; `redis.ResponseError` when Redis answers with an error.
        """

    def call_all(self, commands: Sequence[tuple[Any, ...]], deadline: float) -> list[Reply]:
        """Send commands, in one trip where one server takes them all, and return their replies.

        An error that Redis answers is the reply in its place. Raises `LinkError`.
        """

    def server_deadline_ms(self, deadline: float) -> int:
        """Return a monotonic deadline by the server's clock, in milliseconds; 0 if it is unknown."""

    def scan(self, pattern: str) -> list[bytes]:
        """Return every key that matches."""

    def close(self) -> None:
        """Close the connections that nobody uses just now. A later call opens a new one."""


class Script:
    """A Lua script from a file, sent by its SHA-1."""

    def __init__(self, path: Path) -> None:
        self._text = path.read_text()
        self._sha1 = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def run(self, link: Link, number_of_keys: int, arguments: Sequence[Any], deadline: float) -> Reply:
        """Run the script in one trip, or two on a server that does not have it yet.

        `deadline` is monotonic, in seconds. Raises `LinkError` and `redis.ResponseError`.
        """
        try:
            return link.call(("EVALSHA", self._sha1, number_of_keys, *arguments), deadline)
        except redis.exceptions.NoScriptError:
            # Nothing ran, so to send it again counts nothing twice.
            return link.call(("EVAL", self._text, number_of_keys, *arguments), deadline)

    def run_all(
        self, link: Link, number_of_keys: int, calls: Sequence[Sequence[Any]], deadline: float
    ) -> list[Reply]:
        """Run the script with each of these arguments; it must bear being run twice.

        Raises as `run` does, for the first that fails; those before and behind it have run.
        """
        replies = link.call_all([("EVALSHA", self._sha1, number_of_keys, *call) for call in calls], deadline)
        if any(isinstance(reply, redis.exceptions.NoScriptError) for reply in replies):
            replies = link.call_all([("EVAL", self._text, number_of_keys, *call) for call in calls], deadline)
        return raise_first(replies)


def raise_first(replies: list[Reply]) -> list[Reply]:
    """Return the replies. Raises the first that is an error (`redis.ResponseError`)."""
    for reply in replies:
        if isinstance(reply, redis.ResponseError):
            raise reply
    return replies


class ServerLink:
    """Connections to one server, kept for reuse."""

    has_one_past = True

    def __init__(
        self,
        new_connection: Callable[[], Connection],
        published_key: str,
        on_greeting: Callable[[Greeting], None],
    ) -> None:
        """`on_greeting` hears of each new connection and raises `LinkError` to refuse it."""
        self._new_connection = new_connection
        self._published_key = published_key
        self._on_greeting = on_greeting
        self._idle: deque[Connection] = deque()
        self._clock_ahead_ms = 0.0

    def call(self, command: tuple[Any, ...], deadline: float) -> Reply:
        """Send one command over an idle connection, or over a new one when there is none."""
        return self._exchange(_trip, command, deadline)

    def call_all(self, commands: Sequence[tuple[Any, ...]], deadline: float) -> list[Reply]:
        """Send commands one behind the other, in one trip."""
        replies: list[Reply] = self._exchange(_trips, commands, deadline)
        return replies

    def _exchange(self, trip: Callable[[Connection, Any, float], Reply], sent: Any, deadline: float) -> Reply:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect(deadline)
        try:
            reply = trip(connection, sent, deadline)
        except redis.ResponseError:
            self._idle.append(connection)
            raise
        except BaseException:
            connection.disconnect()
            self.close()  # what broke one connection has most likely broken the idle ones too
            raise
        self._idle.append(connection)
        return reply

    def server_deadline_ms(self, deadline: float) -> int:
        """Return the deadline by the clock of the server that was greeted last."""
        return int(deadline * 1000 + self._clock_ahead_ms) if self._clock_ahead_ms else 0

    def scan(self, pattern: str) -> list[bytes]:
        """Return every key that matches, in as many trips as it takes."""
        found: list[bytes] = []
        cursor: Any = 0
        while True:
            command = ("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            cursor, keys = self.call(command, time.monotonic() + 5)
            found.extend(keys)
            if int(cursor) == 0:
                return found

    def close(self) -> None:
        """Close the idle connections."""
        with suppress(IndexError):
            while True:
                self._idle.pop().disconnect()

    def _connect(self, deadline: float) -> Connection:
        connection = self._new_connection()
        try:
            connection.socket_connect_timeout = connection.socket_timeout = _left(deadline)
            connection.connect()
            greeting = self._greet(connection, deadline)
            self._clock_ahead_ms = greeting.clock_ahead_ms
            self._on_greeting(greeting)
        except _AWAY as error:
            connection.disconnect()
            raise LinkError(str(error)) from error
        except BaseException:
            connection.disconnect()
            raise
        return connection

    def _greet(self, connection: Connection, deadline: float) -> Greeting:
        ask_published = ("GET", self._published_key)
        questions = ("INFO", "server"), ("TIME",), ask_published
        connection.send_packed_command(connection.pack_commands(questions), check_health=False)
        info, (seconds, microseconds), published = (
            connection.read_response(timeout=_left(deadline)) for _ in questions
        )
        ahead = int(seconds) * 1000 + int(microseconds) / 1000 - time.monotonic() * 1000
        ask_again = partial(_trip, connection, ask_published, deadline)
        return Greeting(_run_id(info), ahead, int(published or 0), lambda: int(ask_again() or 0))


class ClientLink:
    """An ordinary redis-py client, made when it is first used: that of a cluster asks the cluster at once."""

    has_one_past = False

    def __init__(self, new_client: Callable[[], Any]) -> None:
        self._new_client = new_client
        self._client: Any = None

    def call(self, command: tuple[Any, ...], deadline: float) -> Reply:
        """Send one command. The client's own time-outs bound it; the deadline only keeps it from starting."""
        _left(deadline)
        try:
            return self._opened().execute_command(*command)
        except redis.ResponseError:
            raise
        except _AWAY as error:
            raise LinkError(str(error)) from error

    def call_all(self, commands: Sequence[tuple[Any, ...]], deadline: float) -> list[Reply]:
        """Send commands one after the other: each may be for another server."""
        return [self._reply_or_error(command, deadline) for command in commands]

    def _reply_or_error(self, command: tuple[Any, ...], deadline: float) -> Reply:
        try:
            return self.call(command, deadline)
        except redis.ResponseError as error:
            return error

    def server_deadline_ms(self, deadline: float) -> int:
        """Return 0: several servers, several clocks."""
        return 0

    def scan(self, pattern: str) -> list[bytes]:
        """Return every key that matches, on every primary."""
        try:
            return list(self._opened().scan_iter(match=pattern, count=1000))
        except _AWAY as error:
            raise LinkError(str(error)) from error

    def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            self._client.close()

    def _opened(self) -> Any:
        if self._client is None:
            self._client = self._new_client()
        return self._client


def open_link(url: str, timeout: float, published_key: str, on_greeting: Callable[[Greeting], None]) -> Link:
    """Return the link for a ``REDIS_URL``; nothing is connected yet.

    Schemes: ``redis``, ``rediss``, ``unix``, ``redis+cluster``, ``redis+sentinel://host,host/name``.
    `timeout` is in seconds. Raises ValueError when the URL is none of them.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        # Each word of a handshake is one more trip, with the whole time-out for itself.
        "protocol": 2,
        "driver_info": None,
        # A pool counts the connections that it ever made; ours are thrown away without its knowing.
        "max_connections": 2**31,
    }
    scheme = url.partition("://")[0]
    if scheme == "redis+cluster":
        plain = "redis" + url.removeprefix("redis+cluster")
        return ClientLink(partial(redis.RedisCluster.from_url, plain, **options))
    if scheme == "redis+sentinel":
        pool = _sentinel_pool(url, options)
    elif scheme in ("redis", "rediss", "unix"):
        pool = redis.ConnectionPool.from_url(url, **options)
    else:
        raise ValueError(f"unknown scheme {scheme}://")
    return ServerLink(pool.make_connection, published_key, on_greeting)


def _sentinel_pool(url: str, options: dict[str, Any]) -> redis.ConnectionPool:
    parts = urlsplit(url)
    hosts = [host.rpartition(":") for host in parts.netloc.rpartition("@")[2].split(",")]
    sentinels = [(name or port, int(port) if name else 26379) for name, _, port in hosts]
    database = int(parse_qs(parts.query).get("db", ["0"])[0])
    credentials = {"username": parts.username, "password": parts.password} if parts.password else {}
    sentinel: Any = redis.Sentinel(sentinels, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
    service = sentinel.master_for(parts.path.strip("/"), db=database, **options, **credentials)
    pool: redis.ConnectionPool = service.connection_pool
    return pool


def _trip(connection: Connection, command: tuple[Any, ...], deadline: float) -> Reply:
    # Taken before sending: a busy process may get on only when the reply has long been there.
    left = _left(deadline)
    try:
        # The connection's own pack_command() looks at each argument in Python before it does the same.
        connection.send_packed_command([hiredis.pack_command(command)], check_health=False)
        return connection.read_response(timeout=left)
    except redis.ResponseError:
        raise
    except _AWAY as error:
        raise LinkError(str(error)) from error


def _trips(connection: Connection, commands: Sequence[tuple[Any, ...]], deadline: float) -> list[Reply]:
    left = _left(deadline)
    try:
        connection.send_packed_command(
            [hiredis.pack_command(command) for command in commands], check_health=False
        )
        replies = [_reply(connection, left)]
        replies.extend(_reply(connection, _left(deadline)) for _ in commands[1:])
        return replies
    except _AWAY as error:
        raise LinkError(str(error)) from error


def _reply(connection: Connection, left: float) -> Reply:
    try:
        return connection.read_response(timeout=left)
    except redis.ResponseError as error:
        return error


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise LinkError("no time left")
    return left


def _run_id(info: bytes) -> str:
    lines = info.decode().splitlines()
    return next((line.partition(":")[2] for line in lines if line.startswith("run_id:")), "")
