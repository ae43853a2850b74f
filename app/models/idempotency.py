"""Answers kept for callers who may not have heard them."""

from __future__ import annotations

from peewee import BigIntegerField, BlobField, CharField, Check, IntegerField

from app.models.base import Base


class Idempotency(Base):
    """One `Idempotency-Key` of one caller; `status` and `answer` are set together when the run is done.

    `attempt` names the run that owns the row, so that one that was given up cannot finish another's.
    """

    id = CharField(max_length=64, primary_key=True)
    fingerprint = CharField(max_length=64)
    attempt = CharField(max_length=32)
    started_at = BigIntegerField(index=True)
    status = IntegerField(null=True)
    answer = BlobField(null=True)

    class Meta:
        constraints = (Check("(status IS NULL) = (answer IS NULL)", name="idempotency_finished"),)
