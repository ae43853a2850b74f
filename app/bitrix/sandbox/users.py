"""`user.get`, `user.current`, `user.fields`: read only, UPPER_SNAKE, ids as strings, a bare list as the
result.

ACTIVE is a boolean where all else is text, some times arrive as an empty object, and a field that was
never filled may be absent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.bitrix.sandbox import query
from app.bitrix.sandbox.answer import Answer, Call
from app.bitrix.sandbox.php import pairs, values
from app.bitrix.sandbox.query import Kind

_KINDS: dict[str, Kind] = {
    "ACTIVE": "flag",
    **dict.fromkeys(("ID", "UF_DEPARTMENT"), "number"),
    **dict.fromkeys(("LAST_LOGIN", "DATE_REGISTER", "PERSONAL_BIRTHDAY", "UF_EMPLOYMENT_DATE"), "time"),
}
_NAMES = [
    name
    for line in """
    ID XML_ID ACTIVE NAME LAST_NAME SECOND_NAME TITLE EMAIL LAST_LOGIN DATE_REGISTER TIME_ZONE IS_ONLINE
    TIMESTAMP_X LAST_ACTIVITY_DATE PERSONAL_GENDER PERSONAL_PROFESSION PERSONAL_WWW PERSONAL_BIRTHDAY
    PERSONAL_PHOTO PERSONAL_ICQ PERSONAL_PHONE PERSONAL_FAX PERSONAL_MOBILE PERSONAL_PAGER PERSONAL_STREET
    PERSONAL_CITY PERSONAL_STATE PERSONAL_ZIP PERSONAL_COUNTRY PERSONAL_MAILBOX PERSONAL_NOTES WORK_PHONE
    WORK_COMPANY WORK_POSITION WORK_DEPARTMENT WORK_WWW WORK_FAX WORK_PAGER WORK_STREET WORK_MAILBOX WORK_CITY
    WORK_STATE WORK_ZIP WORK_COUNTRY WORK_PROFILE WORK_LOGO WORK_NOTES UF_SKYPE_LINK UF_ZOOM
    UF_EMPLOYMENT_DATE UF_TIMEMAN UF_DEPARTMENT UF_INTERESTS UF_SKILLS UF_WEB_SITES UF_XING UF_LINKEDIN
    UF_TWITTER UF_SKYPE UF_DISTRICT UF_PHONE_INNER USER_TYPE
    """.splitlines()
    for name in line.split()
]
"""Source: `user.fields` in Bitrix24's documentation."""


def get(call: Call) -> Answer:
    """`user.get`: parameters in either case; conditions may also stand among them."""
    params = {name.upper(): value for name, value in call.params.items()}
    conditions = {
        name: value
        for name, value in [*params.items(), *pairs(params.get("FILTER"))]
        if _kind(query.parts(name)[1])
    }
    try:
        rows = query.matching(call.store.rows("users"), conditions, _kind)
    except query.BadValue:
        rows = []
    field = str(params.get("SORT", "ID")).upper()
    order = [(field if _kind(field) else "ID", str(params.get("ORDER", "")).upper() == "DESC")]
    page = query.page(query.ordered(rows, order, _kind, "ID"), params.get("START", 0))
    names = {str(name) for name in values(params.get("SELECT") or [])}
    shown = [_selected(row, names) for row in page.rows]
    return Answer(shown, page.total, page.next)


def current(call: Call) -> Answer:
    """`user.current`: whose webhook it is."""
    return Answer(call.store.get("users", 1))


def fields(call: Call) -> Answer:
    """`user.fields`: the fields with their labels."""
    return Answer({name: name.replace("_", " ").capitalize() for name in _NAMES})


METHODS: dict[str, Callable[[Call], Answer]] = {
    "user.get": get,
    "user.current": current,
    "user.fields": fields,
}


def _kind(name: str) -> Kind | None:
    if name not in _NAMES:
        return None
    return _KINDS.get(name, "text")


def _selected(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    if not names or "*" in names:
        return row
    custom = "UF_*" in names
    return {
        name: value
        for name, value in row.items()
        if name in names or name == "ID" or (custom and name.startswith("UF_"))
    }
