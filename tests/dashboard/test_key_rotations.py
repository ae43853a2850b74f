"""Rotating a key, and ending its grace."""

from __future__ import annotations

from typing import Any

import pytest

from app.dashboard.key_facts import Rotation, Shown
from app.keyring import Issued
from app.ledger import Actor
from app.models import Key, UsageKey
from app.usage.report import Total
from tests.api.world import UNKNOWN_ID, Tenant, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.pages_of_keys import codes, raw_key_in, text_of

HOUR_MS = 3_600_000
DAY = 86_400


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.admin


@pytest.fixture
def issued(world: World) -> Issued:
    return world.personal_key(name="Robot")


def path(key: Key, deed: str = "rotate") -> str:
    return f"/dashboard/keys/{key.id}/{deed}"


def rotate_form(**fields: str) -> dict[str, Any]:
    return {"graceHours": "", "expiresAt": "keep", **fields}


def test_the_form_offers_the_settings_grace_shorter_ones_and_none(browser: Browser, issued: Issued) -> None:
    text = text_of(browser.get(path(issued.key)))
    assert "After 24 hours After 12 hours After 4 hours After 1 hour At once" in text
    assert "The new key expires" not in text


def test_201_both_keys_work_and_the_page_shows_them(world: World, browser: Browser, issued: Issued) -> None:
    now_ms = int(world.service.clock.now * 1000)
    UsageKey.create(
        key_id=issued.key.id,
        lineage_id=issued.key.lineage_id,
        requests=1,
        last_used_at=now_ms - HOUR_MS,
        last_used_ip="203.0.113.9",
    )
    page = browser.post(path(issued.key), rotate_form())
    assert page.status == 201
    new = raw_key_in(page)
    assert codes(world, issued.raw_key, new) == ["OK", "OK"]
    text = text_of(page)
    assert "The old key" in text
    assert "Last used 1 hour ago from 203.0.113.9" in text
    assert f'data-countdown="{24 * 3600}"' in page.body.decode()
    assert "The old key was not used since the new one was made." in text
    assert f'action="{path(issued.key, "end-grace")}"' in page.body.decode()
    old = Key.get_by_id(issued.key.id)
    assert old.grace_ends_at == now_ms + 24 * HOUR_MS


@pytest.mark.parametrize(("hours", "milliseconds"), [("4", 4 * HOUR_MS), ("0.5", HOUR_MS // 2)])
def test_201_with_a_shorter_grace(
    world: World, browser: Browser, issued: Issued, hours: str, milliseconds: int
) -> None:
    assert browser.post(path(issued.key), rotate_form(graceHours=hours)).status == 201
    now_ms = int(world.service.clock.now * 1000)
    assert Key.get_by_id(issued.key.id).grace_ends_at == now_ms + milliseconds


def test_201_at_once_ends_the_old_key(world: World, browser: Browser, issued: Issued) -> None:
    page = browser.post(path(issued.key), rotate_form(graceHours="0"))
    assert page.status == 201
    assert codes(world, issued.raw_key, raw_key_in(page)) == ["KEY_ROTATED", "OK"]
    assert "End the grace now" not in text_of(page)


@pytest.mark.parametrize(("told", "days"), [("keep", 10), ("90", 90), ("never", None)])
def test_201_with_an_expiry_of_its_own(world: World, browser: Browser, told: str, days: int | None) -> None:
    now = world.service.clock.now
    old = world.personal_key(expires_at=int((now + 10 * DAY) * 1000)).key
    assert "The new key expires As it is" in text_of(browser.get(path(old)))
    page = browser.post(path(old), rotate_form(expiresAt=told))
    assert page.status == 201
    new = Key.get_by_id(Key.get_by_id(old.id).successor_id)
    if days is None:
        assert new.expires_at is None
    else:
        assert abs(new.expires_at - (now + days * DAY) * 1000) < 1_000


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"graceHours": "25"}, "Must be at most 24."),
        ({"graceHours": "-1"}, "Must be 0.0 or more."),
        ({"graceHours": "nan"}, "Must be 0.0 or more."),
        ({"graceHours": "long"}, "Not a number."),
        ({"expiresAt": "on", "expiresOn": "2020-01-01"}, "Choose a day that is not over."),
    ],
)
def test_400_and_nothing_is_rotated(
    browser: Browser, issued: Issued, wrong: dict[str, str], says: str
) -> None:
    page = browser.post(path(issued.key), rotate_form(**wrong))
    assert page.status == 400
    assert says in text_of(page)
    assert Key.get_by_id(issued.key.id).successor_id is None


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("field", ["graceHours", "expiresAt", "expiresOn"])
def test_what_was_typed_is_no_markup(browser: Browser, issued: Issued, field: str, probe: str) -> None:
    page = browser.post(path(issued.key), rotate_form(**{"graceHours": "x", field: probe}))
    assert page.status == 400
    assert "<script>alert" not in page.body.decode()
    assert "<img src=x" not in page.body.decode()


def test_409_a_key_is_rotated_once(world: World, browser: Browser, issued: Issued) -> None:
    new = raw_key_in(browser.post(path(issued.key), rotate_form()))
    again = browser.post(path(issued.key), rotate_form())
    assert again.status == 409
    assert "already" in text_of(again)
    assert "it was rotated already" in text_of(browser.get(path(issued.key)))
    successor = Key.get_by_id(Key.get_by_id(issued.key.id).successor_id)
    too_soon = browser.post(path(successor), rotate_form())
    assert too_soon.status == 409
    assert "still in its grace period" in text_of(too_soon)
    assert codes(world, issued.raw_key, new) == ["OK", "OK"]


def test_409_a_revoked_key(world: World, browser: Browser, issued: Issued) -> None:
    world.change_key(issued.key, status="REVOKED")
    assert browser.post(path(issued.key), rotate_form()).status == 409
    assert "it does not work any more" in text_of(browser.get(path(issued.key)))


def test_303_the_grace_ends_at_once(world: World, browser: Browser, issued: Issued) -> None:
    new = raw_key_in(browser.post(path(issued.key), rotate_form()))
    successor_id = Key.get_by_id(issued.key.id).successor_id
    answer = browser.post(path(issued.key, "end-grace"))
    assert (answer.status, answer.headers["Location"]) == (303, f"/dashboard/keys/{successor_id}")
    assert codes(world, issued.raw_key, new) == ["KEY_REVOKED", "OK"]
    assert "works no more" in text_of(browser.get("/dashboard"))
    assert browser.post(path(issued.key, "end-grace")).status == 303


def test_303_the_grace_ends_too_where_the_new_key_is_gone(
    world: World, browser: Browser, issued: Issued
) -> None:
    new = world.rotate(issued.key).key
    world.services.keyring.delete(Actor("cli"), Key.select(), new.id)
    answer = browser.post(path(issued.key, "end-grace"))
    assert (answer.status, answer.headers["Location"]) == (303, f"/dashboard/keys/{issued.key.id}")


def test_409_no_grace_of_a_key_that_was_not_rotated(world: World, browser: Browser, issued: Issued) -> None:
    assert browser.post(path(issued.key, "end-grace")).status == 409
    assert codes(world, issued.raw_key) == ["OK"]


@pytest.mark.parametrize(
    ("used_after", "says"),
    [(-1, "was not used since the new one was made"), (1, "something still needs it")],
)
def test_whether_the_old_key_is_still_used_is_told(
    world: World, browser: Browser, issued: Issued, used_after: int, says: str
) -> None:
    world.rotate(issued.key)
    old, new = (Key.get_by_id(id) for id in (issued.key.id, Key.get_by_id(issued.key.id).successor_id))
    used = Total(1, old.rotated_at + used_after, "203.0.113.9")
    rotation = Rotation(Shown(old, "ACTIVE", used, old.rotated_at), Shown(new, "ACTIVE", Total(), 0))
    with world.service.flask.test_request_context():
        template = world.service.flask.jinja_env.get_template("dashboard/keys/_rotation.html")
        assert says in template.module.rotation_of_key(rotation, active=False)


@pytest.mark.parametrize("deed", ["rotate", "end-grace"])
def test_404_keys_of_others_and_unknown_ones_alike(world: World, browser: Browser, deed: str) -> None:
    theirs = world.personal_key(world.stranger).key
    world.rotate(theirs)
    answers = [browser.post(f"/dashboard/keys/{id}/{deed}", rotate_form()) for id in (theirs.id, UNKNOWN_ID)]
    assert {answer.status for answer in answers} == {404}
    assert len({text_of(answer) for answer in answers}) == 1


@pytest.mark.parametrize("status", ["SUSPENDED", "RESTRICTED"])
def test_403_accounts_that_may_change_nothing(
    world: World, tenant: Tenant, browser: Browser, issued: Issued, status: str
) -> None:
    token = {"csrf_token": browser.csrf_token()}
    rotated = world.personal_key().key
    world.rotate(rotated)
    world.change_account(tenant, status=status)
    assert "Rotate key" not in text_of(browser.get(path(issued.key)))
    assert browser.post(path(issued.key), rotate_form(**token)).status == 403
    assert browser.post(path(rotated, "end-grace"), token).status == 403
    assert not Key.get_by_id(rotated.id).revoked
