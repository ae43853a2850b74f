"""`python -m app.cli`: the command line without its console script."""

from __future__ import annotations

from app.cli import main

main()
