"""Accounts: the persons who own keys, made and changed by the operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argon2 import PasswordHasher

from app import sessions
from app.audit import difference
from app.errors import ApiError, invalid
from app.idn import ascii_domain
from app.ledger import Actor, Ledger
from app.models import Account, new_id
from app.models.account import STATUSES, TIERS
from app.unset import UNSET, Unset

HIGHEST_LIMIT = 1_000_000_000
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1_024
PASSWORDS = PasswordHasher(parallelism=1)
"""On one core: who has passwords checked in numbers leaves the others to the requests of keys."""

_AUDITED = ("email", "tier", "hourly_limit", "status", "is_operator")


class Accounts:
    """Makes and changes accounts. Refusals are `ApiError`s and change nothing."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def create(
        self,
        actor: Actor,
        email: str,
        *,
        tier: str = "free",
        hourly_limit: int | Unset | None = UNSET,
        status: str = "ACTIVE",
        operator: bool = False,
        password: str | None = None,
    ) -> Account:
        """Make an account. Enterprise needs an `hourly_limit`: a number, or None for no limit at all.

        Raises VALIDATION_ERROR, also if the address is taken.
        """
        account = Account(email=_address(email), tier=tier, status=status, is_operator=operator)
        account.hourly_limit = _limit(tier, hourly_limit)
        account.password_hash = _hashed(password)
        _check(account)
        with self._ledger.change(actor) as change:
            if Account.get_or_none(Account.email == account.email) is not None:
                raise invalid(email="There is an account with this address already.")
            account.id = new_id(change.now_ms)
            account.created_at = change.now_ms
            change.account(account, new=True)
            change.audit("account.created", "account", account.id, None, _facts(account), owner_id=account.id)
        return account

    def update(
        self,
        actor: Actor,
        account_id: str,
        *,
        tier: str | Unset = UNSET,
        hourly_limit: int | Unset | None = UNSET,
        status: str | Unset = UNSET,
        operator: bool | Unset = UNSET,
        password: str | Unset = UNSET,
    ) -> Account:
        """Change what is given. Enterprise keeps its limit unless another is given; leaving it drops it.
        A new password ends the account's sessions, but the one that asks for it.

        Raises ENTITY_NOT_FOUND, VALIDATION_ERROR, also where the last operator in the dashboard would put
        itself out of it: then only a command could bring one back.
        """
        # Hashing takes a tenth of a second, for which nobody shall hold the write lock.
        password_hash = password if isinstance(password, Unset) else _hashed(password)
        with self._ledger.change(actor) as change:
            account = _get(account_id)
            before = _facts(account)
            if isinstance(hourly_limit, Unset) and account.tier == "enterprise":
                hourly_limit = account.hourly_limit if tier in (UNSET, "enterprise") else UNSET
            _assign(account, tier=tier, status=status, is_operator=operator, password_hash=password_hash)
            account.hourly_limit = _limit(account.tier, hourly_limit)
            _check(account)
            after = _facts(account)
            if actor.account_id == account.id and _can_operate(before) and not _can_operate(after):
                _check_others_can_operate(account)
            if not isinstance(password, Unset):
                after["password"] = "changed"
            if after != before:
                change.account(account)
                told = difference(before, after)
                change.audit("account.changed", "account", account.id, *told, owner_id=account.id)
            if "password" in after:
                sessions.end_all(change, account.id, "new password", but=actor.session_id)
        return account


def _address(email: str) -> str:
    """Return an e-mail address in the form under which accounts are found. Raises VALIDATION_ERROR."""
    address = email.strip().lower()
    name, _, domain = address.partition("@")
    if (
        not (name and domain)
        or "@" in domain
        or " " in address
        or not address.isprintable()
        or len(address) > 254
    ):
        raise invalid(email="Must be an e-mail address.")
    try:
        ascii_domain(domain)
    except ValueError:
        reason = "Its domain is none, or can be understood in two ways: write it in ASCII, as xn--…"
        raise invalid(email=reason) from None
    return address


def _get(account_id: str) -> Account:
    account = Account.get_or_none(Account.id == account_id)
    if account is None:
        raise ApiError("ENTITY_NOT_FOUND", "There is no such account.")
    return account


def _assign(account: Account, **fields: Any) -> None:
    for name, value in fields.items():
        if not isinstance(value, Unset):
            setattr(account, name, value)


def _limit(tier: str, hourly_limit: int | Unset | None) -> int | None:
    if tier != "enterprise":
        if isinstance(hourly_limit, int):
            raise invalid(
                hourlyLimit=f"The tier {tier} has the limit of the settings; only enterprise has its own."
            )
        return None
    if isinstance(hourly_limit, Unset):
        raise invalid(hourlyLimit="An enterprise account needs a limit, or none explicitly.")
    if hourly_limit is not None and not 1 <= hourly_limit <= HIGHEST_LIMIT:
        raise invalid(hourlyLimit=f"Must be from 1 to {HIGHEST_LIMIT}.")
    return hourly_limit


def _check(account: Account) -> None:
    if account.tier not in TIERS:
        raise invalid(tier=f"Must be one of {', '.join(TIERS)}.")
    if account.status not in STATUSES:
        raise invalid(status=f"Must be one of {', '.join(STATUSES)}.")


def _can_operate(facts: Mapping[str, Any]) -> bool:
    return bool(facts["is_operator"]) and facts["status"] == "ACTIVE"


def _check_others_can_operate(account: Account) -> None:
    others = Account.select().where(Account.is_operator, Account.status == "ACTIVE", Account.id != account.id)
    if not others.exists():
        reason = "You are the only operator who can act. Make another one first."
        raise invalid(**{"status" if account.is_operator else "operator": reason})


def _hashed(password: str | None) -> str | None:
    if password is None:
        return None
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise invalid(password=f"Must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return PASSWORDS.hash(password)


def _facts(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in _AUDITED}
