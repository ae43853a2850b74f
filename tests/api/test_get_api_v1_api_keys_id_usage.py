"""GET /api/v1/api-keys/{id}/usage: how often a personal key was used, as of the keys of a portal."""

from __future__ import annotations

from app.usage.rollup import Rollup
from gateway.usage_table import UsageTable
from tests.api.personal import Holder
from tests.api.world import UNKNOWN_ID


def stored(holder: Holder) -> None:
    """Do what the worker does every other second."""
    services = holder.world.services
    table = UsageTable(services.config.state_dir)
    Rollup(services.db, table, services.clock, services.config).roll_up()
    table.close()


def test_200_what_was_counted_of_it_and_of_its_lineage(holder: Holder) -> None:
    old = holder.key(integrations=["cli"])
    for _ in range(3):
        holder.call("GET", key=old.raw_key)
    new = holder.call("POST", f"/{old.key.id}/rotate").data
    holder.call("GET", key=new["rawKey"])
    stored(holder)

    of_the_old = holder.call("GET", f"/{old.key.id}/usage").data
    of_both = holder.call(
        "GET", f"/{new['id']}/usage", query_string={"lineage": "true", "bucket": "day"}
    ).data

    assert (of_the_old["keyId"], of_the_old["requestCount"]) == (old.key.id, 3)
    assert (of_both["requestCount"], of_both["lineage"], len(of_both["series"])) == (4, True, 1)
    card = holder.call("GET", f"/{new['id']}").data
    assert (card["requestCount"], card["lastUsedIp"]) == (1, "127.0.0.1")
    assert card["rotation"]["lastUsedAt"] is not None


def test_200_a_key_that_holds_more_can_be_looked_at(holder: Holder) -> None:
    narrow = holder.key(integrations=["cli"]).raw_key
    assert holder.call("GET", f"/{holder.own.key.id}/usage", narrow).status == 200


def test_400_what_is_no_range(holder: Holder) -> None:
    query = {"since": "2030-01-02T00:00:00Z", "until": "2030-01-01T00:00:00Z"}
    answer = holder.call("GET", f"/{holder.own.key.id}/usage", query_string=query)
    assert (answer.status, list(answer.error["details"])) == (400, ["since"])


def test_404_of_another_account_or_type(holder: Holder) -> None:
    world = holder.world
    for id in (world.personal_key(world.stranger).key.id, world.portal_key().key.id, UNKNOWN_ID):
        assert holder.call("GET", f"/{id}/usage").code == "ENTITY_NOT_FOUND"
