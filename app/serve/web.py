"""gunicorn, as ``vibekeys run`` starts it: ``python -m app.serve.web DESCRIPTOR`` of a listening socket.

gunicorn's own command reads ``GUNICORN_CMD_ARGS`` and the ``gunicorn.conf.py`` of the working directory, and
puts that directory first on the import path.  None of it can touch this one.
"""

from __future__ import annotations

import sys
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.util import import_app

from app.serve import gunicorn_settings


class Web(BaseApplication):  # type: ignore[misc]
    """The service's WSGI application under gunicorn, on a socket that the supervisor listens on."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        super().__init__()

    def load_config(self) -> None:
        for name, value in vars(gunicorn_settings).items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)
        self.cfg.set("bind", f"fd://{self._descriptor}")

    def load(self) -> Any:
        return import_app("wsgi:app")


if __name__ == "__main__":
    Web(int(sys.argv[1])).run()
