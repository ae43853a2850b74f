"""The navigation: every section, in groups, and the number of open alerts."""

from __future__ import annotations

from dataclasses import dataclass

from app.models import Account, Alert


@dataclass(frozen=True, slots=True)
class Section:
    """One entry. `name` is what its pages call it; `count` is shown beside it if it is not 0."""

    name: str
    title: str
    path: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Entries below one heading; None: they need none."""

    title: str | None
    sections: tuple[Section, ...]


def navigation(account: Account) -> tuple[Group, ...]:
    """Return the sections that there are for an account."""
    return (
        Group(None, (Section("overview", "Overview", "/dashboard"),)),
        Group("Settings", _SETTINGS),
        Group("Content", _CONTENT),
        Group("What happens", (*_HAPPENS, _alerts(account), _FEEDBACK)),
        Group(None, (Section("account", "Account", "/dashboard/account"),)),
        *((Group("Operator", _OPERATOR),) if account.is_operator else ()),
    )


_SETTINGS = (
    Section("keys", "API keys", "/dashboard/keys"),
    Section("management-keys", "Management keys", "/dashboard/management-keys"),
    Section("portals", "Portals", "/dashboard/portals"),
)
_CONTENT = (
    Section("prompts", "Prompts", "/dashboard/prompts"),
    Section("artifacts", "Artifacts", "/dashboard/artifacts"),
    Section("memories", "Memories", "/dashboard/memories"),
)
_HAPPENS = (Section("activity", "Activity", "/dashboard/activity"),)
_FEEDBACK = Section("feedback", "Feedback", "/dashboard/feedback")
_OPERATOR = (
    Section("accounts", "Accounts", "/dashboard/operator/accounts"),
    Section("audit", "Audit log", "/dashboard/operator/audit"),
    Section("health", "Health", "/dashboard/operator/health"),
)


def _alerts(account: Account) -> Section:
    count = Alert.select().where(Alert.account == account, Alert.status == "OPEN").count()
    return Section("alerts", "Alerts", "/dashboard/alerts", count)
