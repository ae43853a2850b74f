"""Alerts: what is told of each, and what is dismissed."""

from __future__ import annotations

import re

import pytest

from app.alerts.finding import Finding
from app.alerts.life import open_alert
from app.ledger import Actor
from app.models import Alert, Audit
from tests.api.alerts import close, new_alert
from tests.api.world import UNKNOWN_ID, Tenant, World
from tests.dashboard.browser import PROBES, Browser


def shown(browser: Browser, query: str = "") -> list[str]:
    """The ids of the alerts that are shown, in their order."""
    page = browser.get(f"/dashboard/alerts?{query}")
    assert page.status == 200
    return re.findall(r'<article class="alert" aria-labelledby="([^"]+)"', page.body.decode())


def words_of(browser: Browser, path: str) -> str:
    page = browser.get(path)
    assert page.status == 200
    return " ".join(re.sub("<[^>]*>", " ", page.body.decode()).split())


def test_open_ones_come_first_and_the_list_is_narrowed(
    browser: Browser, tenant: Tenant, world: World
) -> None:
    opened, dismissed, over = (new_alert(world, tenant, type) for type in ("SPIKE", "EXPIRING", "EXPIRING"))
    newest = new_alert(world, tenant)
    close(world, over)
    browser.post(f"/dashboard/alerts/{dismissed.id}/dismiss")
    assert shown(browser) == [newest.id, opened.id, over.id, dismissed.id]
    assert shown(browser, "status=OPEN") == [newest.id, opened.id]
    assert shown(browser, "status=CLOSED") == [over.id]
    assert shown(browser, "type=SPIKE") == [opened.id]
    assert shown(browser, f"keyId={over.key_id}") == [over.id]
    assert shown(browser, "keyId=x") == []
    assert "Nothing fits." in browser.get("/dashboard/alerts?keyId=x").body.decode()


def test_one_is_told_in_words_with_its_key_and_what_to_do(
    browser: Browser, tenant: Tenant, world: World
) -> None:
    key = world.personal_key(tenant, name="Laptop").key
    alert = new_alert(world, tenant, "SPIKE", key)
    words = words_of(browser, f"/dashboard/alerts/{alert.id}")
    assert "more than 5 times its mean of 1.5" in words
    assert "Requests 100" in words
    assert "An hourly limit bounds" in words
    page = browser.get("/dashboard/alerts").body.decode()
    paths = re.findall(f'href="(/dashboard/keys/{key.id}[^"]*)"', page)
    assert paths == [f"/dashboard/keys/{key.id}{end}" for end in ("", "/change", "/revoke")]
    assert [browser.get(path).status for path in paths] == [200, 200, 200]

    world.services.keyring.delete(Actor("cli"), type(key).select(), key.id)
    page = browser.get("/dashboard/alerts").body.decode()
    assert f'href="/dashboard/keys/{key.id}"' not in page
    assert "The key is gone." in page


def test_dismissed_once_and_for_the_log(browser: Browser, tenant: Tenant, world: World) -> None:
    alert = new_alert(world, tenant)
    came_from = "https://keys.example.test/dashboard/alerts?type=EXPIRING"
    for _ in range(2):
        answer = browser.post(f"/dashboard/alerts/{alert.id}/dismiss", headers={"Referer": came_from})
        assert (answer.status, answer.headers["Location"]) == (303, "/dashboard/alerts?type=EXPIRING")
    assert Alert.get_by_id(alert.id).status == "DISMISSED"
    rows = Audit.select().where(Audit.action == "alert.dismissed", Audit.target_id == alert.id)
    assert [row.actor_account_id for row in rows] == [tenant.account.id]
    assert "/dismiss" not in browser.get("/dashboard/alerts").body.decode()


def test_404_for_the_alerts_of_others(browser: Browser, world: World) -> None:
    theirs = new_alert(world, world.stranger)
    assert shown(browser) == []
    for id in (theirs.id, UNKNOWN_ID, "x"):
        assert browser.get(f"/dashboard/alerts/{id}").status == 404
        assert browser.post(f"/dashboard/alerts/{id}/dismiss").status == 404
    assert Alert.get_by_id(theirs.id).status == "OPEN"


def test_an_operator_sees_who_tries_keys(browser: Browser, tenant: Tenant, world: World) -> None:
    world.change_account(tenant, operator=True)
    facts = {"address": "198.51.100.7", "hour_starts_at": 1_900_000_000_000, "failures": 31}
    with world.services.ledger.change(Actor("system")) as change:
        finding = Finding(tenant.account.id, "AUTH_FAILURES", "address 198.51.100.7", None, None, facts)
        alert = open_alert(change, finding)
    words = words_of(browser, f"/dashboard/alerts/{alert.id}")
    assert "31 requests with wrong keys came from 198.51.100.7" in words
    assert "refuse the address in front of this service" in words


@pytest.mark.parametrize("status", ["RESTRICTED", "SUSPENDED"])
def test_403_where_nothing_may_be_changed(
    browser: Browser, tenant: Tenant, world: World, status: str
) -> None:
    alert = new_alert(world, tenant)
    world.change_account(tenant, status=status)
    page = browser.get("/dashboard/alerts")
    assert page.status == 200
    assert "/dismiss" not in page.body.decode()
    assert browser.post(f"/dashboard/alerts/{alert.id}/dismiss").status == 403
    assert Alert.get_by_id(alert.id).status == "OPEN"


@pytest.mark.parametrize("probe", PROBES)
def test_whatever_a_key_is_called_is_shown_as_text(
    browser: Browser, tenant: Tenant, world: World, probe: str
) -> None:
    new_alert(world, tenant, key=world.personal_key(tenant, name=probe).key)
    text = browser.get("/dashboard/alerts", query_string={"keyId": probe}).body.decode()
    text += browser.get("/dashboard/alerts").body.decode()
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert ">49<" not in text
