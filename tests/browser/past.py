"""Two months of a company's use of its keys, for the pictures: like real, with nobody in it.

Days go by on a clock of their own. Usage is counted, stored and watched over as the service does it, so the
alerts that are there in the end are those that it would have opened.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.alerts.watch import AlertWatch
from app.config import Config
from app.ledger import Actor
from app.models import Account, Key, Portal, Ticket
from app.usage.clients import network_of
from app.usage.rollup import Rollup
from app.usage.splits import store
from app.usage.tally import Tally
from app.usage.windows import hour_of
from app.wiring import open_services
from gateway.usage_table import UsageTable

DAYS = 60
HOUR, DAY = 3_600, 86_400
VISITOR, BUILDS, SHOP = "tools@example.com", "builds@example.com", "shop@example.com"
"""Accounts are those of teams. The visitor is an operator too."""
OFFICE, BUILDERS, HOSTING, ELSEWHERE = "192.0.2.17", "198.51.100.24", "203.0.113.80", "203.0.113.201"

_CLI = Actor("cli")
_OFFICE_HOURS = (0, 0, 0, 0, 0, 1, 3, 8, 15, 18, 17, 13, 9, 14, 17, 15, 12, 7, 3, 1, 1, 0, 0, 0)
_ALL_DAY = (2, 2, 1, 1, 1, 2, 3, 5, 8, 9, 9, 9, 8, 9, 10, 10, 9, 8, 7, 6, 6, 5, 4, 3)
_AT_NIGHT = (0, 0, 24, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Habit:
    """How a key is used: about so many requests in each hour, by which tools, from where, and for what.

    `until` is the day on which it ends. Of a thousand requests some are refused, with this code.
    """

    by_hour: tuple[int, ...]
    tools: tuple[str, ...]
    address: str
    actions: tuple[str, ...]
    until: int = DAYS + 1
    refused: tuple[int, str] = (0, "")


HABITS = {
    "Code assistant": Habit(
        _OFFICE_HOURS,
        ("Claude Code", "Claude Code", "Claude Code", "Cursor", "VS Code"),
        OFFICE,
        ("GET /api/v1/prompts", "GET /api/v1/memories", "GET /api/v1/memories", "POST /api/v1/memories"),
    ),
    "Deployment": Habit(
        _ALL_DAY,
        ("GitHub Actions", "GitHub Actions", "GitHub Actions", "curl"),
        BUILDERS,
        ("GET /api/v1/artifacts", "POST /api/v1/artifacts", "GET /api/v1/account"),
        refused=(30, "IP_NOT_ALLOWED"),
    ),
    "Old build server": Habit(_AT_NIGHT, ("Jenkins",), BUILDERS, ("GET /api/v1/artifacts",), until=DAYS - 35),
    "Website forms": Habit(
        _ALL_DAY,
        ("PHP", "PHP", "Go"),
        HOSTING,
        ("POST /v1/deals", "POST /v1/contacts", "GET /v1/contacts"),
        refused=(20, "RATE_LIMITED"),
    ),
    "Nightly export": Habit(_AT_NIGHT, ("python-requests",), HOSTING, ("GET /v1/deals", "GET /v1/companies")),
}

PROMPTS = (
    (12, "Review a change", ["review"], "Read the change below. Say what could break, most likely first."),
    (30, "Write release notes", ["release"], "Tell what is new for who uses it, in short sentences."),
    (51, "Explain a failed build", ["builds"], "Read the log below. Say which step failed first, and why."),
)
TICKETS = (
    (25, SHOP, "SUGGESTION", "Filter by several stages", "Two stages at once would save us a request."),
    (44, VISITOR, "DOCS", "Example for batches", "An example with ten calls in one batch would help."),
    (58, SHOP, "BUG", "Deals without a source", "Deals that our form makes have had no source since Monday."),
)


class Past:
    """Happens in a database that no service runs on yet. `ids` are those of what has a name or title."""

    def __init__(self, config: Config) -> None:
        self.ids: dict[str, str] = {}
        self._ends = time.time()
        self._now = self._begins = (self._ends // DAY - DAYS) * DAY
        self._services = open_services(config, lambda: self._now, redis="none")
        parts = self._services.db, self._services.ledger
        self._table, self._tally = UsageTable(config.state_dir), Tally()
        self._rollup = Rollup(parts[0], self._table, lambda: self._now, config)
        self._watch = AlertWatch(*parts, config, lambda: self._now, self._table.stored_at)
        self._random = random.Random(6)
        self._keys: dict[str, Key] = {}
        self._to_make: dict[float, tuple[str, Callable[[], Any]]] = {}

    def go_by(self) -> None:
        """Let the time pass, until now."""
        self._begin()
        while self._now < self._ends - HOUR:
            self._pass_an_hour()
            if self._now % DAY == 0 or self._now >= self._ends - HOUR:
                self._look()
        self._now = self._ends
        self._end()
        self._table.close()
        self._services.close()

    # --- the first day ---------------------------------------------------------------------------

    def _begin(self) -> None:
        self._look()
        visitor = self._account(VISITOR, "pro", operator=True)
        self._account(BUILDS, "free")
        shop = self._account(SHOP, "pro")
        portal = self._services.portals.create(
            _CLI, "portal.example.com", webhook_url="https://portal.example.com/rest/7/a1b2c3d4e5f6/"
        )
        self.ids["portal"] = portal.id
        for account, role in ((visitor, "ADMIN"), (shop, "MEMBER")):
            self._services.portals.set_member(_CLI, portal.id, account.id, role)
        self._personal_keys(visitor)
        self._portal_keys(visitor, portal)
        for day, title, labels, text in PROMPTS:
            fields = {"title": title, "labels": labels, "content": text, "status": "published"}
            self._at(day, title, partial(self._services.prompts.create, _CLI, visitor.id, fields))
        for day, email, category, title, text in TICKETS:
            fields = {"author_id": self.ids[email], "category": category, "title": title, "description": text}
            open_it = partial(self._services.feedback.create, _CLI, portal_id=portal.id, **fields)
            self._at(day, title, open_it)

    def _account(self, email: str, tier: str, **fields: Any) -> Account:
        account = self._services.accounts.create(_CLI, email, tier=tier, **fields)
        self.ids[email] = account.id
        return account

    def _personal_keys(self, owner: Account) -> None:
        in_a_year = int((self._now + 365 * DAY) * 1000)
        self._key(owner, "Code assistant", integrations=["ai_tools"], expires_at=in_a_year)
        self._key(
            owner,
            "Deployment",
            integrations=["cli"],
            ip_whitelist=["198.51.100.0/24"],
            rate_limit=20,
            hourly_limit=2_000,
            expires_at=in_a_year,
        )
        self._key(owner, "Old build server", integrations=["cli"])
        self._key(owner, "Trial", integrations=["ai_tools", "cli"])

    def _portal_keys(self, owner: Account, portal: Portal) -> None:
        self._key(
            owner, "Website forms", type="api", portal=portal, scopes=["crm", "task", "user"], rate_limit=10
        )
        self._key(
            owner,
            "Nightly export",
            type="api",
            portal=portal,
            scopes=["crm"],
            ip_whitelist=["203.0.113.80/32"],
        )
        self._key(owner, "Key automation", type="management", scopes=["vibe:mgmt:keys", "vibe:mgmt:portals"])

    def _key(self, owner: Account, name: str, *, type: str = "personal", **fields: Any) -> None:
        key = self._services.keyring.issue(_CLI, type=type, owner=owner, name=name, **fields).key
        self._keys[name] = key
        self.ids[name] = key.id
        self._now += 60

    def _at(self, day: int, title: str, make: Callable[[], Any]) -> None:
        """Have it made on that day, at ten o'clock."""
        self._to_make[(day * 24 + 10) * HOUR] = title, make

    # --- every day -------------------------------------------------------------------------------

    def _pass_an_hour(self) -> None:
        day = (self._now - self._begins) // DAY
        moment = time.gmtime(self._now)
        for name, habit in HABITS.items():
            about = habit.by_hour[moment.tm_hour] * (0.15 if moment.tm_wday >= 5 else 1)
            if day < habit.until:
                for _ in range(round(about * self._random.uniform(0.6, 1.4))):
                    self._use(self._keys[name], habit)
        self._now += HOUR - self._now % HOUR
        title, make = self._to_make.pop(self._now - self._begins, ("", None))
        if make:
            self.ids[title] = make().id

    def _use(self, key: Key, habit: Habit, address: str | None = None) -> None:
        address = address or habit.address
        per_thousand, code = habit.refused
        if self._random.randrange(1000) < per_thousand:
            self._tally.count_refusal(key.id, hour_of(self._now), code)
            return
        hour_ends = self._now + HOUR - self._now % HOUR - 1
        at = self._random.uniform(self._now, min(hour_ends, self._ends))
        self._table.count(key.id, key.lineage_id, address, at)
        tool, action = self._random.choice(habit.tools), self._random.choice(habit.actions)
        self._tally.count(key.id, hour_of(self._now), tool, action, "2xx", network_of(address))

    def _look(self) -> None:
        self._rollup.roll_up()
        store(self._services.db, self._tally.take())
        self._watch.look()

    # --- today -----------------------------------------------------------------------------------

    def _end(self) -> None:
        """What makes a visitor come: a key is used from elsewhere, keys are tried, one is being rotated."""
        for _ in range(6):
            self._use(self._keys["Code assistant"], HABITS["Code assistant"], ELSEWHERE)
        for _ in range(40):
            prefix = self._keys["Website forms"].key_prefix
            self._tally.count_wrong(prefix, ELSEWHERE, hour_of(self._now), "INVALID_API_KEY")
        self._look()
        self._now -= 2 * HOUR
        rotated = self._services.keyring.rotate(_CLI, Key.select(), self.ids["Deployment"])
        self.ids["Deployment, new"] = rotated.key.id
        self._services.feedback.answer(
            _CLI, Ticket.select(), self.ids["Deals without a source"], "Which form is it?", "AWAITING_USER"
        )
