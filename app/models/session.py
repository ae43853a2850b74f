"""Who is signed in to the dashboard, and who tries to be."""

from __future__ import annotations

from peewee import BigIntegerField, CharField, ForeignKeyField, IntegerField

from app.models.account import Account
from app.models.base import Base, id_field


class Session(Base):
    """One browser that is signed in. It is over at `expires_at`; one that was ended has no row any more.

    The browser holds a token, of which only the SHA-256 is here. `last_seen_at` is up to a minute behind.
    """

    id = id_field()
    token_digest = CharField(max_length=64, unique=True)
    account = ForeignKeyField(Account, on_delete="RESTRICT")
    created_at = BigIntegerField()
    last_seen_at = BigIntegerField()
    expires_at = BigIntegerField(index=True)
    address = CharField(max_length=64)
    user_agent = CharField(max_length=200)

    account_id: str


class SignInAttempts(Base):
    """How often something was tried since `began_at`; `name` is a MAC of what is counted together."""

    name = CharField(max_length=64, primary_key=True)
    began_at = BigIntegerField(index=True)
    attempts = IntegerField()
