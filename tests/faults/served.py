"""The service as a server serves it, on a clock that the test can put forward. For gunicorn."""

from __future__ import annotations

import atexit
import os
import time
from pathlib import Path

from app.config import Config
from app.wiring import build
from tests.faults.crowd import CLOCK, Board

_ahead = Board(Path(os.environ[CLOCK]))

app = build(Config.from_env(os.environ), lambda: time.time() + _ahead[0])
atexit.register(app.close)
