"""A portal's Bitrix24, as the views call it.

A call takes one of the portal's places in this worker, waits for its turn at the portal's throttle, and goes
to the portal's webhook. It is made again in three cases only: nothing of it was sent, since a kept connection
turned out to be closed, which `app.bitrix.network` sees to; Bitrix24 refused it for coming too fast, which
did nothing, while the caller can wait; or the connection broke before the answer was whole, and the call
only reads, once. Everything that fails is an `ApiError`; a write that may have been done or not says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from app.bitrix.client import MOST_IN_A_BATCH, Call, Result, Webhook
from app.bitrix.failures import BitrixError, Kind
from app.bitrix.network import Network
from app.bitrix.pages import PAGE, Listed, first_start, further_starts, joined
from app.bitrix.places import Places
from app.bitrix.query_string import LARGEST_BATCH, BatchTooLarge, Unwritable, Writer
from app.bitrix.throttle import LONGEST_WAIT, Throttle
from app.config import Config
from app.errors import ApiError, invalid
from app.models import Portal
from gateway.redis_link import Link

__all__ = ["Call", "Outcomes", "PortalCalls", "Result"]

_FIRST_PAUSE = 0.5

_EXPECTED = frozenset({Kind.MISSING, Kind.REFUSED, Kind.DENIED, Kind.TOO_LARGE})
"""Failures that are between Bitrix24 and the caller, and tell the operator nothing."""

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the calls of a batch, by their names: each is in one of the two."""

    results: dict[str, Result] = field(default_factory=dict)
    errors: dict[str, ApiError] = field(default_factory=dict)


class PortalCalls:
    """Calls portals, for all threads of one worker."""

    def __init__(
        self, webhook_url: Callable[[Portal], str | None], config: Config, link: Link | None
    ) -> None:
        """`webhook_url` opens a portal's sealed URL. Without a `link` these calls are throttled alone.

        Raises OSError when STATE_DIR can't be written.
        """
        self._webhook_url = webhook_url
        self._network = Network()
        self._places = Places(max(1, config.threads // 2), max(1, config.threads - 1))
        folder = config.state_dir if link is not None else None
        self._throttle = Throttle(link, folder, redis_timeout=config.redis_timeout_ms / 1000)

    def begin_request(self) -> None:
        """Tell that this thread now answers another request; REDIS_TIMEOUT_MS is for all of its calls."""
        self._throttle.begin_request()

    def call(self, portal: Portal, call: Call) -> Result:
        """Make one call. Raises `ApiError`: PORTAL_NOT_LINKED, RATE_LIMITED or one of Bitrix24's."""
        webhook = self._webhook(portal)
        return self._make(portal, call, webhook.host, lambda: webhook.call(call))

    def batch(self, portal: Portal, calls: Mapping[str, Call]) -> Outcomes:
        """Make at most 50 calls in one request, each for itself.

        Raises `ApiError` like `call` when nothing is known of any of them.
        """
        if not calls:
            return Outcomes()
        webhook = self._webhook(portal)
        whole = Call("batch", write=any(call.write for call in calls.values()))
        answers = self._make(portal, whole, webhook.host, lambda: webhook.batch(calls))
        outcomes = Outcomes()
        for name, answer in answers.items():
            if isinstance(answer, BitrixError):
                outcomes.errors[name] = answer.as_api_error(webhook.host, write=calls[name].write)
            else:
                outcomes.results[name] = answer
        return outcomes

    def list_pages(self, portal: Portal, call: Call, *, offset: int, limit: int) -> Listed:
        """Read a part of a list: its first page by a call, all others by batches of up to 50 pages.

        The order that `call` asks for must be a total one, or an item may be on two pages. Raises
        `ApiError` like `call`, and VALIDATION_ERROR for more pages than the batches can hold.
        """
        start = first_start(offset)
        _check_room(call, range(start + PAGE, offset + limit, PAGE))
        pages = {start: self.call(portal, call._replace(start=start))}
        for starts in _in_batches(further_starts(start, pages[start], offset + limit)):
            pages |= self._pages(portal, call, starts)
        return joined(pages, offset=offset, limit=limit)

    def close(self) -> None:
        """Close the connections that nobody uses just now, and what this host's workers share."""
        self._network.close()
        self._throttle.close()

    def _pages(self, portal: Portal, call: Call, starts: range) -> dict[int, Result]:
        outcomes = self.batch(portal, {str(start): call._replace(start=start) for start in starts})
        for error in outcomes.errors.values():
            raise error
        return {start: outcomes.results[str(start)] for start in starts}

    def _webhook(self, portal: Portal) -> Webhook:
        facts = {"linked": portal.linked, "status": portal.status}
        if not portal.linked:
            raise ApiError("PORTAL_NOT_LINKED", details=facts)
        url = self._webhook_url(portal)
        if url is None:
            message = "The portal has no webhook, by which its Bitrix24 is called: an operator can set one."
            raise ApiError("PORTAL_NOT_LINKED", message, details={**facts, "hasWebhookUrl": False})
        return Webhook(url, allow_private=portal.allow_private, network=self._network)

    def _make(self, portal: Portal, call: Call, host: str, send: Callable[[], Answer]) -> Answer:
        with self._places.one(portal.id):
            attempts = _Attempts(self._throttle, portal.id, write=call.write)
            while True:
                attempts.wait()
                try:
                    return send()
                except BitrixError as error:
                    if error.kind not in _EXPECTED:
                        _log.warning("bitrix.failed", portal_id=portal.id, method=call.method, why=str(error))
                    if not attempts.may_repeat(error):
                        raise error.as_api_error(host, write=call.write) from None


class _Attempts:
    """The attempts of one call: when they may be made, and whether there is another."""

    def __init__(self, throttle: Throttle, portal_id: str, *, write: bool) -> None:
        self._throttle, self._portal_id, self._write = throttle, portal_id, write
        self._until = time.monotonic() + LONGEST_WAIT
        self._pause = 0.0
        self._broken = False

    def wait(self) -> None:
        """Wait for the turn of the next attempt. Raises `ApiError` RATE_LIMITED."""
        left = max(0.0, self._until - time.monotonic())
        wait = max(self._throttle.take(self._portal_id, left, full=self._pause > 0), self._pause)
        if wait:  # to sleep for no time takes time all the same
            time.sleep(wait)

    def may_repeat(self, error: BitrixError) -> bool:
        """Tell whether another attempt is harmless, and the caller can wait for it."""
        if error.kind is Kind.TOO_FAST:
            self._pause = max(self._pause * 2 or _FIRST_PAUSE, error.retry_after or 0)
            return time.monotonic() + self._pause <= self._until
        first_break = error.kind is Kind.BROKEN and not self._broken
        self._broken = True
        return first_break and not self._write


def _check_room(call: Call, starts: range) -> None:
    """Refuse a list whose pages a batch cannot hold before the first of them is asked for."""
    if not starts:
        return
    try:
        room = LARGEST_BATCH // len(Writer().command(call.method, call.params, starts[-1]))
    except BatchTooLarge:
        room = 0
    except Unwritable as flaw:
        raise invalid(limit=f"Beyond one page of {PAGE}, pages are asked for in a batch. {flaw}") from None
    if min(len(starts), MOST_IN_A_BATCH) > room:
        raise invalid(limit=f"{len(starts) + 1} pages of {PAGE}: of so long a filter at most {room + 1}.")


def _in_batches(starts: range) -> Iterable[range]:
    return (starts[at : at + MOST_IN_A_BATCH] for at in range(0, len(starts), MOST_IN_A_BATCH))
