"""The yardstick: what a team writes today with the packages that everybody knows, as well as these allow.

An API key is looked up by its SHA-256 through peewee, with its owner by a join; the client's address is
compared with the key's networks; two limits, the key's and the tier's, are counted by Flask-Limiter in the
same Redis; the request is counted in SQLite, which is what an overview of usage needs. It is set up to be
quick: connections stay open, SQLite writes ahead and does not wait for the disk, fixed windows (the
cheapest strategy), no headers that would ask Redis again, and a short whitelist. It does less than the
gateway: the limits are counted one by one, and no client learns what is left.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import time
from pathlib import Path

from flask import Flask, Response, abort, g, request
from flask_limiter import ApplicationLimit, Limiter
from peewee import (
    AutoField,
    BooleanField,
    CharField,
    DatabaseProxy,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)

NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "192.0.2.0/24")
PER_HOUR = 1_000_000_000

_database = DatabaseProxy()


class _Table(Model):
    class Meta:
        database = _database


class Customer(_Table):
    """Who owns keys."""

    email = CharField(unique=True)
    active = BooleanField(default=True)
    hourly_limit = IntegerField()


class ApiKey(_Table):
    """A key, by its hash."""

    id = AutoField()
    customer = ForeignKeyField(Customer)
    digest = CharField(unique=True)
    revoked = BooleanField(default=False)
    expires_at = IntegerField(null=True)
    networks = TextField()
    hourly_limit = IntegerField()
    requests = IntegerField(default=0)
    last_used_at = IntegerField(null=True)


def prepare(path: Path, raw_key: str) -> None:
    """Make the tables, with one customer and one key in them."""
    _open(path)
    _database.create_tables([Customer, ApiKey])
    customer = Customer.create(email="somebody@example.com", hourly_limit=PER_HOUR)
    ApiKey.create(
        customer=customer, digest=_digest(raw_key), networks=json.dumps(NETWORKS), hourly_limit=PER_HOUR
    )
    _database.close()


def protect(app: Flask, path: Path, redis_url: str) -> None:
    """Put keys, limits, the address check and the count of usage in front of every view of `app`."""
    _open(path)
    app.before_request(_authenticate)
    Limiter(
        key_func=lambda: str(g.api_key.id),
        app=app,
        storage_uri=redis_url.replace("unix://", "redis+unix://"),
        strategy="fixed-window",
        application_limits=[
            ApplicationLimit(lambda: f"{g.api_key.hourly_limit} per hour", scope="key"),
            ApplicationLimit(
                lambda: f"{g.api_key.customer.hourly_limit} per hour",
                key_function=lambda: str(g.api_key.customer_id),
                scope="tier",
            ),
        ],
    )
    app.after_request(_count)


def _authenticate() -> None:
    raw_key = request.headers.get("X-Api-Key", "")
    query = ApiKey.select(ApiKey, Customer).join(Customer).where(ApiKey.digest == _digest(raw_key))
    key = query.first()
    if key is None or key.revoked or (key.expires_at is not None and key.expires_at <= time.time()):
        abort(401)
    if not key.customer.active or not _is_allowed(request.remote_addr or "", json.loads(key.networks)):
        abort(403)
    g.api_key = key


def _is_allowed(address: str, networks: list[str]) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed in ipaddress.ip_network(network) for network in networks)


def _count(response: Response) -> Response:
    ApiKey.update(requests=ApiKey.requests + 1, last_used_at=int(time.time())).where(
        ApiKey.id == g.api_key.id
    ).execute()
    return response


def _digest(raw_key: str) -> str:
    return hashlib.sha256(raw_key.encode()).hexdigest()


def _open(path: Path) -> None:
    opened = SqliteDatabase(str(path), pragmas={"journal_mode": "wal", "synchronous": "normal"})
    _database.initialize(opened)
