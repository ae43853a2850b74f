"""The first page: of a new account, and of one whose keys are used."""

from __future__ import annotations

import pytest

from app.ledger import Actor
from app.models import Account
from tests.api.alerts import new_alert
from tests.api.world import World
from tests.dashboard.browser import PROBES
from tests.dashboard.conftest import SignedIn
from tests.dashboard.pages_of_keys import text_of
from tests.usage.recorded import record


@pytest.fixture
def fresh(world: World) -> Account:
    """An account without any key."""
    return world.services.accounts.create(Actor("cli"), "fresh@example.test", tier="free")


def test_a_fresh_account_is_told_the_first_steps(fresh: Account, signed_in: SignedIn) -> None:
    page = signed_in(fresh).get("/dashboard")
    assert "First steps" in text_of(page)
    assert 'href="/dashboard/keys/new"' in page.body.decode()
    assert "Keys that need attention" not in text_of(page)


def test_requests_and_refusals_of_today_are_those_of_all_keys_that_are_seen(
    world: World, signed_in: SignedIn
) -> None:
    mine, of_portal = world.personal_key(), world.portal_key(world.member)
    for raw_key in (mine.raw_key, mine.raw_key, of_portal.raw_key):
        world.call("GET", "/v1/me", raw_key)
    for method in ("GET", "POST"):
        world.call(method, "/v1/keys", mine.raw_key)
    world.call("GET", "/v1/me", world.personal_key(world.member).raw_key)
    record(world.service)

    seen, others = (
        text_of(signed_in(tenant.account).get("/dashboard")) for tenant in (world.admin, world.stranger)
    )
    assert "Requests today 5 Refused today 2" in seen
    assert "MANAGEMENT_KEY_REQUIRED This endpoint needs a management key. 2" in seen
    assert "Requests today 0 Refused today 0" in others


def test_open_alerts_are_told_in_words_the_newest_first(world: World, signed_in: SignedIn) -> None:
    key = world.personal_key(name="Night build").key
    for _ in range(6):
        new_alert(world, world.admin, key=world.personal_key().key)
    new_alert(world, world.admin, "SPIKE", key)
    page = signed_in(world.admin.account).get("/dashboard")
    text = text_of(page)
    assert text.index("“Night build”") < text.index("expires")
    assert "Open alerts 7" in text
    assert "All 7 open alerts" in text
    assert "Open alerts 0" in text_of(signed_in(world.member.account).get("/dashboard"))


def test_names_of_keys_come_out_as_text(world: World, signed_in: SignedIn) -> None:
    for probe in PROBES:
        new_alert(world, world.admin, key=world.personal_key(name=probe).key)
    page = signed_in(world.admin.account).get("/dashboard")
    assert all(text_of(page).count(probe) >= 2 for probe in PROBES if "<" not in probe)
    assert "<script>alert" not in page.body.decode()
    assert "<img" not in page.body.decode()
    assert "{{7*7}}" in page.body.decode()
