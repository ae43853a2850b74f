"""`vibekeys bitrix-sandbox`: a stand-in Bitrix24 for development."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from app.cli.output import json_option, note, print_json
from app.cli.refusal import Refused


@click.command("bitrix-sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H", help="Address to listen on.")
@click.option(
    "--port", default=8010, show_default=True, type=click.IntRange(0, 65_535), help="0: any that is free."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where it keeps its data and its secret; without one they are new each time.",
)
@json_option
def bitrix_sandbox(host: str, port: int, data: Path | None, as_json: bool) -> None:
    """Serve a stand-in Bitrix24 until told to stop.

    Its incoming webhook is printed once it listens.
    """
    from app.bitrix.sandbox import Sandbox, StoreError, running
    from app.serve.signals import SignalQueue

    try:
        sandbox = Sandbox(host, port, data=data)
    except StoreError as error:
        raise Refused(f"--data: {error}") from None
    except OSError as error:
        if error.filename is not None:
            raise
        reason = error.strerror or str(error)
        raise Refused(f"--host, --port: cannot listen on {host}, {port}: {reason}") from None
    signals = SignalQueue((signal.SIGTERM, signal.SIGINT))
    with running(sandbox):
        _print(sandbox.url, sandbox.webhook_url, as_json)
        while not signals.wait(60.0):
            pass


def _print(url: str, webhook_url: str, as_json: bool) -> None:
    if as_json:
        print_json({"url": url, "webhookUrl": webhook_url})
        return
    click.echo(f"a stand-in Bitrix24 on {url}, with the incoming webhook\n\n  {webhook_url}\n")
    note("To use it: vibekeys portals update PORTAL_ID --webhook-url URL. Ctrl-C ends it.")
