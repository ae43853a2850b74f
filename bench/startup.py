"""How long the command line and the service take to start, on data that is there."""

from __future__ import annotations

import http.client
import subprocess
import time
from pathlib import Path

from app.config import Config
from bench.children import child, python, wait_until
from bench.installation import Installation
from bench.rounds import in_turns
from bench.table import print_table, shown

ROUNDS = 3
_HELP, _LIST, _RUN = "vibekeys --help", "vibekeys keys list", "vibekeys run, until it is ready"
_PYTHON, _FLASK = "python -c pass", "python -c 'import flask'"


def run(installation: Installation) -> None:
    """Measure and print. Nothing else may be serving from the installation."""
    log = installation.log
    rounds = in_turns(
        {
            _PYTHON: lambda: _command(log, "-c", "pass"),
            _FLASK: lambda: _command(log, "-c", "import flask"),
            _HELP: lambda: _command(log, "-m", "app.cli", "--help"),
            _LIST: lambda: _command(log, "-m", "app.cli", "keys", "list"),
            _RUN: lambda: _service(installation),
        },
        ROUNDS,
    )
    print_table(
        "Starting, milliseconds",
        ("", "median", "min – max", "× import flask"),
        [
            [name, *shown(rounds.of(name), 0), f"{rounds.ratio(name, _FLASK).median:.1f}"]
            for name in (_PYTHON, _FLASK, _HELP, _LIST, _RUN)
        ],
    )


def _command(log: Path, *arguments: str) -> float:
    began = time.perf_counter()
    with child(python(*arguments), log) as process:
        if process.wait(60) != 0:
            raise subprocess.CalledProcessError(process.returncode, arguments, log.read_text()[-2000:])
        return (time.perf_counter() - began) * 1000


def _service(installation: Installation) -> float:
    began = time.perf_counter()
    with child(python("-m", "app.cli", "run"), installation.log) as process:
        wait_until(lambda: is_ready(installation.config), process, installation.log)
        return (time.perf_counter() - began) * 1000


def is_ready(config: Config) -> bool:
    """Tell whether the service answers that it can serve."""
    connection = http.client.HTTPConnection(config.host, config.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
