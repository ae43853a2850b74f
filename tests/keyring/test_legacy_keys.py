"""Keys of an older system, once they were taken over: accepted by their hash, whatever their form."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator

import pytest

from app.ledger import Actor
from app.legacy_import import BrokenLine, LegacyImport
from app.models import Unpublished
from gateway.keys import digest, mint, take_for_keys
from tests.api.world import Service, Tenant, World, serving

_numbers = itertools.count()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # Of its own: a prefix whose checksum is off stays so.
    with serving(tmp_path_factory.mktemp("legacy")) as service:
        yield service
    take_for_keys(())


@pytest.fixture
def world(service: Service) -> World:
    return World(service)


def take_over(world: World, raw_key: str, owner: Tenant | None = None, **more: str) -> None:
    """Do what `vibekeys keys import-legacy` does."""
    fields = {
        "sha256": digest(raw_key),
        "prefix": raw_key[: min(10, len(raw_key) - 1)],
        "name": "of the older system",
        "owner": (owner or world.admin).account.email,
        **more,
    }
    services = world.services
    importing = LegacyImport(services.db, services.ledger, services.host_table)
    importing.read(io.BytesIO(json.dumps(fields).encode()), lambda _: None)
    assert importing.store(Actor("cli"), lambda _: None) == (1, 1)


def new_number() -> str:
    return f"{next(_numbers):08}"


@pytest.mark.parametrize(
    "form", ["{}", "old_{}", "sk-live/{}+x=", "ghp_{}" + "Z" * 400, "!{}~", "vxk_{}", "vibe_api_short{}"]
)
def test_accepted_in_the_very_next_request_whatever_its_form(world: World, form: str) -> None:
    raw_key = form.format(new_number())
    assert world.call("GET", "/v1/me", raw_key).code == "INVALID_API_KEY"

    take_over(world, raw_key)

    me = world.call("GET", "/v1/me", raw_key)
    assert me.status == 200, me.body
    assert (me.data["type"], me.data["integrations"]) == ("personal", ["ai_tools", "cli", "mcp_server"])
    headers = {"Authorization": f"bearer  {raw_key} "}
    assert world.service.call("GET", "/v1/me", headers=headers).status == 200
    assert world.call("GET", "/v1/me", f"{raw_key}x").code == "INVALID_API_KEY"
    assert not Unpublished.select().exists()


def test_under_one_of_our_prefixes_the_checksum_is_not_asked_for_any_more(world: World) -> None:
    good = mint("management")
    no_checksum = good[:-8] + ("0" * 8 if not good.endswith("0" * 8) else "1" * 8)
    assert "checksum" in world.call("GET", "/v1/me", no_checksum).error["hint"]
    take_over(world, no_checksum)
    assert world.call("GET", "/v1/me", no_checksum).status == 200


def test_what_is_wrong_with_a_key_is_told_as_before(world: World) -> None:
    take_over(world, f"old_{new_number()}")
    take_over(world, f"vxk_{new_number()}")
    raw_key = mint("personal")
    mistyped = raw_key[:-1] + ("0" if raw_key[-1] != "0" else "1")
    wrong = {f'"{raw_key}"': "quotes", raw_key[:40]: "truncated", mistyped: "checksum", raw_key: "deleted"}
    for key, word in wrong.items():
        refused = world.call("GET", "/v1/me", key)
        assert refused.code == "INVALID_API_KEY"
        assert word in refused.error["hint"]


def test_it_opens_all_of_api_v1_and_nothing_of_v1_but_what_every_key_does(world: World) -> None:
    raw_key = f"old_{new_number()}"
    take_over(world, raw_key)
    for path in ("/api/v1/api-keys", "/api/v1/prompts", "/api/v1/account", "/api/v1/activity"):
        assert world.call("GET", path, raw_key).status == 200
    hook = {"hook_event_name": "Stop", "session_id": "s"}
    assert world.call("POST", "/api/v1/claude-code/hooks", raw_key, json=hook).status == 201
    assert world.call("GET", "/v1/keys", raw_key).code == "MANAGEMENT_KEY_REQUIRED"


def test_it_is_listed_changed_rotated_and_revoked_like_any_other(world: World) -> None:
    raw_key, own = f"old_{new_number()}", world.personal_key(integrations=["ai_tools", "cli"]).raw_key
    take_over(world, raw_key)
    (key,) = (key for key in world.call("GET", "/api/v1/api-keys", own).data if key["isLegacy"])
    assert (key["keyPrefix"], key["keySuffix"], key["name"]) == (raw_key[:10], "", "of the older system")
    path = f"/api/v1/api-keys/{key['id']}"

    limited = world.call("PATCH", path, own, json={"hourlyLimit": 1})
    assert limited.data["hourlyLimit"] == 1
    assert [world.call("GET", "/v1/me", raw_key).status for _ in range(2)] == [200, 429]
    new = world.call("POST", f"{path}/rotate", own, json={"graceHours": 1}).data
    assert (new["isLegacy"], new["rotation"]["predecessorId"]) == (False, key["id"])
    world.service.clock.now += 1_800
    assert world.call("GET", "/v1/me", raw_key).headers["Sunset"]
    world.call("PATCH", path, own, json={"status": "REVOKED"})
    assert world.call("GET", "/v1/me", raw_key).code == "KEY_REVOKED"
    world.call("DELETE", path, own)
    assert world.call("GET", "/v1/me", raw_key).code == "INVALID_API_KEY"


def test_its_account_is_what_it_is_judged_by(world: World) -> None:
    raw_key = f"old_{new_number()}"
    take_over(world, raw_key, world.stranger)
    assert world.call("GET", "/api/v1/account", raw_key).data["id"] == world.stranger.account.id
    world.change_account(world.stranger, status="SUSPENDED")
    assert world.call("GET", "/v1/me", raw_key).code == "ACCOUNT_SUSPENDED"


def test_the_import_stands_in_the_activity_of_the_owner(world: World) -> None:
    take_over(world, f"old_{new_number()}")
    event = world.call(
        "GET", "/api/v1/activity", world.personal_key().raw_key, query_string={"limit": 2}
    ).data[1]
    assert (event["type"], event["by"], event["after"]["keys"]) == ("account.keys_imported", "operator", 1)


def test_under_one_of_our_prefixes_it_is_known_in_urls_and_texts(world: World) -> None:
    raw_key = f"vxk_{new_number()}-Of_Another-form"
    take_over(world, raw_key)
    assert world.call("GET", "/v1/me", raw_key).status == 200
    for path in (f"/v1/{raw_key}", f"/v1/me?key={raw_key}", f"/docs?key={raw_key.replace('_', '%5F')}"):
        assert world.call("GET", path).code == "KEY_IN_URL"
    named = {"name": raw_key, "integrations": ["cli"]}
    refused = world.call("POST", "/api/v1/api-keys", raw_key, json=named)
    assert refused.error["details"] == {"name": ["Must not hold a raw key."]}


def test_a_shown_beginning_that_would_be_taken_for_a_key_is_refused(world: World) -> None:
    raw_key = f"vxk_{new_number()}-of-another-form"
    with pytest.raises(BrokenLine, match=r"line 1: prefix: Behind one of ours"):
        take_over(world, raw_key, prefix=raw_key[:24])
    take_over(world, raw_key, prefix=raw_key[:23])
