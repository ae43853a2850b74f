"""Does a portal's webhook answer? Asked before a key of the portal is made."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from app.bitrix.portal_calls import Call, PortalCalls
from app.errors import ApiError
from app.models import Portal

_RETRY_AFTER = 1
_QUESTIONS: tuple[tuple[Call, Callable[[Any], bool]], ...] = (
    (Call("profile"), lambda user: isinstance(user, dict) and "ID" in user),
    (Call("scope"), lambda scopes: isinstance(scopes, dict | list)),
)


class Prober:
    """Probes at most so many webhooks at once, so that slow ones do not hold every thread of a worker."""

    def __init__(self, calls: PortalCalls, at_once: int) -> None:
        self._calls = calls
        self._places = threading.BoundedSemaphore(at_once)

    def probe(self, portal: Portal) -> None:
        """Call `profile` and `scope` on the portal's webhook, if it has one.

        Raises `ApiError` BITRIX_UNAVAILABLE unless it answers as Bitrix24 does, also when no place is
        free, then with the time after which to repeat; RATE_LIMITED when the portal is called too often.
        """
        if portal.webhook_url_sealed is None:
            return
        # Whoever waited for a place would hold its thread as well.
        if not self._places.acquire(blocking=False):
            message = "Too many webhooks are being tried at this moment; repeat the request."
            raise ApiError("BITRIX_UNAVAILABLE", message, retry_after=_RETRY_AFTER)
        try:
            for question, is_answer in _QUESTIONS:
                if not is_answer(self._calls.call(portal, question).value):
                    message = f"The portal's webhook answers {question.method!r} as Bitrix24 does not."
                    raise ApiError("BITRIX_UNAVAILABLE", message)
        except ApiError as error:
            if error.code in ("BITRIX_UNAVAILABLE", "RATE_LIMITED"):
                raise
            raise ApiError("BITRIX_UNAVAILABLE", error.message, details=error.details) from None
        finally:
            self._places.release()
