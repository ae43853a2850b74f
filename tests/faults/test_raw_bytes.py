"""Q7: whatever bytes come on a connection, it ends soon, and each answer is one that the service promises."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from app.errors import ERRORS
from app.registry import ROUTES, Route
from app.serve.refusal import _REASONS
from tests.api.described import Described
from tests.conftest import ValkeyServer
from tests.faults.callers import issue_one_of_each_type
from tests.faults.crowd import in_a_process
from tests.faults.drawing import for_each_drawn
from tests.faults.figures import Figures
from tests.faults.raw_http import Call, RawAnswer, answers_in, exchange, sized, streams
from tests.faults.service import installation

WITHOUT_KEY = (b"/healthz", b"/readyz", b"/metrics", b"/docs/openapi.json")
BY_THE_SERVER = {status for status, _ in _REASONS.values()}
REFUSAL = {"$ref": "#/components/schemas/ErrorAnswer"}


class Judge:
    """Sends streams, and counts what is wrong with the answers."""

    def __init__(self, port: int, document: Any) -> None:
        self._port, self._described = port, Described(document)
        self.sent = 0
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.wrong: list[str] = []

    def send(self, stream: bytes) -> None:
        """Send a stream, and judge each answer to it."""
        self.sent += 1
        began = time.monotonic()
        try:
            received = exchange(self._port, stream)
            for answer in answers_in(received, to=stream):
                self.statuses[answer.status] += 1
                if flaw := self._flaw(answer):
                    self.wrong.append(f"{stream!r}: {flaw}")
        except (OSError, ValueError) as error:
            self.wrong.append(f"{stream!r}: {error!r}")
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _flaw(self, answer: RawAnswer) -> str | None:
        if answer.status >= 500 or answer.headers["content-type"] != "application/json":
            return f"{answer}"
        if not answer.body:
            return None
        if answer.status < 400:
            return None if isinstance(answer.json(), dict) else f"{answer}"
        flaws = self._described.flaws(REFUSAL, answer.json())
        error = answer.json()["error"]
        if not _belong_together(answer.status, error["code"]):
            flaws.append(f"{answer.status} {error['code']}")
        if error["requestId"] != answer.headers["x-request-id"]:
            flaws.append("another request id")
        return "; ".join(flaws) or None


def _of_example(route: Route) -> Call:
    example = route.example
    target = f"{route.path.format_map(example.path)}?{urlencode(example.query)}"
    body = "" if example.body is None else json.dumps(example.body)
    return Call(route.method.encode(), target.removesuffix("?").encode(), sized(body.encode()))


def _belong_together(status: int, code: str) -> bool:
    return status == ERRORS[code].status or (code == "VALIDATION_ERROR" and status in BY_THE_SERVER)


def test_whatever_bytes_come_no_answer_is_outside_what_is_promised(
    tmp_path: Path, valkey_server: ValkeyServer, figures: Figures, soak: bool
) -> None:
    wanted = 100_000 if soak else 2_500
    with installation(tmp_path, valkey_server, servers=1, portal_keys=0) as made:
        keys = in_a_process(issue_one_of_each_type, made.environ, made.made)
        caller = made.servers[0].caller()
        judge = Judge(made.servers[0].port, caller.call("GET", "/v1/openapi.json", keys["api"]).json)
        caller.close()
        calls = [*map(_of_example, ROUTES), *(Call(b"GET", path, sized(b"")) for path in WITHOUT_KEY)]
        strategy = streams(calls, [key.encode() for key in keys.values()])
        workers = made.servers[0].workers()
        for_each_drawn(strategy, wanted, figures.seed, judge.send)
        assert made.servers[0].workers() == workers
    shown = ", ".join(f"{status} {number}" for status, number in sorted(judge.statuses.items()))
    worst = f"slowest {judge.slowest:.2f} s; {shown}"
    figures.add("Q7", "streams of bytes with an answer out of order", len(judge.wrong), judge.sent, worst)
    assert judge.wrong[:5] == []
    assert judge.sent >= wanted
    assert {200, 201, 400, 401, 403, 404, 405, 414} <= set(judge.statuses)
