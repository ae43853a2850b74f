"""Which keys need attention, and why."""

from __future__ import annotations

from typing import Any

import pytest

from app.attention import Found, Kind
from app.usage.windows import DAY_MS
from tests.attention.conftest import Desk
from tests.db.statements import steps_of


def test_a_key_that_is_used_and_bounded_needs_nothing(desk: Desk) -> None:
    key = desk.key(age=60)
    desk.use(key)
    assert desk.found() == {}


@pytest.mark.parametrize(("age", "kinds"), [(6, set()), (8, {Kind.NEVER_USED})])
def test_a_key_that_nobody_used_for_a_week(desk: Desk, age: int, kinds: set[Kind]) -> None:
    assert desk.kinds(desk.key(age=age)) == kinds


@pytest.mark.parametrize(("days", "kinds"), [(89, set()), (91, {Kind.IDLE})])
def test_a_key_that_nobody_used_for_90_days(desk: Desk, days: int, kinds: set[Kind]) -> None:
    key = desk.key(age=89)
    desk.use(key, days_ago=days)
    assert desk.kinds(key) == kinds


@pytest.mark.parametrize(
    ("fields", "kind"), [({"expires_at": None}, Kind.NO_EXPIRY), ({"ip_whitelist": []}, Kind.NO_WHITELIST)]
)
def test_a_key_without_bounds(desk: Desk, fields: dict[str, Any], kind: Kind) -> None:
    assert desk.kinds(desk.key(**fields)) == {kind}


@pytest.mark.parametrize(("age", "kinds"), [(89, set()), (91, {Kind.ROTATION_DUE})])
def test_a_key_that_should_be_rotated(desk: Desk, age: int, kinds: set[Kind]) -> None:
    key = desk.key(age=age)
    desk.use(key)
    assert desk.kinds(key) == kinds


def test_a_grant_that_no_call_asked_for_in_a_month(desk: Desk) -> None:
    portal = desk.installation.portal(desk.owner)
    used, unused, unused_of_late = (
        desk.key(age=40, type="api", portal=portal, integrations=[], scopes=["crm", "task"]) for _ in range(3)
    )
    for key, days_ago in ((used, 1), (unused, None), (unused_of_late, 31)):
        desk.use(key, action="GET /v1/deals")
        if days_ago is not None:
            desk.use(key, days_ago=days_ago, action="GET /v1/tasks/{id}")

    assert desk.kinds(used) == set()
    assert desk.kinds(unused) == desk.kinds(unused_of_late) == {Kind.UNUSED_GRANTS}


def test_any_integration_that_would_open_what_was_called_is_used(desk: Desk) -> None:
    either, one = (desk.key(age=40, integrations=["ai_tools", "cli"]) for _ in range(2))
    desk.use(either, action="GET /api/v1/prompts")
    desk.use(one, action="GET /api/v1/activity")
    assert (desk.kinds(either), desk.kinds(one)) == (set(), {Kind.UNUSED_GRANTS})


def test_a_batch_may_have_used_every_scope_of_an_entity(desk: Desk) -> None:
    portal = desk.installation.portal(desk.owner)
    batch, infra = (
        desk.key(age=40, type="api", portal=portal, integrations=[], scopes=scopes)
        for scopes in (["crm", "task", "user"], ["crm", "vibe:infra"])
    )
    for key in (batch, infra):
        desk.use(key, action="POST /v1/batch")
    assert (desk.kinds(batch), desk.kinds(infra)) == (set(), {Kind.UNUSED_GRANTS})


def test_what_was_granted_lately_had_no_time_to_be_used(desk: Desk) -> None:
    key = desk.key(age=40)
    desk.use(key)
    desk.installation.change(key, name="another name", integrations=["ai_tools", "cli"])
    assert desk.kinds(key) == set()

    desk.installation.clock.now += 31 * DAY_MS / 1000
    desk.use(key)
    assert desk.kinds(key) == {Kind.UNUSED_GRANTS}


def test_a_young_key_had_no_time_to_use_what_it_has(desk: Desk) -> None:
    key = desk.key(age=29, integrations=["ai_tools", "cli"])
    desk.use(key)
    assert desk.kinds(key) == set()


def test_of_a_key_that_nobody_needs_nothing_else_is_said(desk: Desk) -> None:
    bare = {"age": 100, "expires_at": None, "ip_whitelist": []}
    never, idle = desk.key(**bare), desk.key(**bare)
    desk.use(idle, days_ago=95)
    assert (desk.kinds(never), desk.kinds(idle)) == ({Kind.NEVER_USED}, {Kind.IDLE})


def test_a_key_that_ends_or_has_ended_needs_nothing(desk: Desk) -> None:
    revoked, expired, rotated = (desk.key(age=100, ip_whitelist=[]) for _ in range(3))
    desk.installation.change(revoked, status="REVOKED")
    desk.installation.rotate(rotated, expires_at=None)
    desk.installation.change(expired, expires_at=desk.installation.clock.ms + 1)
    desk.installation.clock.now += 1

    assert [desk.kinds(key) for key in (revoked, expired, rotated)] == [set()] * 3


def test_only_keys_that_the_account_sees(desk: Desk) -> None:
    installation = desk.installation
    portal, other = installation.portal(desk.owner), installation.account("other@example.com")
    installation.portals.set_member(installation.holder(other), portal.id, other.id, "MEMBER")
    fields = {"ip_whitelist": [], "owner": other}
    installation.key(**fields)
    seen = installation.key(**fields, type="api", portal=portal, integrations=[], scopes=["crm"]).key

    assert desk.found()[Kind.NO_WHITELIST] == Found(1, [seen.id])


def test_the_oldest_come_first_and_all_are_counted(desk: Desk) -> None:
    keys = [desk.key(age=age, expires_at=None) for age in (1, 4, 3, 2)]
    oldest_first = [keys[1].id, keys[2].id, keys[3].id, keys[0].id]
    assert desk.found(most=3) == {Kind.NO_EXPIRY: Found(4, oldest_first[:3])}
    assert desk.found(most=3, skipped=3) == {Kind.NO_EXPIRY: Found(4, oldest_first[3:])}


def test_a_survey_costs_no_more_with_the_keys_of_others_and_a_long_past(desk: Desk) -> None:
    key = desk.key(age=60)
    desk.use(key, network="192.0.2.0/24")
    desk.installation.key(desk.installation.account("other@example.com"))
    before = steps_of(desk.installation.db, desk.found)
    other = desk.installation.account("another@example.com")
    for _ in range(20):
        desk.use(desk.installation.key(other).key)
    for days_ago in range(1, 60):
        desk.use(key, days_ago=days_ago, network="192.0.2.0/24")
    assert steps_of(desk.installation.db, desk.found) < before + 10
