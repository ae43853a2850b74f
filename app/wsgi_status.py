"""The status of an answer, as middleware around an application learns of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse


class StatusSeen:
    """Stands in for `start_response`, and remembers the three digits of the status as `code`.

    They are `"500"` as long as no answer has begun: an application that fails before is answered with that.
    """

    __slots__ = ("_start_response", "code")

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self.code = "500"

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.code = status[:3]
        return self._start_response(status, headers, exc_info)
