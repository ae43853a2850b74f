"""The applications that are compared: each a factory that reads its settings from the environment.

They are called by the benchmarks in this process, and by gunicorn in its worker.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, jsonify

from app.auth import is_public
from app.config import Config
from app.valkey import embedded_redis_url
from app.wiring import build, open_services
from bench import today
from bench.installation import today_database
from gateway.authorize import Authorizer
from gateway.middleware import Gateway
from gateway.trust import Watch
from gateway.usage_table import UsageTable

PATH = "/v1/hello"


def bare() -> Flask:
    """Return what stands behind the others: Flask with one view."""
    flask_app = Flask("bench")

    @flask_app.get(PATH)
    def hello() -> Response:
        return jsonify(hello="world")

    return flask_app


def one_trip() -> WSGIApplication:
    """Return bare Flask behind one INCR over a raw socket: no gateway that asks Redis can cost less."""
    config = Config.from_env(os.environ)
    redis = socket.socket(socket.AF_UNIX)
    redis.connect(str(config.redis_socket))
    flask_app = bare()

    def ask_redis(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        redis.sendall(b"INCR bench\r\n")
        redis.recv(64)
        return flask_app(environ, start_response)

    return ask_redis


def gateway() -> WSGIApplication:
    """Return the gateway around bare Flask, put together as in `app.wiring` but without log and metrics."""
    config = Config.from_env(os.environ)
    services = open_services(config, redis="required")
    store, trust, host_table = services.store, services.trust, services.host_table
    assert store is not None
    assert trust is not None
    assert host_table is not None
    watch = Watch(trust, store, services.source)
    watch.look()
    policy = services.policy
    authorizer = Authorizer(
        store,
        services.source,
        host_table,
        UsageTable(config.state_dir),
        trust,
        policy,
        time.time,
        lambda: watch.legacy_forms,
    )
    watch.start()
    return Gateway(bare(), authorizer, host_table, policy.trusted_proxies, is_public, time.time)


def todays() -> Flask:
    """Return the yardstick around bare Flask."""
    config = Config.from_env(os.environ)
    flask_app = bare()
    today.protect(flask_app, today_database(config.state_dir), embedded_redis_url(config))
    return flask_app


def service() -> WSGIApplication:
    """Return the whole service."""
    return build(Config.from_env(os.environ))
