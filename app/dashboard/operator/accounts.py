"""Accounts: the list of all, a new one, and the page of one with its tier and its standing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from app.dashboard.forms import Form
from app.dashboard.key_table import show
from app.dashboard.page import get, notice, post, render, to
from app.dashboard.tables import Asked, Table
from app.dashboard.visitor import visitor
from app.errors import ApiError, invalid
from app.keyring import status_is
from app.models import Account, Key
from app.models.account import STATUSES, TIERS
from app.paging import page_of_rows
from app.schemas.fields import uuid_in
from app.services import services
from app.unset import UNSET, Unset

SECTION, PATH = "accounts", "/dashboard/operator/accounts"
EFFECTS: Mapping[str, str] = {
    "ACTIVE": "All that its keys open, and all pages here.",
    "RESTRICTED": "Its keys may read and change nothing. Its owner sees all pages and can change nothing.",
    "SUSPENDED": "Every request with its keys is refused, from the next one on. "
    "Its owner can sign in, sees why, and can change nothing.",
}
"""What each status of an account means for it."""

_SORTS = {
    "created": (Account.created_at, Account.id),
    "email": (Account.email,),
}
_FILTERS = {"tier": TIERS, "status": STATUSES, "operator": ("yes", "no")}
_NO_LIMIT = "none"
_LONGEST_LIMIT = 10
_NO_FORM = Form()


@get("/dashboard/operator/accounts", operator=True)
def listed() -> Response:
    """All accounts, narrowed as asked."""
    asked = Asked.from_request(sorts=("-created", "email"), filters=_FILTERS)
    order = [column.desc() if asked.descending else column.asc() for column in _SORTS[asked.sort]]
    with services().db.atomic():  # one transaction, so that the page is of what was counted
        rows, total = page_of_rows(_narrowed(asked).order_by(*order), asked.page, asked.limit)
    return show(
        Table(asked, rows, total),
        "operator/accounts.html",
        "operator/_accounts.html",
        title="Accounts",
        section=SECTION,
        filters=_FILTERS,
    )


@get("/dashboard/operator/accounts/new", operator=True)
def new() -> Response:
    """An empty form."""
    return _show_new(Form({"tier": "free"}))


@post("/dashboard/operator/accounts/new", operator=True)
def create() -> Response:
    """Make an account."""
    form = Form.from_request()
    try:
        account = services().accounts.create(
            visitor().actor(as_operator=True),
            form.value("email"),
            tier=form.value("tier"),
            hourly_limit=_hourly_limit(form),
            operator=bool(form.value("operator")),
            password=form.value("password") or None,
        )
    except ApiError as error:
        return _show_new(form.refused(error), error.status)
    notice(f"The account {account.email} was made.")
    return to(f"{PATH}/{account.id}")


@get("/dashboard/operator/accounts/<id>", operator=True)
def one(id: str) -> Response:
    """An account."""
    return show_account(account_of_path(id))


@post("/dashboard/operator/accounts/<id>", operator=True)
def change(id: str) -> Response:
    """Set tier, limit, status, and whether it is an operator."""
    form, account = Form.from_request(), account_of_path(id)
    try:
        services().accounts.update(
            visitor().actor(as_operator=True),
            account.id,
            tier=form.value("tier"),
            hourly_limit=_hourly_limit(form),
            status=form.value("status"),
            operator=bool(form.value("operator")),
        )
    except ApiError as error:
        return show_account(account, error.status, standing_form=form.refused(error))
    notice("The account was saved, and holds for its next request.")
    return to(f"{PATH}/{account.id}")


def account_of_path(id: str) -> Account:
    """Return the account that a path names. Raises `ApiError` ENTITY_NOT_FOUND."""
    account: Account | None = Account.get_or_none(Account.id == uuid_in(id))
    if account is None:
        raise ApiError("ENTITY_NOT_FOUND")
    return account


def show_account(
    account: Account, status: int = 200, *, standing_form: Form | None = None, password_form: Form = _NO_FORM
) -> Response:
    """Return the page of an account, with a form as it was refused."""
    keys = Key.select().where(Key.owner == account)
    return render(
        "operator/account.html",
        title=account.email,
        section=SECTION,
        status=status,
        account=account,
        standing_form=standing_form or _standing(account),
        password_form=password_form,
        tiers=TIERS,
        effects=EFFECTS,
        keys=keys.count(),
        working_keys=keys.where(status_is("ACTIVE", int(services().clock() * 1000))).count(),
        sessions=services().sessions.of(account.id),
    )


def _narrowed(asked: Asked) -> Any:
    query, filters = Account.select(), asked.filters
    if asked.search:
        query = query.where(Account.email.contains(asked.search.lower()))
    if "tier" in filters:
        query = query.where(Account.tier == filters["tier"])
    if "status" in filters:
        query = query.where(Account.status == filters["status"])
    if "operator" in filters:
        query = query.where(Account.is_operator == (filters["operator"] == "yes"))
    return query


def _show_new(form: Form, status: int = 200) -> Response:
    return render(
        "operator/new_account.html",
        title="New account",
        section=SECTION,
        status=status,
        form=form,
        tiers=TIERS,
    )


def _standing(account: Account) -> Form:
    limit = account.hourly_limit if account.hourly_limit is not None else _NO_LIMIT
    return Form(
        {
            "tier": account.tier,
            "hourlyLimit": limit if account.tier == "enterprise" else "",
            "status": account.status,
            "operator": "yes" if account.is_operator else None,
        }
    )


def _hourly_limit(form: Form) -> int | Unset | None:
    text = form.value("hourlyLimit").strip().lower()
    if not text and form.value("tier") != "enterprise":
        return UNSET
    if text == _NO_LIMIT:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > _LONGEST_LIMIT:
        raise invalid(hourlyLimit="Must be a number, or the word none for no limit.")
    return int(text)
