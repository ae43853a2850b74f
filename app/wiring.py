"""The one place where the parts of the service are put together.

`build` makes the application that a WSGI server serves. `open_services` makes what is behind it, for
the command line and the worker as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal

from flask import Flask

from app import api, assets, dashboard, docs, health
from app.accounts import Accounts
from app.api.idempotent import kept_answer
from app.auth import is_public
from app.bitrix.own_fields import OwnFields
from app.bitrix.portal_calls import PortalCalls
from app.bitrix.webhook import Prober
from app.config import Config
from app.db import connect
from app.documents import Artifacts, Memories, Prompts
from app.each_second import EachSecond
from app.feedback import Feedback
from app.hooks import Hooks
from app.idempotency import IdempotencyStore
from app.keyring import Keyring
from app.ledger import Ledger
from app.log import AccessLog
from app.metrics import Metrics
from app.oidc import Provider
from app.portals import Portals
from app.preferences import AccountPreferences
from app.presence import hold_presence, service_is_running
from app.publisher import Publisher
from app.secrets import Secrets
from app.servers import Servers
from app.services import OutOfReach, Services
from app.sessions import Sessions
from app.sign_in import SignIn
from app.source import DatabaseSource
from app.usage.gather import SplitWriter, UsageSplits
from app.usage.tally import Tally
from app.valkey import embedded_redis_url
from gateway.address import Networks
from gateway.authorize import Authorizer, Policy
from gateway.host_table import HostTable
from gateway.keys import take_for_keys
from gateway.middleware import Gateway
from gateway.redis_link import Link, open_link
from gateway.source import Source, SourceError
from gateway.store import PUBLISHED_KEY, Store, StoreError
from gateway.trust import Trust, Watch
from gateway.usage_table import UsageTable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

RedisUse = Literal["required", "if running", "to look", "none"]


class Service:
    """The whole service as a WSGI application, with the threads, files and connections that it holds."""

    def __init__(
        self,
        application: WSGIApplication,
        services: Services,
        watch: Watch,
        usage_table: UsageTable,
        split_writer: SplitWriter,
        each_second: EachSecond,
    ) -> None:
        self.application, self.services, self._watch = application, services, watch
        self.usage_table, self.split_writer, self._each_second = usage_table, split_writer, each_second

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self.application(environ, start_response)

    def close(self) -> None:
        """Write what is left to be written and let go of everything; no request may be running."""
        self._watch.stop()
        self._each_second.stop()
        self.usage_table.close()
        self.services.close()


def build(config: Config, clock: Callable[[], float] = time.time) -> Service:
    """Return the service, in the process that will serve it: after the fork, since it holds locks.

    Raises what `open_services` does. A Redis that is away raises nothing.
    """
    hold_presence(config.state_dir)
    services = open_services(config, clock)
    store, trust, host_table = services.store, services.trust, services.host_table
    if store is None or trust is None or host_table is None:
        raise AssertionError("a service without Redis")
    host_table.forget_forwarded()
    usage_table, tally = UsageTable(config.state_dir), Tally()
    watch, split_writer = Watch(trust, store, services.source), SplitWriter(services.db, tally)
    policy = services.policy
    authorizer = Authorizer(
        store, services.source, host_table, usage_table, trust, policy, clock, lambda: watch.legacy_forms
    )
    flask_app = create_flask(services)
    gateway = Gateway(
        flask_app,
        authorizer,
        host_table,
        policy.trusted_proxies,
        is_public,
        clock,
        partial(kept_answer, flask_app),
    )
    application = AccessLog(Metrics(UsageSplits(gateway, tally, clock)))
    watch.begin()
    each_second = EachSecond(services.db, split_writer.write, services.sign_in.note_failures)
    each_second.start()
    return Service(application, services, watch, usage_table, split_writer, each_second)


def create_flask(services: Services) -> Flask:
    """Return the Flask application behind the gateway."""
    flask_app = Flask("app", static_folder=None)
    flask_app.extensions["vibekeys"] = services
    api.register(flask_app)
    for module in (health, docs, assets, dashboard):
        flask_app.register_blueprint(module.blueprint)
    return flask_app


def open_services(
    config: Config, clock: Callable[[], float] = time.time, *, redis: RedisUse = "required"
) -> Services:
    """Open the database and, as `redis` says, what the workers of this host share.

    `required`: a service; Redis may be away and come back. `if running`: a command, which acts on a
    running service at once, and on the database alone when none runs. `to look`: a command that changes
    nothing, and so need not reach the Redis of a running service. `none`: the database alone.

    Raises `app.db.DatabaseRefused`, `app.secrets.SecretsError`, `app.config.ConfigError`, OSError when
    STATE_DIR can't be used, and `app.services.OutOfReach`.
    """
    db = connect(config)
    secrets = Secrets.load(config, create=False)
    host_table: HostTable | None = None
    trust: Trust | None = None
    link: Link | None = None
    store: Store | None = None
    if redis == "required" or (redis != "none" and _may_serve(config)):
        host_table = HostTable(config.state_dir)
        trust = Trust(host_table)
        # The source is bound below: nothing is connected before it is there.
        link = _open_link(config, trust, lambda: source)
        store = Store(link)
    publisher = Publisher(db, store, trust)
    source = DatabaseSource(db, publisher)
    with suppress(SourceError):  # of a database that is away everything else will tell
        take_for_keys(source.legacy_forms().unchecked_prefixes)
    if redis != "required" and store and trust and host_table and not _reaches(store, trust, source):
        if not service_is_running(config.state_dir):
            store.close()
            host_table.close()
            store = link = trust = host_table = None
            publisher.store = publisher.trust = None
        elif redis == "if running":
            raise OutOfReach("the service runs but its Redis does not answer; nothing was changed, try again")
    ledger = Ledger(db, secrets, clock, publisher)
    portals = Portals(ledger, secrets)
    portal_calls = PortalCalls(portals.webhook_url, config, link)
    return Services(
        config=config,
        policy=_policy(config),
        clock=clock,
        db=db,
        secrets=secrets,
        publisher=publisher,
        source=source,
        ledger=ledger,
        accounts=Accounts(ledger),
        portals=portals,
        portal_calls=portal_calls,
        own_fields=OwnFields(portal_calls),
        prober=Prober(portal_calls, max(1, config.threads // 2)),
        keyring=Keyring(ledger, config),
        feedback=Feedback(ledger, config),
        servers=Servers(ledger),
        prompts=Prompts(ledger),
        artifacts=Artifacts(ledger),
        memories=Memories(ledger),
        preferences=AccountPreferences(ledger, secrets),
        hooks=Hooks(ledger),
        idempotency=IdempotencyStore(db, clock),
        sessions=Sessions(ledger, db, clock),
        sign_in=SignIn(ledger, db, secrets, clock, config.threads),
        oidc=Provider(config, clock) if config.oidc_issuer else None,
        store=store,
        trust=trust,
        host_table=host_table,
    )


def _policy(config: Config) -> Policy:
    """Return what the settings say to the gateway."""
    return Policy(
        tier_quotas=config.tier_quotas,
        redis_down=config.redis_down,
        redis_timeout=config.redis_timeout_ms / 1000,
        auth_failures_per_minute=config.auth_failures_per_minute,
        trusted_proxies=Networks(config.trusted_proxies),
    )


def _may_serve(config: Config) -> bool:
    """A service on another host may use the same Redis; the embedded one is there only while it runs here."""
    return bool(config.redis_url) or service_is_running(config.state_dir)


def _reaches(store: Store, trust: Trust, source: Source) -> bool:
    """Tell whether a change made now would be published at once."""
    if not trust.believed():
        return trust.recover(store, source)
    try:
        store.published()
    except StoreError:
        return False
    return True


def _open_link(config: Config, trust: Trust, source: Callable[[], Source]) -> Link:
    url = config.redis_url or embedded_redis_url(config)
    timeout = config.redis_timeout_ms / 1000
    return open_link(url, timeout, PUBLISHED_KEY, lambda greeting: trust.greet(greeting, source()))
