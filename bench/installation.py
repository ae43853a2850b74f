"""One installation of the service for all benchmarks: a folder, settings, a database, keys, Valkey."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app import migrations, valkey
from app.config import Config
from app.db import connect
from app.ledger import Actor
from app.secrets import Secrets
from app.wiring import open_services
from bench import today
from bench.children import child, wait_until

# High enough that no benchmark ever reaches it.
_QUOTA = 1_000_000_000
WHITELIST_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Installation:
    """What was set up. `key_tier_only` has the tier's limit; `key_full` two limits of its own as well, and
    a whitelist of a thousand networks."""

    config: Config
    folder: Path
    key_tier_only: str = field(repr=False)
    key_full: str = field(repr=False)

    @property
    def log(self) -> Path:
        """Where the children's output goes."""
        return self.folder / "children.log"


@contextmanager
def installed() -> Iterator[Installation]:
    """Set up everything in a temporary folder, and remove it at the end. Nothing runs yet."""
    with tempfile.TemporaryDirectory(prefix="vibekeys-bench-") as name:
        folder = Path(name)
        config = _settle(folder)
        database = connect(config, create=True)
        migrations.migrate(database, config.state_dir)
        database.close()
        Secrets.load(config, create=True)
        key_tier_only, key_full = _issue_keys(config)
        today.prepare(today_database(folder), key_tier_only)
        yield Installation(config, folder, key_tier_only, key_full)


@contextmanager
def running_valkey(installation: Installation) -> Iterator[None]:
    """Run the embedded Redis of the service, with the service's own settings."""
    config, log = installation.config, installation.log
    with child(valkey.command(), log, folder=config.state_dir) as process:
        wait_until(lambda: valkey.answers(config), process, log)
        yield


def today_database(folder: Path) -> Path:
    """Return where the yardstick keeps its own database."""
    return folder / "today.db"


def _settle(folder: Path) -> Config:
    """Make this process's environment, which children inherit, that of the installation."""
    for name in ("REDIS_URL", "SECRET_KEY", "TRUSTED_PROXIES", "GUNICORN_CMD_ARGS", "METRICS_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(
        DATABASE_URL=f"sqlite:///{folder}/vibekeys.db",
        STATE_DIR=str(folder),
        HOST="127.0.0.1",
        PORT=str(_free_port()),
        WEB_CONCURRENCY="1",
        THREADS="4",
        TIER_PRO_HOURLY=str(_QUOTA),
        # A machine that does other things as well is no failure of Redis.
        REDIS_TIMEOUT_MS="1000",
        LOG_FORMAT="json",
    )
    return Config.from_env(os.environ)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _issue_keys(config: Config) -> tuple[str, str]:
    services = open_services(config, redis="none")
    try:
        actor = Actor("system")
        owner = services.accounts.create(actor, "somebody@example.com", tier="pro")
        plain = services.keyring.issue(
            actor, type="personal", owner=owner, name="tier only", integrations=("cli",)
        )
        full = services.keyring.issue(
            actor,
            type="personal",
            owner=owner,
            name="three limits and a whitelist",
            integrations=("cli",),
            ip_whitelist=_whitelist(),
            rate_limit=_QUOTA,
            hourly_limit=_QUOTA,
        )
    finally:
        services.close()
    return plain.raw_key, full.raw_key


def _whitelist() -> list[str]:
    """Return networks of which none can be merged with its neighbour, and the one that we come from."""
    every_other = ipaddress.ip_network("10.0.0.0/8").subnets(new_prefix=24)
    networks = [str(network) for number, network in enumerate(every_other) if number % 2 == 0]
    return [*networks[: WHITELIST_LENGTH - 1], "127.0.0.1/32"]
