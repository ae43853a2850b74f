"""`vibekeys run`, `migrate`, `worker`, `republish`, `doctor` and `completion`: the service itself."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from app.cli.output import json_option, print_json, print_one, printable
from app.cli.refusal import Refused
from app.cli.session import log_errors, opened

if TYPE_CHECKING:
    from app.doctor import Finding


@click.command()
@click.option(
    "--demo", is_flag=True, help="Add demo data once, with a stand-in Bitrix24, and print how to use it."
)
@click.option("--no-worker", is_flag=True, help="Without the background worker.")
@json_option
@click.pass_context
def run(ctx: click.Context, demo: bool, no_worker: bool, as_json: bool) -> None:
    """Migrate the database, then serve until told to stop.

    With --json, what is said at the start goes to stderr, and the one value is printed at the end.
    """
    from app.config import Config, http_url
    from app.serve import supervisor

    config = Config.from_env(os.environ)
    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        status = supervisor.run(config, demo, not no_worker)
    if as_json and status == 0:
        print_json({"served": http_url(config.host, config.port)})
    ctx.exit(status)


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database to the newest schema, or make it."""
    from app import migrations
    from app.config import Config
    from app.db import connect
    from app.secrets import Secrets

    config = Config.from_env(os.environ)
    log_errors(config)
    db = connect(config, create=True)
    try:
        applied = migrations.migrate(db, config.state_dir)
        Secrets.load(config, create=True)
    finally:
        db.close()
    print_one({"database": str(config.database_path), "applied": applied}, as_json)


@click.command()
@json_option
def worker(as_json: bool) -> None:
    """Send mail and tidy up, until told to stop."""
    from app import log
    from app.serve.signals import SignalQueue
    from app.worker import work

    with opened(redis="none") as services:
        log.configure(services.config.log_format or "text")
        signals = SignalQueue((signal.SIGTERM, signal.SIGINT))
        received = work(services, signals.wait)
    if as_json:
        print_json({"stoppedBy": signal.Signals(received[0]).name})


@click.command()
@json_option
def republish(as_json: bool) -> None:
    """Rebuild what Redis knows from the database; counts stay."""
    with opened() as services:
        if services.store is None:
            raise Refused("REDIS_UNAVAILABLE: no service is running here, the next start publishes")
        forgotten = services.store.forget_records(services.source.publications().done)
        published = services.publisher.republish()
        print_one({"forgotten": forgotten, "published": published}, as_json)


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Say what is wrong with this installation, and what to do."""
    from app.doctor import examine

    findings = examine(os.environ)
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _print_finding(finding)
    ctx.exit(0 if all(finding.ok for finding in findings) else 1)


def _print_finding(finding: Finding) -> None:
    verdict = click.style("ok   ", fg="green") if finding.ok else click.style("WRONG", fg="red", bold=True)
    remedy = f": {finding.remedy}" if finding.remedy else ""
    click.echo(f"{verdict}  {finding.check:<13}  {printable(finding.message + remedy)}")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
@click.pass_context
def completion(ctx: click.Context, shell: str, as_json: bool) -> None:
    """Print the script that completes commands and options.

    In bash, for one session: eval "$(vibekeys completion bash)"
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"{shell} is not supported.")
    script = found(ctx.find_root().command, {}, "vibekeys", "_VIBEKEYS_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "script": script})
    else:
        click.echo(script)


COMMANDS = (run, migrate, worker, republish, doctor, completion)
