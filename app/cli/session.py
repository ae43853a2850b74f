"""One command's work: the services opened for it, who it acts as, and what its arguments name."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.config import Config
    from app.ledger import Actor
    from app.models import Account, Key, Portal
    from app.services import Services
    from app.wiring import RedisUse


@contextmanager
def opened(redis: RedisUse = "if running") -> Iterator[Services]:
    """The services on this host's database, and on Redis where a running service would notice a change.

    A command that only looks asks for no Redis, and works while it is away.
    Raises what `app.wiring.open_services` raises; `app.cli.refusal` has a line for each.
    """
    from app.config import Config
    from app.wiring import open_services

    config = Config.from_env(os.environ)
    log_errors(config)
    services = open_services(config, redis=redis)
    try:
        yield services
    finally:
        services.close()


def log_errors(config: Config) -> None:
    """Log to stderr what is worse than a warning: a command that is refused says why itself, in one line."""
    from app import log

    log.configure(config.log_format or "text", logging.ERROR)


def operator() -> Actor:
    """Who the audit log says it was: whoever may run commands on this host."""
    from app.ledger import Actor

    return Actor("cli")


def account_named(name: str) -> Account:
    """The account with this id or e-mail. Raises `ApiError` ENTITY_NOT_FOUND."""
    from app.errors import ApiError
    from app.models import Account

    account = Account.get_or_none((Account.id == name) | (Account.email == name.strip().lower()))
    if account is None:
        raise ApiError("ENTITY_NOT_FOUND", "There is no account with this id or e-mail.")
    return account


def portal_named(name: str) -> Portal:
    """The portal with this id or domain. Raises `ApiError` ENTITY_NOT_FOUND."""
    from app.errors import ApiError
    from app.models import Portal

    portal = Portal.get_or_none((Portal.id == name) | (Portal.domain == name.strip().lower()))
    if portal is None:
        raise ApiError("ENTITY_NOT_FOUND", "There is no portal with this id or domain.")
    return portal


def key_named(key_id: str) -> Key:
    """The key with this id. Raises `ApiError` ENTITY_NOT_FOUND."""
    from app.errors import ApiError
    from app.models import Key

    key = Key.get_or_none(Key.id == key_id)
    if key is None:
        raise ApiError("ENTITY_NOT_FOUND", "There is no key with this id.")
    return key
