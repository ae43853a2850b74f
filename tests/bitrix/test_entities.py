"""The table of entities, held against the stand-in, which has its own from the same documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.bitrix.conditions import Wanted, condition
from app.bitrix.descriptions import described
from app.bitrix.entities import ACTIONS, ENTITIES, Entity
from app.bitrix.fields import camel, upper_snake
from app.bitrix.sandbox.crm_fields import COMPANY, CONTACT, DEAL, LEAD
from app.bitrix.sandbox.task_fields import FIELDS as TASK

CRM = {"deals": DEAL, "contacts": CONTACT, "companies": COMPANY, "leads": LEAD}
_KINDS = {
    **dict.fromkeys(("integer", "user", "file", "crm_company", "crm_contact", "crm_lead"), "integer"),
    **dict.fromkeys(("crm_quote", "crm_category", "crm_webform", "crm_entity"), "integer"),
    **dict.fromkeys(("string", "text", "crm_status", "crm_currency", "location"), "string"),
    "double": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "crm_multifield": "object",
}
_DIFFER = {"lastCommunicationTime", "lostAmount", "receivedAmount"}
"""Bitrix24 calls the first one a string, although it gives a time; the others are sums of money."""
_ACCESS = {"shown": "read"}
OWN = ("ufCrm", "parentId")
NOT_FOR_REST = {"contacts", "companies"}
"""Bitrix24 tells of them, and refuses calls that name them."""


@pytest.mark.parametrize("name", CRM)
def test_crm_fields_are_those_of_the_documentation(name: str) -> None:
    theirs = {field.name: field for field in CRM[name].values() if not field.name.startswith(OWN)}
    ours = ENTITIES[name].fields
    assert set(ours) == set(theirs) - NOT_FOR_REST
    for field in (field for field in theirs.values() if field.name in ours):
        assert ours[field.name].access == _ACCESS.get(field.access, field.access), field.name
        assert ours[field.name].many == (field.multiple or field.type == "crm_multifield"), field.name
        if field.name not in _DIFFER and not field.name.startswith("uf"):
            assert ours[field.name].kind.name == _KINDS[field.type], field.name


def test_task_fields_are_those_of_the_documentation() -> None:
    ours = ENTITIES["tasks"].fields
    assert {camel(name) for name in TASK} <= set(ours)
    only_shown = set(ours) - {camel(name) for name in TASK}
    assert all(ours[name].access == "read" for name in only_shown)


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda entity: entity.name)
def test_a_row_is_whole(entity: Entity) -> None:
    assert next(iter(entity.example)) == "id"
    assert set(entity.example) | set(entity.sought) <= set(entity.fields)
    assert entity.fields["id"].filter
    assert entity.fields["id"].order
    assert all(action in ACTIONS for action in entity.actions)
    for name, field in entity.fields.items():
        assert name == field.name
        assert field.upstream == (upper_snake(name) if entity.dialect.upper else name)
        assert camel(field.upstream) == name or not entity.dialect.upper


@pytest.mark.parametrize(
    ("name", "upper"),
    [
        ("id", "ID"),
        ("responsibleId", "RESPONSIBLE_ID"),
        ("descriptionInBbcode", "DESCRIPTION_IN_BBCODE"),
        ("personalWww", "PERSONAL_WWW"),
        ("timestampX", "TIMESTAMP_X"),
        ("ufCrmTask", "UF_CRM_TASK"),
        ("ufAuto774906063889", "UF_AUTO_774906063889"),
        ("UF_AUTO_774906063889", "UF_AUTO_774906063889"),
    ],
)
def test_names_in_both_spellings(name: str, upper: str) -> None:
    assert upper_snake(name) == upper
    assert camel(upper) == (name if name[0].islower() else "ufAuto774906063889")


@pytest.mark.parametrize(
    ("entity", "name", "upstream"),
    [
        ("deals", "ufCrm_1700000000", "ufCrm_1700000000"),
        ("deals", "parentId177", "parentId177"),
        ("tasks", "ufAuto774906063889", "UF_AUTO_774906063889"),
        ("tasks", "UF_ABC1", "UF_ABC1"),
        ("users", "ufMyField", "UF_MY_FIELD"),
        ("users", "UF_MY_FIELD", "UF_MY_FIELD"),
    ],
)
def test_custom_fields_are_known_by_their_names(entity: str, name: str, upstream: str) -> None:
    field = ENTITIES[entity].field(name)
    assert field is not None
    assert (field.upstream, field.filter, field.kind.name) == (upstream, upstream, "any")


@pytest.mark.parametrize(
    "name",
    ["UF_CRM_1", "", "uf", "ufcrm", "colour", "parentId", "parentId0", "uf Crm", "ufCrm-1", "uf" + "A" * 99],
)
def test_no_other_name_is_a_field(name: str) -> None:
    assert ENTITIES["deals"].field(name) is None


def test_what_only_crm_has_is_no_field_of_others() -> None:
    assert ENTITIES["tasks"].field("parentId177") is None


def test_a_field_of_the_table_may_be_called_as_bitrix_does() -> None:
    tasks = ENTITIES["tasks"]
    assert tasks.field("UF_CRM_TASK") is tasks.field("ufCrmTask") is tasks.fields["ufCrmTask"]
    assert tasks.field("UF_MAIL_MESSAGE") is tasks.fields["ufMailMessage"]


def asked(entity: Entity, **conditions: Any) -> Mapping[str, Any]:
    found = [
        condition(field, operator, value, text=False)
        for name, (operator, value) in conditions.items()
        if (field := entity.field(name)) is not None
    ]
    assert len(found) == len(conditions)
    return entity.to_list(Wanted(conditions=found)).params["filter"]


def test_operators_as_each_family_writes_them() -> None:
    assert asked(
        ENTITIES["deals"],
        title=("$contains", "x"),
        stageId=("$in", ["NEW"]),
        opportunity=("$gte", 5),
        closed=("$ne", True),
        ufCrm_1=("$eq", True),
    ) == {"%title": "x", "@stageId": ["NEW"], ">=opportunity": 5, "!=closed": "Y", "=ufCrm_1": 1}
    assert asked(
        ENTITIES["tasks"],
        title=("$contains", "x"),
        status=("$in", [2, 3]),
        deadline=("$lt", "2026-01-01T00:00:00Z"),
        priority=("$ne", 2),
        auditors=("$eq", 5),
    ) == {
        "%TITLE": "x",
        "REAL_STATUS": [2, 3],
        "<DEADLINE": "2026-01-01T00:00:00+00:00",
        "!PRIORITY": 2,
        "=AUDITOR": 5,
    }
    assert asked(ENTITIES["users"], active=("$eq", True), lastName=("$in", ["A"])) == {
        "=ACTIVE": True,
        "@LAST_NAME": ["A"],
    }


def test_the_portals_own_fields_are_told_with_their_values() -> None:
    told = described(
        ENTITIES["deals"],
        {
            "ufCrm_5": {
                "type": "enumeration",
                "title": "Size",
                "isMultiple": True,
                "isReadOnly": True,
                "isRequired": True,
                "items": [{"ID": "44", "VALUE": "Small"}, {"ID": 45, "VALUE": None}, 5],
            },
            "contacts": {"type": "crm_contact"},
            "title": "no map",
        },
    )
    assert told["ufCrm_5"] == {
        "type": "any",
        "multiple": True,
        "access": "read",
        "required": True,
        "custom": True,
        "operators": list(told["title"]["operators"]),
        "order": True,
        "title": "Size",
        "bitrixType": "enumeration",
        "values": {"44": "Small", "45": None},
    }
    assert "contacts" not in told
