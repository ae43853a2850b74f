"""Which tickets a person sees in the dashboard: the team all of them, everybody else those that he opened.

Of the team are operators, and who has a working management key with the scope that only an operator grants,
unless the account is suspended.
Each condition stands in the query itself, so that it is judged once more under the write lock.
"""

from __future__ import annotations

from typing import Any

from peewee import SQL, ModelSelect, Select, fn

from app.keyring import status_is
from app.models import Account, Key, Ticket
from app.scopes import OPERATOR_SCOPES


def tickets_of_author(account_id: str) -> ModelSelect[Ticket]:
    """Select the tickets that an account has opened, on whatever portal."""
    return Ticket.select().where(Ticket.author == account_id)


def tickets_of_team(account_id: str, now_ms: int) -> ModelSelect[Ticket]:
    """Select all tickets if the account is of the team, else none."""
    return Ticket.select().where(_is_of_team(account_id, now_ms))


def is_of_team(account_id: str, now_ms: int) -> bool:
    """Tell whether an account may see and answer everybody's tickets."""
    return Account.select().where(Account.id == account_id, _is_of_team(account_id, now_ms)).exists()


def _is_of_team(account_id: str, now_ms: int) -> Any:
    accounts = Account.alias("accounts")
    scope = fn.json_each(Key.scopes).alias("scope")
    wanted = SQL('"scope".value = ?', tuple(OPERATOR_SCOPES))
    keys = Key.select(SQL("1")).where(
        Key.owner == account_id,
        Key.type == "management",
        status_is("ACTIVE", now_ms),
        fn.EXISTS(Select([scope], [SQL("1")]).where(wanted)),
    )
    of_team = accounts.select(SQL("1")).where(
        accounts.id == account_id,
        accounts.status != "SUSPENDED",
        accounts.is_operator | fn.EXISTS(keys),
    )
    return fn.EXISTS(of_team)
