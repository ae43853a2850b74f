"""A client of the REST API that waits when it is told to, and does nothing twice that should be done once.

    VIBEKEYS_URL=https://keys.example.com VIBEKEYS_KEY=... python client.py

tells what the key is.  Python's standard library is all that it needs; copy what you can use.  What makes it
safe to run unattended:

- Who refuses with ``Retry-After`` has done nothing.  The client waits that long, and asks again.
- A request without an answer may have been carried out.  It is sent again only where that does no harm: GET,
  and calls that make a key, with their ``Idempotency-Key``.
- Each attempt has a time limit, and so have all attempts at one call together.
- The key comes from the environment, is sent in a header, never follows a redirect, and is in no message.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import random
import sys
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger("vibekeys")


class Refused(Exception):
    """The service said no, and asking again would not help, or not soon enough."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']} {error.get('hint', '')}".strip())
        self.status, self.code, self.error = status, error["code"], error


class NoAnswer(Exception):
    """No answer came.  A call that changes something may have done so: look, before you repeat it."""


class Client:
    """Calls one installation with one key."""

    def __init__(self, url: str, key: str, timeout: float = 10.0, patience: float = 60.0) -> None:
        """`timeout` is for one attempt and `patience` for all attempts at one call, both in seconds.

        With a patience of more than an hour the client outlasts every limit of the service.
        """
        self._url, self._key, self._timeout, self._patience = urlsplit(url), key, timeout, patience

    def call(self, method: str, path: str, body: Any = None, *, idempotency_key: str = "") -> Any:
        """Return the `data` of the answer.  Raises Refused, or NoAnswer.

        Give an `idempotency_key` (a new `uuid.uuid4()` for each key that you want, stored until you have it)
        with `POST /v1/keys` and `POST /v1/keys/{id}/rotate`.  Without one they are not sent again.
        """
        may_repeat = method == "GET" or idempotency_key != ""
        deadline = time.monotonic() + self._patience
        for delay in (0.5 * 2**attempt for attempt in range(100)):
            status, answer = self._attempt(method, path, body, idempotency_key)
            if answer is not None and answer["success"]:
                return answer["data"]
            wait = answer["error"].get("retryAfter") if answer else None
            if wait is None and may_repeat and (answer is None or status >= 500):
                wait = delay
            if wait is not None:
                # Who were told the same second should not all come back in the same instant.
                wait += random.uniform(0, 0.5)
            if wait is None or time.monotonic() + wait > deadline:
                break
            time.sleep(wait)
        raise Refused(status, answer["error"]) if answer else NoAnswer(f"{method} {path}")

    def _attempt(self, method: str, path: str, body: Any, idempotency_key: str) -> tuple[int, Any]:
        """Return status and body of the answer; 0 and None if there was none that could be understood."""
        headers = {"X-Api-Key": self._key, "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        text = None if body is None else json.dumps(body)
        with closing(self._connection()) as connection:
            try:
                connection.request(method, self._url.path.rstrip("/") + path, text, headers)
                response = connection.getresponse()
                answer = _envelope(response.read())
            except (OSError, http.client.HTTPException) as error:
                log.warning("%s %s: no answer (%s)", method, path, type(error).__name__)
                return 0, None
        if ends_at := response.getheader("X-Key-Grace-Ends-At"):
            log.warning("this key was rotated and works until %s: use its successor", ends_at)
        return response.status, answer

    def _connection(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(str(self._url.hostname), self._url.port, timeout=self._timeout)


def _envelope(text: bytes) -> dict[str, Any] | None:
    """What a body says, or None if it is none of the service's, but for example a proxy's."""
    try:
        body = json.loads(text)
    except ValueError:
        return None
    return body if isinstance(body, dict) and isinstance(body.get("success"), bool) else None


def main() -> int:
    """Print what the key of the environment is."""
    client = Client(os.environ["VIBEKEYS_URL"], os.environ["VIBEKEYS_KEY"])
    try:
        print(json.dumps(client.call("GET", "/v1/me"), indent=2))
    except (Refused, NoAnswer) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    sys.exit(main())
