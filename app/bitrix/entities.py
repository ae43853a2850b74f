"""The entities of a portal: one table, a row an entity, from which all that is served of them is made.

A row says what an entity is called, which scope opens it, how its methods speak, and its fields. There are
few ways to speak, each a `Dialect`. An entity turns what a caller asks for into a `Call`, and what the call
gives into JSON as we write it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.bitrix import field_tables
from app.bitrix.client import Call
from app.bitrix.conditions import Wanted, upstream_filter
from app.bitrix.fields import Field, camel, custom_field, is_custom
from app.bitrix.kinds import ANY, LETTERED, Kind
from app.bitrix.results import Shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """How a family of methods speaks.

    `methods` are those for the actions that there are. `items`, `item` and `fields` are the names in a result
    under which stand a list, a single one and the descriptions; None: they are the result.
    """

    methods: Mapping[str, str]
    items: str | None
    item: str | None
    fields: str | None
    number: str | None = "id"
    """The parameter that names one item; None: it is looked for with a filter."""
    upper: bool = False
    """Names go in as UPPER_SNAKE."""
    not_equal: str = "!="
    one_of: str = "@"
    everything: tuple[str, ...] = ("*",)
    """The selection of all fields."""
    custom: Kind = ANY
    directions: tuple[str, str] = ("ASC", "DESC")
    one_order: bool = False
    """A list is ordered by one field alone, so items that are alike in it have no order."""
    hides_missing: frozenset[str] = frozenset()
    """The codes with which a change is refused where there is no such item, and where there is no right."""


_CRM = Dialect(
    methods={
        "list": "crm.item.list",
        "get": "crm.item.get",
        "create": "crm.item.add",
        "update": "crm.item.update",
        "delete": "crm.item.delete",
        "fields": "crm.item.fields",
    },
    items="items",
    item="item",
    fields="fields",
    custom=LETTERED,
)
_TASKS = Dialect(
    methods={
        "list": "tasks.task.list",
        "get": "tasks.task.get",
        "create": "tasks.task.add",
        "update": "tasks.task.update",
        "delete": "tasks.task.delete",
        "fields": "tasks.task.getFields",
    },
    items="tasks",
    item="task",
    fields="fields",
    number="taskId",
    upper=True,
    not_equal="!",
    one_of="",
    directions=("asc", "desc"),
    # Asked for one of its own custom fields it gives them all, not asked for any it gives none.
    everything=("*", "UF_CRM_TASK"),
    hides_missing=frozenset({"0", "1048582"}),
)
_USERS = Dialect(
    methods={"list": "user.get", "get": "user.get", "fields": "user.fields"},
    items=None,
    item=None,
    fields=None,
    number=None,
    upper=True,
    everything=("*", "UF_*"),
    one_order=True,
)

ACTIONS = ("list", "search", "get", "create", "update", "delete", "fields")
_ALSO = {"search": "list"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Entity:
    """A row of the table.

    `one` is what a single one is called. `example` is some of an item's members as we show them, the first
    of them `id`; `sought` a filter that finds it. `parameters` go with every call.
    """

    name: str
    one: str
    scope: str
    dialect: Dialect
    fields: Mapping[str, Field]
    example: Mapping[str, Any]
    sought: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _known(self) -> Mapping[str, tuple[str, Callable[[Any], Any]]]:
        """What each name in an answer is called here, and what its values become.

        `tasks.task.*` writes camelCase, although it takes UPPER_SNAKE.
        """
        return {
            there: (name, field.shown if field.many else field.kind.shown)
            for name, field in self.fields.items()
            for there in (name, field.upstream)
        }

    @cached_property
    def _by_upstream(self) -> Mapping[str, Field]:
        return {field.upstream: field for field in self.fields.values()}

    @property
    def actions(self) -> tuple[str, ...]:
        """What can be done with it."""
        return tuple(action for action in ACTIONS if _ALSO.get(action, action) in self.dialect.methods)

    def field(self, name: str) -> Field | None:
        """Return the field that a caller means; custom ones are known by the form of their names.

        Where names there are UPPER_SNAKE, a field of the table may be meant by that as well.
        """
        if name in self.fields:
            return self.fields[name]
        if not is_custom(name, self.dialect.upper):
            return None
        custom = custom_field(name, self.dialect.upper, self.dialect.custom)
        return self._by_upstream.get(custom.upstream, custom)

    def own(self, fields: Iterable[Field]) -> list[Field]:
        """Return those of the fields that only the portal knows."""
        return [field for field in fields if field.upstream not in self._by_upstream]

    def to_list(self, wanted: Wanted) -> Call:
        """Ask for a page of a list, in an order in which every item has its place."""
        dialect = self.dialect
        # The filter comes last: what is too much for PHP is dropped from the end, without a word.
        parameters = {
            **self._ordered(wanted.order or [(self.fields["id"], False)]),
            "select": self._selection(wanted.select),
            "filter": upstream_filter(wanted.conditions, not_equal=dialect.not_equal, one_of=dialect.one_of),
        }
        return self._call("list", parameters, Shape.ITEMS, under=dialect.items)

    def to_get(self, number: int) -> Call:
        """Ask for one item."""
        if self.dialect.number is None:
            return self._call("get", {"filter": {self.fields["id"].filter: number}}, Shape.ONLY)
        parameters: dict[str, Any] = {self.dialect.number: number}
        if self.dialect.upper:
            parameters["select"] = list(self.dialect.everything)
        return self._call("get", parameters, Shape.ITEM, under=self.dialect.item)

    def to_create(self, values: Mapping[str, Any]) -> Call:
        """Make an item. `values` are as Bitrix24 takes them, by the names here."""
        parameters = {"fields": self._named(values)}
        return self._call("create", parameters, Shape.MADE, under=self.dialect.item, write=True)

    def to_update(self, number: int, values: Mapping[str, Any]) -> Call:
        """Change an item."""
        parameters = {self._number: number, "fields": self._named(values)}
        return self._call("update", parameters, Shape.CHANGED, under=self.dialect.item, write=True)

    def to_delete(self, number: int) -> Call:
        """Delete an item."""
        return self._call(
            "delete", {self._number: number}, Shape.DELETED, under=self.dialect.item, write=True
        )

    def to_describe(self) -> Call:
        """Ask for the fields, the portal's own among them."""
        return self._call("fields", {}, Shape.FIELDS, under=self.dialect.fields)

    def shown(self, item: Mapping[str, Any], select: Sequence[Field] | None = None) -> dict[str, Any]:
        """Return as JSON what Bitrix24 gives of an item; of a selection only what it names, and the id."""
        shown = {}
        known = self._known
        for there, value in item.items():
            if there in known:
                name, show = known[there]
                shown[name] = show(value)
            else:
                shown[camel(there) if there.isupper() else there] = value
        # What says which type of item it is says nothing beside the path.
        for name in self.parameters:
            shown.pop(name, None)
        if select is None:
            return shown
        wanted = {"id", *(field.name for field in select)}
        return {name: value for name, value in shown.items() if name in wanted}

    @property
    def _number(self) -> str:
        assert self.dialect.number is not None, "a read-only entity"
        return self.dialect.number

    def _call(
        self,
        action: str,
        parameters: Mapping[str, Any],
        shape: Shape,
        *,
        under: str | None = None,
        write: bool = False,
    ) -> Call:
        return Call(self.dialect.methods[action], {**self.parameters, **parameters}, write, shape, under)

    def _ordered(self, order: Iterable[tuple[Field, bool]]) -> dict[str, Any]:
        up, down = self.dialect.directions
        directions = {field.order: down if descending else up for field, descending in order}
        if self.dialect.one_order:
            ((name, direction),) = directions.items()
            return {"sort": name, "order": direction}
        last = self.fields["id"].order
        return {"order": {**directions, last: directions.get(last, up)}}

    def _selection(self, select: Sequence[Field] | None) -> Sequence[str]:
        if select is None:
            return self.dialect.everything
        names = dict.fromkeys([self.fields["id"].select, *(field.select for field in select)])
        return self.dialect.everything if "*" in names else [name for name in names if name is not None]

    def _named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        fields = ((self.field(name), value) for name, value in values.items())
        return {field.upstream: value for field, value in fields if field is not None}


def _crm(name: str, one: str, number: int, fields: Mapping[str, Field], **examples: Any) -> Entity:
    parameters = {"entityTypeId": number}
    return Entity(
        name=name, one=one, scope="crm", dialect=_CRM, fields=fields, parameters=parameters, **examples
    )


ENTITIES: Mapping[str, Entity] = {
    entity.name: entity
    for entity in (
        _crm(
            "deals",
            "deal",
            2,
            field_tables.DEALS,
            example={"id": 17, "title": "Order 17", "stageId": "NEW", "opportunity": 1500.5, "companyId": 4},
            sought={"stageId": "NEW", "opportunity": {"$gte": 1000}},
        ),
        _crm(
            "contacts",
            "contact",
            3,
            field_tables.CONTACTS,
            example={"id": 17, "name": "Ada", "lastName": "Byron", "companyIds": [4], "export": True},
            sought={"lastName": {"$contains": "Byr"}},
        ),
        _crm(
            "companies",
            "company",
            4,
            field_tables.COMPANIES,
            example={"id": 4, "title": "Engines Ltd", "typeId": "CUSTOMER", "revenue": 250000},
            sought={"typeId": {"$in": ["CUSTOMER", "PARTNER"]}},
        ),
        _crm(
            "leads",
            "lead",
            1,
            field_tables.LEADS,
            example={"id": 17, "title": "Enquiry 17", "stageId": "IN_PROCESS", "sourceId": "WEB"},
            sought={"sourceId": "WEB", "opened": True},
        ),
        Entity(
            name="tasks",
            one="task",
            scope="task",
            dialect=_TASKS,
            fields=field_tables.TASKS,
            example={
                "id": 17,
                "title": "Call about order 17",
                "responsibleId": 1,
                "status": 2,
                "deadline": "2026-12-01T15:00:00.000Z",
            },
            sought={"responsibleId": 1, "deadline": {"$lt": "2026-12-02T00:00:00.000Z"}},
        ),
        Entity(
            name="users",
            one="user",
            scope="user",
            dialect=_USERS,
            fields=field_tables.USERS,
            example={"id": 1, "name": "Grace", "lastName": "Hopper", "active": True, "ufDepartment": [3]},
            sought={"active": True, "workPosition": {"$ne": ""}},
        ),
    )
}
