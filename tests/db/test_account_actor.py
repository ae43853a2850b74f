"""An account that is signed in changes something: it is judged again under the lock."""

from __future__ import annotations

import pytest

from app.errors import ApiError
from app.ledger import Actor, SignedOut
from app.models import Account, Audit, Event
from app.sessions import IDLE_MS
from tests.db.installation import ADDRESS, CLI, Installation


def change_something(installation: Installation, actor: Actor, account: Account) -> None:
    with installation.ledger.change(actor) as change:
        change.audit("account.changed", "account", account.id, None, None, owner_id=account.id)


def test_the_audit_row_names_the_account_and_the_address(installation: Installation) -> None:
    account = installation.account()
    change_something(installation, installation.visitor(account), account)

    row = Audit.select().order_by(Audit.seq.desc()).get()
    assert (row.actor_kind, row.actor_account_id, row.actor_key_id) == ("account", account.id, None)
    assert row.address == ADDRESS
    event = Event.select().where(Event.type == "account.changed").get()
    assert (event.by, event.by_key_id, event.address) == ("account", None, ADDRESS)


@pytest.mark.parametrize(("as_operator", "by"), [(True, "operator"), (False, "other")])
def test_another_account_is_told_who_it_was_done_by_but_not_from_where(
    installation: Installation, as_operator: bool, by: str
) -> None:
    account, other = installation.account(operator=True), installation.account("other@example.com")
    change_something(installation, installation.visitor(account, as_operator=as_operator), other)

    event = Event.select().where(Event.account == other, Event.type == "account.changed").get()
    assert (event.by, event.address) == (by, None)


@pytest.mark.parametrize(
    ("status", "code"), [("SUSPENDED", "ACCOUNT_SUSPENDED"), ("RESTRICTED", "ACCOUNT_RESTRICTED")]
)
def test_an_account_that_is_not_active_changes_nothing(
    installation: Installation, status: str, code: str
) -> None:
    account = installation.account()
    actor = installation.visitor(account)
    installation.accounts.update(CLI, account.id, status=status)
    rows = Audit.select().count()

    with pytest.raises(ApiError) as refused:
        change_something(installation, actor, account)

    assert (refused.value.code, Audit.select().count()) == (code, rows)


def test_a_session_that_is_over_changes_nothing(installation: Installation) -> None:
    account = installation.account()
    actor = installation.visitor(account)
    installation.clock.now += IDLE_MS / 1000
    with pytest.raises(SignedOut):
        change_something(installation, actor, account)


def test_a_session_that_was_ended_or_is_anothers_changes_nothing(installation: Installation) -> None:
    account, other = installation.account(), installation.account("other@example.com")
    theirs = installation.visitor(other)
    with pytest.raises(SignedOut):
        change_something(installation, Actor("account", account.id, session_id=theirs.session_id), account)

    installation.accounts.update(CLI, other.id, password="a new password")
    with pytest.raises(SignedOut):
        change_something(installation, theirs, other)


def test_who_is_no_operator_any_more_finds_nothing_to_change(installation: Installation) -> None:
    account = installation.account(operator=True)
    actor = installation.visitor(account, as_operator=True)
    change_something(installation, actor, account)
    installation.accounts.update(CLI, account.id, operator=False)
    with pytest.raises(ApiError) as refused:
        change_something(installation, actor, account)
    assert refused.value.code == "ENTITY_NOT_FOUND"
