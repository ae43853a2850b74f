"""The audit log: what is in it, that it cannot be left out, and that tampering shows."""

from __future__ import annotations

import json

import pytest
import structlog
from peewee import IntegrityError

from app import audit
from app.errors import ApiError
from app.ledger import Actor
from app.models import Account, Audit, Key
from app.secrets import Secrets
from gateway.keys import SHOWN_AFTER_PREFIX, mint
from tests.db.installation import CLI, START, Installation

ROWS = 6


@pytest.fixture
def written(installation: Installation) -> Installation:
    owner = installation.account()
    key = installation.key(owner).key
    for name in ("b", "c", "d", "e"):
        installation.change(key, name=name)
    assert audit.verify(installation.secrets).rows == ROWS
    return installation


def _rows() -> list[Audit]:
    return list(Audit.select().order_by(Audit.seq))


def test_a_row_says_who_what_when_from_where_and_by_which_key(installation: Installation) -> None:
    key = installation.key(installation.account()).key
    installation.clock.now += 1.5
    actor = Actor("key", account_id=key.owner_id, key_id=key.id, address="192.0.2.7")
    installation.keyring.change(actor, Key.select(), key.id, {"name": "renamed"})
    row = _rows()[-1]
    assert (row.actor_kind, row.actor_account_id, row.actor_key_id) == ("key", key.owner_id, key.id)
    assert (row.address, row.at) == ("192.0.2.7", int(START * 1000) + 1_500)
    assert (row.action, row.target_kind, row.target_id) == ("key.changed", "key", key.id)
    shown = {"key_prefix": key.key_prefix, "key_suffix": key.key_suffix}
    assert (json.loads(row.before or ""), json.loads(row.after or "")) == (
        {**shown, "name": "a key"},
        {**shown, "name": "renamed"},
    )


def test_number_and_mac_of_each_committed_row_go_to_the_service_log(installation: Installation) -> None:
    with structlog.testing.capture_logs() as logs:
        installation.account()
        with pytest.raises(ApiError):
            installation.account()
    rows = [entry for entry in logs if entry["event"] == "audit.row"]
    assert [(entry["seq"], entry["mac"]) for entry in rows] == [(row.seq, row.mac) for row in _rows()]


def test_where_the_audit_row_cannot_be_written_nothing_changes(installation: Installation) -> None:
    installation.account()
    installation.db.execute_sql(
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END"
    )
    with pytest.raises(IntegrityError):
        installation.account("second@example.com")
    assert Account.select().count() == 1


def test_no_secret_is_in_any_row(installation: Installation) -> None:
    account = installation.account(password="correct horse")
    installation.accounts.update(CLI, account.id, password="battery staple")
    portal = installation.portals.create(
        CLI, "x.bitrix24.com", webhook_url="https://x.bitrix24.com/rest/1/s3cr3t"
    )
    installation.portals.update(CLI, portal.id, webhook_url="https://x.bitrix24.com/rest/1/an0th3r")
    issued = installation.key(account)
    written = " ".join(f"{row.before} {row.after}" for row in _rows())
    for secret in ("correct horse", "battery staple", "argon2", "s3cr3t", "an0th3r", issued.raw_key):
        assert secret not in written
    assert issued.key.digest not in written


@pytest.mark.parametrize("around", ["{}", "a line\n{}", "a{}b", '"{}"', "{}0123"])
def test_a_raw_key_in_a_fact_is_cut_to_what_is_public(around: str) -> None:
    raw_key = mint("api")
    public = raw_key[: len("vibe_api_") + SHOWN_AFTER_PREFIX]
    text = audit.facts({"note": around.format(raw_key), "deep": [{"er": around.format(raw_key)}]})
    assert text is not None
    assert json.loads(text).keys() == {"note", "deep"}
    assert text.count(public) == 2
    assert raw_key[: len(public) + 1] not in text
    assert raw_key[-4:] not in text


def test_what_happened_to_passwords_and_webhooks_is_told_all_the_same(installation: Installation) -> None:
    account = installation.account()
    installation.accounts.update(CLI, account.id, password="battery staple")
    assert json.loads(_rows()[-1].after or "")["password"] == "changed"
    portal = installation.portal()
    installation.portals.update(CLI, portal.id, webhook_url="https://company.bitrix24.com/rest/1/s")
    assert json.loads(_rows()[-1].after or "")["webhook_url"] == "changed"


@pytest.mark.parametrize("seq", range(1, ROWS + 1))
@pytest.mark.parametrize("column", [name for name in Audit._meta.fields if name != "seq"])
def test_an_altered_row_is_named(written: Installation, column: str, seq: int) -> None:
    value = 1 if column == "at" else "system" if column == "actor_kind" else "0" * 64
    Audit.update(**{column: value}).where(Audit.seq == seq).execute()
    verdict = audit.verify(written.secrets)
    assert (verdict.broken, verdict.rows) == (seq, seq - 1)


@pytest.mark.parametrize("seq", range(1, ROWS))
def test_a_removed_row_is_named(written: Installation, seq: int) -> None:
    Audit.delete_by_id(seq)
    verdict = audit.verify(written.secrets)
    assert (verdict.broken, verdict.why) == (seq, "the row is missing")


@pytest.mark.parametrize("seq", range(1, ROWS))
def test_a_removed_row_is_named_when_the_rest_moves_up(written: Installation, seq: int) -> None:
    Audit.delete_by_id(seq)
    for later in range(seq + 1, ROWS + 1):
        Audit.update(seq=later - 1).where(Audit.seq == later).execute()
    assert audit.verify(written.secrets).broken == seq


@pytest.mark.parametrize("seq", range(1, ROWS))
def test_rows_that_changed_places_are_named(written: Installation, seq: int) -> None:
    for old, new in ((seq, 99), (seq + 1, seq), (99, seq + 1)):
        Audit.update(seq=new).where(Audit.seq == old).execute()
    assert audit.verify(written.secrets).broken == seq


@pytest.mark.parametrize("kept", range(ROWS))
def test_a_cut_tail_shows_against_the_service_log(written: Installation, kept: int) -> None:
    head = _rows()[-1]
    Audit.delete().where(Audit.seq > kept).execute()
    assert audit.verify(written.secrets).broken is None
    assert audit.verify(written.secrets, (head.seq, head.mac)).broken == kept + 1


def test_a_log_that_was_written_anew_shows_against_the_service_log(written: Installation) -> None:
    noted = _rows()[2]
    Audit.delete().where(Audit.seq >= 3).execute()
    key = Key.select().first()
    for name in ("x", "y", "z"):
        written.change(key, name=name)
    assert audit.verify(written.secrets).broken is None
    assert audit.verify(written.secrets, (3, noted.mac)).broken == 3


@pytest.mark.parametrize(
    "altered", ["at = 'noon'", "before = x'00'", "after = CAST(x'ff' AS TEXT)", "mac = 'é'", "mac = x'00'"]
)
def test_what_no_row_can_hold_is_broken_too(written: Installation, altered: str) -> None:
    written.db.execute_sql(f"UPDATE audit SET {altered} WHERE seq = 3")
    assert audit.verify(written.secrets).broken == 3


def test_a_row_before_the_first_is_none_of_ours(written: Installation) -> None:
    Audit.update(seq=0).where(Audit.seq == 1).execute()
    assert audit.verify(written.secrets).broken == 1


@pytest.mark.parametrize(("newest", "broken"), [(ROWS - 3, None), (ROWS - 2, 3), (ROWS, 3), (10**6, 3)])
def test_the_newest_rows_can_be_checked_alone(written: Installation, newest: int, broken: int | None) -> None:
    last = _rows()[-1]
    Audit.update(after="{}").where(Audit.seq == 3).execute()
    verdict = audit.verify(written.secrets, newest=newest)
    assert verdict.broken == broken
    assert broken or (verdict.rows, verdict.mac) == (ROWS, last.mac)


def test_a_replaced_secret_still_verifies_what_the_old_one_signed(written: Installation) -> None:
    old = (written.config.state_dir / "secret.key").read_text().strip()
    assert audit.verify(Secrets(["new", old])).rows == ROWS
    assert audit.verify(Secrets(["new"])).broken == 1
