"""PATCH /api/v1/account: what an account sets for itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.models import Audit, Preferences
from app.preferences import of_account
from tests.api.world import Answer, World

PATH = "/api/v1/account"
HOURS = {"days": ["mon", "fri"], "from": "09:00", "to": "18:30"}
URL = "https://hooks.example.com:8443/alerts/planted-receiver-secret?token=1"


@pytest.fixture
def key(world: World) -> str:
    return world.personal_key().raw_key


def patch(world: World, key: str, **fields: Any) -> Answer:
    return world.call("PATCH", PATH, key, json=fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timezone", "Europe/Berlin"),
        ("timezone", "America/Argentina/Buenos_Aires"),
        ("timezone", "Etc/GMT+12"),
        ("timezone", "UTC"),
        ("businessHours", HOURS),
        ("businessHours", {**HOURS, "from": "22:00", "to": "06:00"}),
        ("businessHours", {**HOURS, "days": ["sun"], "from": "00:00", "to": "24:00"}),
        ("businessHours", None),
        ("alertWebhookUrl", None),
    ],
)
def test_200_sets_one_field_and_leaves_the_others(world: World, key: str, field: str, value: Any) -> None:
    before = patch(world, key, timezone="Asia/Tokyo", businessHours={**HOURS, "days": ["wed"]}).data

    answer = patch(world, key, **{field: value})

    assert answer.status == 200, answer.body
    assert answer.data == {**before, field: value}
    assert world.call("GET", PATH, key).data == answer.data


def test_200_days_come_once(world: World, key: str) -> None:
    answer = patch(world, key, businessHours={**HOURS, "days": ["fri", "mon", "fri"]})
    assert answer.data["businessHours"]["days"] == ["fri", "mon"]


def test_200_a_webhook_is_sealed_shown_without_its_path_and_its_secret_shown_once(
    world: World, key: str
) -> None:
    first = patch(world, key, alertWebhookUrl=URL)

    assert first.headers["Cache-Control"] == "no-store"
    assert first.data["alertWebhookUrl"] == "https://hooks.example.com:8443/***"
    secret = first.data["alertWebhookSecret"]
    assert secret.startswith("whsec_")
    assert len(secret) == 70
    shown = world.call("GET", PATH, key)
    assert shown.data == {name: value for name, value in first.data.items() if name != "alertWebhookSecret"}
    preferences = of_account(world.admin.account.id)
    webhook = world.services.preferences.alert_webhook(preferences)
    assert webhook is not None
    assert (webhook.url, webhook.secret) == (URL, secret)
    stored = json.dumps(world.service.rows(), default=repr)
    assert "planted-receiver-secret" not in stored
    assert secret not in stored
    assert secret not in repr(webhook)


def test_200_the_same_webhook_again_gets_a_new_secret_and_null_takes_it_away(world: World, key: str) -> None:
    secrets = {patch(world, key, alertWebhookUrl=URL).data["alertWebhookSecret"] for _ in range(2)}
    assert len(secrets) == 2
    kept = patch(world, key, timezone="Europe/Paris")
    assert "alertWebhookSecret" not in kept.data
    assert "Cache-Control" not in kept.headers
    assert kept.data["alertWebhookUrl"] == "https://hooks.example.com:8443/***"
    assert patch(world, key, alertWebhookUrl=None).data["alertWebhookUrl"] is None


def test_200_of_an_older_secret_key_the_webhook_is_there_but_cannot_be_told(world: World, key: str) -> None:
    patch(world, key, alertWebhookUrl=URL)
    Preferences.update(alert_webhook_sealed=b"sealed under another").execute()
    assert world.call("GET", PATH, key).data["alertWebhookUrl"] == "***"


def test_200_is_audited_with_what_differs_and_without_the_webhook(world: World, key: str) -> None:
    patch(world, key, timezone="Europe/Berlin", alertWebhookUrl=URL)
    row = Audit.select().order_by(Audit.seq.desc()).get()
    assert (row.action, row.target_id) == ("account.changed", world.admin.account.id)
    assert json.loads(row.before) == {"timezone": "UTC", "alert_webhook_url": None}
    assert json.loads(row.after) == {"timezone": "Europe/Berlin", "alert_webhook_url": "changed"}


def test_200_nothing_to_change_changes_nothing(world: World, key: str) -> None:
    patch(world, key, timezone="Europe/Berlin", businessHours=HOURS)
    before = world.service.rows()
    assert patch(world, key).status == 200
    assert (
        patch(world, key, timezone="Europe/Berlin", businessHours=HOURS, alertWebhookUrl=None).status == 200
    )
    assert world.service.rows() == before


def test_200_each_account_has_its_own(world: World, key: str) -> None:
    other = world.personal_key(world.stranger).raw_key
    patch(world, key, timezone="Europe/Berlin")
    patch(world, other, timezone="Asia/Tokyo")
    assert world.call("GET", PATH, key).data["timezone"] == "Europe/Berlin"
    assert world.call("GET", PATH, other).data["timezone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    "field", ["status", "tier", "email", "id", "hourlyLimit", "createdAt", "alertWebhookSecret"]
)
def test_400_what_is_read_only(world: World, key: str, field: str) -> None:
    answer = patch(world, key, **{field: "ACTIVE", "isOperator": True, "timezone": 5})
    told = answer.error["details"]
    assert (answer.status, told[field], told["isOperator"]) == (400, ["Read only."], ["Unknown field."])
    assert told.keys() == {field, "isOperator", "timezone"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("timezone", value) for value in (None, "", 5, [], "Europe", "Europe/Nowhere", "europe/berlin")],
        *[("timezone", value) for value in ("CEST", "Factory", "localtime", "../etc/passwd", "/etc/passwd")],
        *[
            ("timezone", value)
            for value in ("posixrules", "right/UTC", "Europe/Berlin ", "a" * 10_000, "+02:00")
        ],
        *[("businessHours", value) for value in (5, "always", [], {}, True)],
        *[
            ("businessHours", {**HOURS, "days": value})
            for value in (None, [], "mon", ["Mon"], ["monday"], [1])
        ],
        *[("businessHours", {**HOURS, "from": value}) for value in (None, 9, "9:00", "09", "09:60", "25:00")],
        *[("businessHours", {**HOURS, "to": value}) for value in ("24:01", "18:30:00", "09:00", "")],
        ("businessHours", {**HOURS, "from": "24:00", "to": "00:00"}),
        ("businessHours", {**HOURS, "timezone": "UTC"}),
        ("businessHours", {"days": ["mon"], "from": "09:00"}),
        *[
            ("alertWebhookUrl", value)
            for value in (5, "", [], "hooks.example.com", "http://hooks.example.com/")
        ],
        *[
            ("alertWebhookUrl", f"https://{host}/")
            for host in ("", "localhost", "10.0.0.1", "127.0.0.1", "[::1]")
        ],
        *[
            ("alertWebhookUrl", f"https://{host}/")
            for host in ("169.254.169.254", "[::ffff:10.0.0.1]", "a b.example", "10.1", "2130706433")
        ],
        *[
            ("alertWebhookUrl", f"https://{host}/")
            for host in ("0x7f.1", "127.0.0.1.", "localhost.", "foo.internal", "foo.local.", "a.home.arpa")
        ],
        *[
            ("alertWebhookUrl", f"https://{host}/")
            for host in ("u:p@example.com", "example.com:0", "exämple.com")
        ],
        ("alertWebhookUrl", "https://example.com/#fragment"),
        ("alertWebhookUrl", "https://example.com/\n"),
        ("alertWebhookUrl", f"https://example.com/{'x' * 2_048}"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_400_bad_field(still_world: World, field: str, value: Any) -> None:
    key = still_world.personal_key().raw_key
    before = still_world.service.rows()

    answer = patch(still_world, key, **{field: value})

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR"), answer.body
    assert list(answer.error["details"]) == [field]
    assert still_world.service.rows() == before


def test_403_restricted(world: World, key: str) -> None:
    world.change_account(world.admin, status="RESTRICTED")
    assert patch(world, key, timezone="Europe/Berlin").code == "ACCOUNT_RESTRICTED"
