"""The fields of tasks, as `tasks.task.*` names them when they go in.

Source: `tasks.task.getFields` in Bitrix24's documentation. A line is a field: its name, its type, and what
it is unless it is set, which is null unless it says something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.bitrix.sandbox.query import Kind

_KINDS: dict[str, Kind] = {"integer": "number", "double": "number", "array": "number", "datetime": "time"}
_VALUES: dict[str, dict[str, str] | list[str]] = {
    "MARK": {"N": "Negative", "P": "Positive"},
    "PRIORITY": {"2": "High", "1": "Normal", "0": "Low"},
    "STATUS": {"2": "Pending", "3": "In progress", "4": "Under review", "5": "Completed", "6": "Deferred"},
    "DURATION_TYPE": ["secs", "mins", "hours", "days", "weeks", "monts", "years"],
}
_REQUIRED = {"TITLE", "CREATED_BY", "RESPONSIBLE_ID"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a task."""

    name: str
    type: str
    default: str | int | None

    @property
    def kind(self) -> Kind:
        """How its values are compared."""
        return "number" if self.name in ("STATUS", "PRIORITY") else _KINDS.get(self.type, "text")

    def described(self) -> dict[str, Any]:
        """The field as `tasks.task.getFields` has it."""
        described: dict[str, Any] = {"title": self.name.replace("_", " ").capitalize(), "type": self.type}
        if self.name == "ID":
            return described | {"primary": True}
        if self.name in _REQUIRED:
            return described | {"required": True}
        if self.type == "enum":
            described["values"] = _VALUES.get(self.name, {"Y": "Yes", "N": "No"})
        return described | {"default": self.default}


def _field(name: str, type_: str, default: str = "") -> Field:
    return Field(name, type_, int(default) if default.isdecimal() else default or None)


FIELDS = {
    line.split()[0]: _field(*line.split())
    for line in """
    ID                      integer
    PARENT_ID               integer     0
    TITLE                   string
    DESCRIPTION             string
    MARK                    enum
    PRIORITY                enum        1
    STATUS                  enum        2
    MULTITASK               enum        N
    NOT_VIEWED              enum        N
    REPLICATE               enum        N
    GROUP_ID                integer     0
    STAGE_ID                integer     0
    SPRINT_ID               integer
    BACKLOG_ID              integer
    CREATED_BY              integer
    CREATED_DATE            datetime
    RESPONSIBLE_ID          integer
    ACCOMPLICES             array
    AUDITORS                array
    CHANGED_BY              integer
    CHANGED_DATE            datetime
    STATUS_CHANGED_BY       integer
    STATUS_CHANGED_DATE     datetime
    CLOSED_BY               integer
    CLOSED_DATE             datetime
    ACTIVITY_DATE           datetime
    DATE_START              datetime
    DEADLINE                datetime
    START_DATE_PLAN         datetime
    END_DATE_PLAN           datetime
    GUID                    string
    XML_ID                  string
    COMMENTS_COUNT          integer
    SERVICE_COMMENTS_COUNT  integer
    NEW_COMMENTS_COUNT      integer     0
    ALLOW_CHANGE_DEADLINE   enum        N
    ALLOW_TIME_TRACKING     enum        N
    TASK_CONTROL            enum        N
    ADD_IN_REPORT           enum        N
    FORKED_BY_TEMPLATE_ID   integer
    TIME_ESTIMATE           integer     0
    TIME_SPENT_IN_LOGS      integer
    MATCH_WORK_TIME         enum        N
    FORUM_TOPIC_ID          integer
    FORUM_ID                integer
    SITE_ID                 string
    SUBORDINATE             enum        N
    FAVORITE                enum        N
    EXCHANGE_MODIFIED       datetime
    EXCHANGE_ID             integer
    OUTLOOK_VERSION         integer
    VIEWED_DATE             datetime
    SORTING                 double
    DURATION_PLAN           integer
    DURATION_FACT           integer
    CHECKLIST               array
    DURATION_TYPE           enum        days
    IS_MUTED                enum        N
    IS_PINNED               enum        N
    IS_PINNED_IN_GROUP      enum        N
    FLOW_ID                 integer
    UF_CRM_TASK             crm
    UF_TASK_WEBDAV_FILES    disk_file
    UF_MAIL_MESSAGE         mail_message
    """.strip().splitlines()
}
