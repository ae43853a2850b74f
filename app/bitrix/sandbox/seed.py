"""What a new portal holds: enough of everything for more than one page, the same each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from app.bitrix.sandbox import clock
from app.bitrix.sandbox.crm import TYPES, new_item
from app.bitrix.sandbox.store import Row, Tables
from app.bitrix.sandbox.tasks import new_task

_BEGAN = 1_760_000_000
_HOUR = 3_600
_USERS, _COMPANIES, _CONTACTS, _LEADS, _TASKS = 55, 60, 75, 70, 90
_STAGES = ("NEW", "PREPARATION", "EXECUTING", "WON", "LOSE")
_LEAD_STAGES = ("NEW", "IN_PROCESS", "PROCESSED", "CONVERTED", "JUNK")
_SOURCES = ("WEB", "CALL", "ADVERTISING")


@cache
def tables(deals: int = 120) -> Tables:
    """Users, companies, contacts, leads, deals and tasks that refer to one another."""
    return {
        "users": {number: _user(number) for number in range(1, _USERS + 1)},
        "companies": _items(4, _COMPANIES, _company),
        "contacts": _items(3, _CONTACTS, _contact),
        "leads": _items(1, _LEADS, _lead),
        "deals": _items(2, deals, _deal),
        "tasks": {number: _task(number) for number in range(1, _TASKS + 1)},
    }


def _items(type_number: int, how_many: int, fields: Callable[[int], Row]) -> dict[int, Row]:
    type_ = TYPES[type_number]
    return {
        number: new_item(type_, number, _BEGAN + number * _HOUR, fields(number))
        for number in range(1, how_many + 1)
    }


def _user(number: int) -> Row:
    row: Row = {
        "ID": str(number),
        "ACTIVE": number % 10 != 9,
        "NAME": "Employee",
        "LAST_NAME": f"No. {number}",
        "EMAIL": f"employee-{number}@example.com",
        "LAST_LOGIN": clock.written(_BEGAN + number * _HOUR),
        "DATE_REGISTER": clock.written(_BEGAN),
        "TIME_ZONE": "",
        "IS_ONLINE": "Y" if number % 7 == 1 else "N",
        "TIMESTAMP_X": {},
        "LAST_ACTIVITY_DATE": {},
        "PERSONAL_GENDER": "",
        "PERSONAL_BIRTHDAY": "",
        "WORK_POSITION": "Manager" if number % 5 == 1 else "",
        "UF_EMPLOYMENT_DATE": "",
        "UF_DEPARTMENT": [1 + number % 4],
        "USER_TYPE": "employee",
    }
    return row | ({"SECOND_NAME": "", "WORK_PHONE": f"+49 30 5550{number:03d}"} if number % 2 else {})


def _company(number: int) -> Row:
    return {
        "title": f"Company {number}",
        "typeId": ("CUSTOMER", "SUPPLIER", "PARTNER")[number % 3],
        "revenue": number * 25_000,
        "currencyId": "EUR",
        "isMyCompany": "Y" if number == 1 else "N",
        "fm": [{"typeId": "EMAIL", "valueType": "WORK", "value": f"office@company-{number}.example"}],
        "assignedById": _employee(number),
    }


def _contact(number: int) -> Row:
    return {
        "name": "Contact",
        "lastName": f"No. {number}",
        "post": "Buyer" if number % 3 else "Director",
        "companyIds": [_of(number, _COMPANIES)],
        "fm": [
            {"typeId": "PHONE", "valueType": "WORK", "value": f"+49 30 5551{number:03d}"},
            {"typeId": "EMAIL", "valueType": "HOME", "value": f"contact-{number}@example.com"},
        ],
        "assignedById": _employee(number),
    }


def _lead(number: int) -> Row:
    return {
        "title": f"Enquiry {number}",
        "name": "Visitor",
        "lastName": f"No. {number}",
        "stageId": _LEAD_STAGES[number % len(_LEAD_STAGES)],
        "sourceId": _SOURCES[number % len(_SOURCES)],
        "opportunity": number * 100,
        "assignedById": _employee(number),
    }


def _deal(number: int) -> Row:
    return {
        "title": f"Order {number}",
        "stageId": _STAGES[number % len(_STAGES)],
        "categoryId": 0,
        "opportunity": number * 1_000 + (0.5 if number % 2 else 0),
        "probability": number % 101,
        "companyId": _of(number, _COMPANIES),
        "contactIds": [_of(number, _CONTACTS)],
        "sourceId": _SOURCES[number % len(_SOURCES)],
        "begindate": clock.written(_BEGAN + number * _HOUR),
        "closedate": clock.written(_BEGAN + (number + 240) * _HOUR),
        "assignedById": _employee(number),
        "observers": [1, 2] if number % 4 == 0 else [],
        "ufCrm_1700000000": f"PO-{number:05d}",
    }


def _task(number: int) -> Row:
    return new_task(number, _BEGAN + number * _HOUR) | {
        "TITLE": f"Call about order {number}",
        "RESPONSIBLE_ID": _employee(number),
        "STATUS": 2 + number % 5,
        "PRIORITY": number % 3,
        "DEADLINE": clock.written(_BEGAN + (number + 48) * _HOUR) if number % 2 else None,
        "TIME_ESTIMATE": number * 60,
        "AUDITORS": [1, 2] if number % 4 == 0 else [],
        "UF_CRM_TASK": [f"D_{number}"],
    }


def _employee(number: int) -> int:
    return _of(number, 8)


def _of(number: int, how_many: int) -> int:
    return 1 + (number - 1) % how_many
