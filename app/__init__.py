"""The management service, and the one place where its parts are put together.

`build` makes the WSGI application that a server serves. `open_services` makes what is behind it, for
the command line and the worker as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from flask import Flask

    from app.config import Config
    from app.services import Services
    from gateway.authorize import Policy
    from gateway.host_table import HostTable
    from gateway.source import Source
    from gateway.store import Store
    from gateway.trust import Trust

# Imports are made where they are needed: `vibekeys --help` must not wait for Flask and the database.

RedisUse = Literal["required", "if running", "none"]

_PUBLIC_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/docs", "/mcp/v1/common"})
_PUBLIC_FOLDERS = ("/docs/", "/static/", "/.well-known/")


def build(config: Config, clock: Callable[[], float] = time.time) -> WSGIApplication:
    """Return the whole service as one WSGI application, in the process that will serve it.

    Call it after the fork: it holds locks, connections and a thread. Raises what `open_services`
    does; a Redis that is away raises nothing.
    """
    from app.log import AccessLog
    from app.metrics import Metrics
    from app.serve.presence import hold_presence
    from gateway.authorize import Authorizer
    from gateway.middleware import Gateway
    from gateway.trust import Watch

    hold_presence(config.state_dir)
    services = open_services(config, clock, redis="required")
    store, trust, host_table = services.store, services.trust, services.host_table
    if store is None or trust is None or host_table is None:
        raise AssertionError("a service without Redis")
    host_table.forget_forwarded()
    watch = Watch(trust, store, services.source)
    policy = policy_from(config)
    authorizer = Authorizer(
        store, services.source, host_table, trust, policy, clock, lambda: watch.legacy_forms
    )
    flask_app = create_flask(services)
    gateway = Gateway(flask_app, authorizer, host_table, policy.trusted_proxies, is_public, clock)
    watch.begin()
    return AccessLog(Metrics(gateway))


def create_flask(services: Services) -> Flask:
    """Return the Flask application behind the gateway."""
    from flask import Flask

    from app import api, health

    flask_app = Flask("app", static_folder=None)
    flask_app.extensions["vibekeys"] = services
    api.register(flask_app)
    flask_app.register_blueprint(health.blueprint)
    return flask_app


def open_services(
    config: Config, clock: Callable[[], float] = time.time, *, redis: RedisUse = "required"
) -> Services:
    """Open the database and, as `redis` says, what the workers of this host share.

    `required`: a service; Redis may be away and come back. `if running`: a command, which acts on a
    running service at once, and on the database alone when none runs. `none`: the database alone.

    Raises `app.db.DatabaseRefused`, `app.secrets.SecretsError`, `app.config.ConfigError`, OSError when
    STATE_DIR can't be used, and `app.services.OutOfReach`.
    """
    from app.accounts import Accounts
    from app.db import connect
    from app.idempotency import IdempotencyStore
    from app.keyring import Keyring
    from app.ledger import Ledger
    from app.portals import Portals
    from app.publisher import Publisher
    from app.secrets import Secrets
    from app.services import Services
    from app.source import DatabaseSource
    from gateway.host_table import HostTable
    from gateway.trust import Trust

    db = connect(config)
    secrets = Secrets.load(config, create=False)
    host_table: HostTable | None = None
    trust: Trust | None = None
    store: Store | None = None
    if redis == "required" or (redis == "if running" and _may_serve(config)):
        host_table = HostTable(config.state_dir)
        trust = Trust(host_table)
        # The source is bound below: nothing is connected before it is there.
        store = _open_store(config, trust, lambda: source)
    publisher = Publisher(db, store, trust)
    source = DatabaseSource(db, publisher)
    if redis == "if running" and store and trust and not _reaches(store, trust, source):
        _must_not_serve(config)
        store = publisher.store = None
    ledger = Ledger(db, secrets, clock, publisher)
    return Services(
        config=config,
        clock=clock,
        db=db,
        secrets=secrets,
        publisher=publisher,
        source=source,
        ledger=ledger,
        accounts=Accounts(ledger),
        portals=Portals(ledger, secrets),
        keyring=Keyring(ledger, config),
        idempotency=IdempotencyStore(db, clock),
        store=store,
        trust=trust,
        host_table=host_table,
    )


def is_public(path: str) -> bool:
    """Tell whether a path is served without a key (contract, section 5)."""
    return path in _PUBLIC_PATHS or path.startswith(_PUBLIC_FOLDERS)


def policy_from(config: Config) -> Policy:
    """Return what the settings say to the gateway."""
    from gateway.address import Networks
    from gateway.authorize import Policy

    return Policy(
        tier_quotas={"free": config.tier_free_hourly, "pro": config.tier_pro_hourly},
        redis_down=config.redis_down,
        redis_timeout=config.redis_timeout_ms / 1000,
        auth_failures_per_minute=config.auth_failures_per_minute,
        trusted_proxies=Networks(config.trusted_proxies),
    )


def _may_serve(config: Config) -> bool:
    """A service on another host may use the same Redis; the embedded one is there only while it runs here."""
    return bool(config.redis_url) or _serves(config)


def _serves(config: Config) -> bool:
    from app.serve.presence import service_is_running

    return service_is_running(config.state_dir)


def _must_not_serve(config: Config) -> None:
    from app.services import OutOfReach

    if _serves(config):
        raise OutOfReach("the service runs but its Redis does not answer; nothing was changed, try again")


def _reaches(store: Store, trust: Trust, source: Source) -> bool:
    """Tell whether a change made now would be published at once."""
    from gateway.store import StoreError

    if not trust.believed():
        return trust.recover(store, source)
    try:
        store.published()
    except StoreError:
        return False
    return True


def _open_store(config: Config, trust: Trust, source: Callable[[], Source]) -> Store:
    from app.serve.valkey import embedded_redis_url
    from gateway.redis_link import open_link
    from gateway.store import PUBLISHED_KEY, Store

    url = config.redis_url or embedded_redis_url(config)
    timeout = config.redis_timeout_ms / 1000
    return Store(open_link(url, timeout, PUBLISHED_KEY, lambda greeting: trust.greet(greeting, source())))
