"""What goes wrong in a browser without being seen on the page."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response

_ASKED_FOR = ("document", "fetch", "xhr")
_ABORTED = "net::ERR_ABORTED"


class Complaints(list[str]):
    """Grows while pages of a context are open.

    A 4xx to what the visitor asked for is an answer like others; a file of the page's that is missing is not.
    """

    def __init__(self, context: BrowserContext, origin: str) -> None:
        super().__init__()
        self._origin = origin
        context.on("console", self._console)
        context.on("weberror", lambda broken: self.append(f"a script broke: {broken.error}"))
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("requestfailed", self._failed)

    def _console(self, message: ConsoleMessage) -> None:
        # A status that is an error is told here too, and judged below.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.append(f"in the console: {message.text}")

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme != "data" and f"{url.scheme}://{url.netloc}" != self._origin:
            self.append(f"asked somebody else: {request.method} {request.url}")

    def _response(self, response: Response) -> None:
        wanted = response.request.resource_type in _ASKED_FOR
        if response.status >= (500 if wanted else 400):
            self.append(f"{response.status} to {response.request.method} {response.url}")

    def _failed(self, request: Request) -> None:
        # The visitor went on before it was there.
        if request.failure != _ABORTED:
            self.append(f"{request.failure} to {request.method} {request.url}")
