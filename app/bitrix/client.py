"""Bitrix24's REST protocol over one incoming webhook.

A call is a POST of JSON to `{webhook}/{method}.json`. A list's answer tells beside `result` how many items
there are in all, and where the next page starts; numbers may arrive as strings, and an empty map as `[]`.
`batch` carries up to 50 calls in one request, each written as a query string, and always answers 200; what
happened to each of them stands in maps by their names.

https://apidocs.bitrix24.com/settings/how-to-call-rest-api/
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from app.bitrix.failures import TOO_MANY_REQUESTS, BitrixError, Kind, refusal
from app.bitrix.network import Destination, Network, NoAnswer, Reply
from app.bitrix.parsing import TooLarge, parsed
from app.bitrix.query_string import LARGEST_BATCH, BatchTooLarge, Unwritable, Writer
from app.bitrix.results import Shape, shaped, whole

MOST_IN_A_BATCH = 50


class Bounds(NamedTuple):
    """How long a call may take, and how large its answer may be."""

    seconds: float
    largest: int


ONE_CALL = Bounds(3.0, 1 << 20)
ONE_BATCH = Bounds(20.0, 32 << 20)


class Call(NamedTuple):
    """One method with its parameters.

    `write`: it may change something, so it is never sent twice. `shape` is what its result is, `under` the
    name in the result under which that stands. `start` is where the page of a list begins.
    """

    method: str
    params: Mapping[str, Any] = {}
    write: bool = False
    shape: Shape = Shape.ANYTHING
    under: str | None = None
    start: int | None = None


class Result(NamedTuple):
    """What a call gave. `total` and `next` come with lists: all items there are, the next page's start; None
    if that is not told, or cannot be.
    """

    value: Any
    total: int | None = None
    next: int | None = None


class Webhook:
    """One portal's webhook. Its methods raise `BitrixError`."""

    def __init__(self, url: str, *, allow_private: bool, network: Network) -> None:
        """`allow_private` admits plain http and addresses that are not public."""
        self._to = Destination(url.rstrip("/"), allow_private)
        self._secret = self._to.url.rpartition("/")[2]
        self._network = network

    @property
    def host(self) -> str:
        """Return the name of the host, which may be told."""
        return self._to.host

    def call(self, call: Call, bounds: Bounds = ONE_CALL) -> Result:
        """Make one call."""
        page = {} if call.start is None else {"start": call.start}
        answer = self._post(call.method, {**page, **call.params}, bounds)
        return _result(call, answer["result"], answer.get("total"), answer.get("next"))

    def batch(self, calls: Mapping[str, Call]) -> dict[str, Result | BitrixError]:
        """Make at most 50 calls in one request; none of them stops the rest.

        What a batch cannot hold is not sent.
        """
        # Names of our own: a map with the keys 0, 1, 2 … would come back as a list.
        names = {f"c{place}": name for place, name in enumerate(calls)}
        commands, outcomes = self._commands(calls)
        if not commands:
            return outcomes
        body = {"halt": 0, "cmd": {ours: commands[name] for ours, name in names.items() if name in commands}}
        answer = _map(self._post("batch", body, ONE_BATCH)["result"])
        results, errors, totals, starts = (
            _map(answer.get(part)) for part in ("result", "result_error", "result_total", "result_next")
        )

        def outcome(ours: str, call: Call) -> Result:
            if errors.get(ours) is not None:
                raise refusal(_map(errors[ours]), 400, self._secret)
            if ours not in results:
                raise BitrixError(Kind.UNUSABLE, "the answer to the batch lacks this call")
            return _result(call, results[ours], totals.get(ours), starts.get(ours))

        for ours, name in names.items():
            if name in outcomes:
                continue
            try:
                outcomes[name] = outcome(ours, calls[name])
            except BitrixError as error:
                outcomes[name] = error
        return outcomes

    def _commands(self, calls: Mapping[str, Call]) -> tuple[dict[str, str], dict[str, Result | BitrixError]]:
        """Return the calls as commands, and the refusals of those that can be none."""
        writer = Writer()
        commands: dict[str, str] = {}
        refused: dict[str, Result | BitrixError] = {}
        for name, call in calls.items():
            try:
                commands[name] = writer.command(call.method, call.params, call.start)
            except Unwritable as flaw:
                refused[name] = BitrixError(Kind.UNWRITABLE, str(flaw))
            except BatchTooLarge:
                text = f"More than {LARGEST_BATCH >> 20} MiB, as Bitrix24 takes them. Send fewer at once."
                raise BitrixError(Kind.TOO_LARGE, text) from None
        return commands, refused

    def _post(self, method: str, params: Mapping[str, Any], bounds: Bounds) -> dict[str, Any]:
        body = json.dumps(params, ensure_ascii=False, allow_nan=False).encode()
        deadline = time.monotonic() + bounds.seconds
        try:
            reply = self._network.post(
                self._to, f"{method}.json", body, deadline=deadline, largest=bounds.largest
            )
        except NoAnswer as failure:
            raise BitrixError(_kind(failure), str(failure)) from None
        return self._read(reply)

    def _read(self, reply: Reply) -> dict[str, Any]:
        status = reply.status
        try:
            answer = parsed(reply.body)
        except TooLarge as flaw:
            raise BitrixError(Kind.UNUSABLE, str(flaw)) from None
        if status == TOO_MANY_REQUESTS and not isinstance(answer, dict):
            answer = {}  # a proxy's words
        if 300 <= status < 400 or not isinstance(answer, dict):
            raise BitrixError(Kind.UNUSABLE, f"not the answer of a webhook (status {status})")
        if answer.get("error") is not None or 400 <= status < 500:
            raise refusal(answer, status, self._secret, reply.retry_after)
        if status >= 500 or "result" not in answer:
            raise BitrixError(Kind.UNUSABLE, f"not the answer of a webhook (status {status})")
        return answer


def _result(call: Call, value: Any, total: Any, next_start: Any) -> Result:
    return Result(shaped(value, call.shape, call.under), whole(total), whole(next_start))


def _kind(failure: NoAnswer) -> Kind:
    if not failure.sent:
        return Kind.UNREACHED
    return Kind.BROKEN if failure.broken else Kind.UNUSABLE


def _map(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {str(place): item for place, item in enumerate(value)}
    return value if isinstance(value, dict) else {}
