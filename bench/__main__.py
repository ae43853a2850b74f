"""``python -m bench``: every benchmark, in a minute or two. It fails only if it could not measure."""

from __future__ import annotations

import logging
import multiprocessing
import platform
import signal
import sys
import time

from app import log
from bench import dashboard, entities, in_process, lists, served, startup, usage
from bench.children import one_core
from bench.installation import Installation, installed, running_valkey


def main() -> None:
    """Run the benchmarks and print what they found."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    log.configure("text", logging.WARNING)
    began = time.monotonic()
    with installed() as installation:
        print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
        with one_core() as core, running_valkey(installation):
            if core is None:
                print("This system can't keep processes on one core: figures vary with where they run.")
            _in_process_of_its_own(installation)
            served.run(installation)
            entities.overhead(installation)
        with running_valkey(installation):
            entities.batch(installation)
        startup.run(installation)
        lists.run(installation)
        usage.run(installation)
        dashboard.run(installation)
    print(f"\nDone in {time.monotonic() - began:.0f} s.")


def _in_process_of_its_own(installation: Installation) -> None:
    """Its connections and its thread, which watches Redis, end with it."""
    process = multiprocessing.Process(target=in_process.run, args=(installation,))
    process.start()
    try:
        process.join()
    finally:
        process.terminate()
        process.join()
    if process.exitcode != 0:
        raise RuntimeError("the benchmark in process ended early")


if __name__ == "__main__":
    main()
