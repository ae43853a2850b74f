"""GET /v1/keys/{id}/usage: how often a key was used, when, by what and from where."""

from __future__ import annotations

from typing import Any

import pytest

from app.keyring import Issued
from app.models import UsageHour, UsageSplitHour
from app.schemas.fields import iso
from tests.api.world import UNKNOWN_ID, Answer, World
from tests.usage.recorded import record

HOUR, DAY = 3600, 86_400
CURL = {"headers": {"User-Agent": "curl/8.5.0"}, "environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
GO = {"headers": {"User-Agent": "Go-http-client/2.0"}, "environ_base": {"REMOTE_ADDR": "2001:db8::7"}}


@pytest.fixture
def noon(world: World) -> float:
    """It is the next noon, in unix seconds: all tests share one clock, which goes on only."""
    world.service.clock.now = (world.service.clock.now // DAY + 1) * DAY + 12 * HOUR
    return world.service.clock.now


def at(seconds: float) -> str:
    return iso(round(seconds * 1000))


def use(world: World, raw_key: str, when: float, times: int = 1, path: str = "/v1/me", **more: Any) -> None:
    world.service.clock.now = when
    for _ in range(times):
        world.service.call("GET", path, raw_key, **{**CURL, **more})


def usage(world: World, issued: Issued, key: str | None = None, **query: Any) -> Answer:
    record(world.service)
    return world.call("GET", f"/v1/keys/{issued.key.id}/usage", key, query_string=query)


def series(answer: Answer) -> dict[str, int]:
    return {one["start"]: one["requestCount"] for one in answer.data["series"]}


def counts(answer: Answer, split: str) -> dict[str, int]:
    return {one["name"]: one["count"] for one in answer.data[split]}


def test_200_a_key_that_was_never_used(world: World, noon: float) -> None:
    issued = world.portal_key()

    assert usage(world, issued).data == {
        "keyId": issued.key.id,
        "lineage": False,
        "since": at(noon - 30.5 * DAY),
        "until": at(noon + 0.5 * DAY),
        "bucket": "day",
        "requestCount": 0,
        "lastUsedAt": None,
        "lastUsedIp": None,
        "series": [],
        **{split: [] for split in ("tools", "actions", "statuses", "networks", "refusals")},
    }


def test_200_by_day_with_all_splits(world: World, noon: float) -> None:
    issued = world.portal_key()
    use(world, issued.raw_key, noon, 3)
    use(world, issued.raw_key, noon + DAY, 1, "/v1/nothing", **GO)
    use(world, issued.raw_key, noon + DAY + 0.25, 2)

    answer = usage(world, issued)
    assert series(answer) == {at(noon - 12 * HOUR): 3, at(noon + 12 * HOUR): 3}
    assert answer.data["requestCount"] == 6
    last_use = answer.data["lastUsedAt"], answer.data["lastUsedIp"]
    assert last_use == (at(noon + DAY + 0.25), "192.0.2.7")
    assert answer.data["tools"] == [{"name": "curl", "count": 5}, {"name": "Go", "count": 1}]
    assert counts(answer, "actions") == {"GET /v1/me": 5, "other": 1}
    assert counts(answer, "statuses") == {"2xx": 5, "4xx": 1}
    assert counts(answer, "networks") == {"192.0.2.0/24": 5, "2001:db8::/48": 1}
    assert counts(answer, "refusals") == {"NOT_FOUND": 1}


def test_200_by_hour_at_the_edges(world: World, noon: float) -> None:
    issued = world.portal_key()
    for seconds in (HOUR - 0.001, HOUR, 2 * HOUR - 0.001, 2 * HOUR):
        use(world, issued.raw_key, noon + seconds)

    assert series(usage(world, issued, bucket="hour")) == {
        at(noon): 1,
        at(noon + HOUR): 2,
        at(noon + 2 * HOUR): 1,
    }
    one_hour = {"bucket": "hour", "since": at(noon + HOUR), "until": at(noon + 2 * HOUR)}
    assert series(usage(world, issued, **one_hour)) == {at(noon + HOUR): 2}
    assert usage(world, issued, **one_hour).data["tools"] == [{"name": "curl", "count": 2}]


def test_200_a_range_is_widened_to_whole_buckets(world: World, noon: float) -> None:
    issued = world.portal_key()
    within = {"since": at(noon - DAY + 1800.001), "until": at(noon - 12 * HOUR + 0.001)}

    by_hour, by_day = (usage(world, issued, bucket=bucket, **within).data for bucket in ("hour", "day"))

    assert (by_hour["since"], by_hour["until"]) == (at(noon - DAY), at(noon - 11 * HOUR))
    assert (by_day["since"], by_day["until"]) == (at(noon - 1.5 * DAY), at(noon + 0.5 * DAY))


def test_200_by_hour_over_days_the_splits_are_those_of_the_range(world: World, noon: float) -> None:
    issued = world.portal_key()
    for hour in (0, 1, 11, 12, 35, 36, 59, 60, 72, 73):
        use(world, issued.raw_key, noon + hour * HOUR)
    for until, expected in (
        (73, 8),
        (12, 2),
        (13, 3),
        (36, 4),
        (37, 5),
    ):
        answer = usage(world, issued, bucket="hour", since=at(noon + HOUR), until=at(noon + until * HOUR))
        assert answer.data["requestCount"] == sum(series(answer).values()) == expected
        assert counts(answer, "tools") == {"curl": expected}


def test_200_only_admitted_requests_are_counted_and_the_refused_by_code(world: World, noon: float) -> None:
    issued = world.portal_key(rate_limit=2)
    use(world, issued.raw_key, noon, 5)

    answer = usage(world, issued)
    assert answer.data["requestCount"] == 2
    assert counts(answer, "refusals") == {"RATE_LIMITED": 3}
    assert counts(answer, "statuses") == {"2xx": 2}


def test_200_of_a_lineage_or_of_one_key_of_it(world: World, noon: float) -> None:
    first = world.portal_key()
    use(world, first.raw_key, noon, 3)
    second = world.rotate(first.key)
    use(world, second.raw_key, noon + HOUR, 2, **GO)
    use(world, first.raw_key, noon + HOUR + 1)
    use(world, world.portal_key().raw_key, noon + HOUR + 1, 5)

    alone, lineage = usage(world, second), usage(world, second, lineage="true")
    assert (alone.data["requestCount"], alone.data["lastUsedIp"]) == (2, "2001:db8::7")
    assert (lineage.data["requestCount"], lineage.data["lastUsedIp"]) == (6, "192.0.2.7")
    assert (alone.data["lineage"], lineage.data["lineage"]) == (False, True)
    assert counts(lineage, "tools") == {"curl": 4, "Go": 2}
    assert usage(world, first, lineage="true").data == {**lineage.data, "keyId": first.key.id}


def test_200_a_lineage_keeps_what_its_deleted_keys_did(world: World, noon: float) -> None:
    first = world.portal_key()
    use(world, first.raw_key, noon, 3)
    second = world.rotate(first.key)
    world.call("DELETE", f"/v1/keys/{first.key.id}")

    assert usage(world, second, lineage="true").data["requestCount"] == 3
    assert usage(world, second, lineage="false").data["requestCount"] == 0
    assert usage(world, first).status == 404


def test_200_many_networks_are_told_in_a_hundred_and_the_rest(world: World, noon: float) -> None:
    issued = world.portal_key()
    for day in range(3):
        for number in range(50):
            peer = {"REMOTE_ADDR": f"10.{day}.{number}.1"}
            use(world, issued.raw_key, noon + day * DAY, 1, environ_base=peer)
        record(world.service)
    use(world, issued.raw_key, noon + 2 * DAY, 2, environ_base={"REMOTE_ADDR": "10.1.1.1"})

    networks = usage(world, issued, until=at(noon + 9 * DAY)).data["networks"]
    assert len(networks) == 101
    assert networks[0] == {"name": "10.1.1.0/24", "count": 3}
    assert networks[-1] == {"name": "other", "count": 50}


def test_200_hours_that_are_no_longer_kept_are_left_out_of_all_numbers(world: World, noon: float) -> None:
    issued = world.portal_key()
    for when, times in ((noon, 4), (noon + 13 * HOUR, 2), (noon + DAY, 3), (noon + 2.5 * DAY, 1)):
        use(world, issued.raw_key, when, times)
    record(world.service)
    for table in (UsageHour, UsageSplitHour):  # in the middle of the second day, as the worker removes them
        table.delete().where(table.starts_at < round((noon + 20 * HOUR) * 1000)).execute()

    by_hour, by_day = (usage(world, issued, bucket=bucket) for bucket in ("hour", "day"))

    assert series(by_hour) == {at(noon + DAY): 3, at(noon + 2.5 * DAY): 1}
    assert sum(series(by_day).values()) == 10
    for answer in (by_hour, by_day):
        for split in ("tools", "actions", "statuses", "networks"):
            assert sum(counts(answer, split).values()) == answer.data["requestCount"]


def test_200_the_key_itself_tells_its_count_and_its_last_use(world: World, noon: float) -> None:
    old = world.portal_key()
    use(world, old.raw_key, noon + 1, 2)
    new = world.rotate(old.key)
    use(world, new.raw_key, noon + 2, 1, **GO)
    record(world.service)

    listed = world.call("GET", "/v1/keys", query_string={"portalId": world.portal.id}).data
    shown = {key["id"]: key for key in listed}
    told = {id: (key["requestCount"], key["lastUsedAt"], key["lastUsedIp"]) for id, key in shown.items()}
    assert told == {
        old.key.id: (2, at(noon + 1), "192.0.2.7"),
        new.key.id: (1, at(noon + 2), "2001:db8::7"),
    }
    assert {key["rotation"]["lastUsedAt"] for key in listed} == {at(noon + 1)}
    assert world.call("GET", f"/v1/keys/{new.key.id}").data == shown[new.key.id]
    me = world.call("GET", "/v1/me", new.raw_key).data
    assert me["rotation"] == shown[new.key.id]["rotation"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2030-03-19"}, "since"),
        ({"since": "2030-03-19T12:00:00"}, "since"),
        ({"since": "1969-12-31T23:59:59Z"}, "since"),
        ({"until": "9999-12-31T23:59:59Z"}, "until"),
        ({"until": "2030-03-19T12:00:00 00:00"}, "until"),
        ({"since": "2030-03-19T12:00:00Z", "until": "2030-03-19T12:00:00Z"}, "since"),
        ({"since": "2100-01-01T00:00:00Z"}, "since"),
        ({"since": "2028-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z", "bucket": "hour"}, "since"),
        ({"since": "1990-01-01T00:00:00Z"}, "since"),
        ({"bucket": "week"}, "bucket"),
        ({"bucket": ""}, "bucket"),
        ({"lineage": "yes"}, "lineage"),
        ({"lineage": "True"}, "lineage"),
        ({"lineage": "1"}, "lineage"),
        ({"page": "1"}, "page"),
    ],
)
def test_400_a_bad_query_names_what_is_wrong(world: World, query: dict[str, str], field: str) -> None:
    answer = usage(world, world.portal_key(), **query)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert list(answer.error["details"]) == [field]


def test_400_a_parameter_that_comes_twice(world: World) -> None:
    answer = world.call("GET", f"/v1/keys/{world.portal_key().key.id}/usage?bucket=day&bucket=day")

    assert (answer.status, list(answer.error["details"])) == (400, ["bucket"])


@pytest.mark.parametrize(
    "query",
    [
        {"since": "1970-01-01T00:00:00Z", "until": "1970-01-02T00:00:00Z"},
        {"until": "1970-01-01T00:00:00.001Z"},
        {"since": "9998-12-30T00:00:00Z", "until": "9998-12-31T23:59:59.999Z"},
        {"since": "2029-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z", "bucket": "hour"},
    ],
)
def test_200_at_the_ends_of_time(world: World, query: dict[str, str]) -> None:
    assert usage(world, world.portal_key(), **query).data["series"] == []


def test_404_same_bytes_for_unknown_and_invisible(world: World) -> None:
    invisible = [
        world.portal_key(world.stranger, portal=world.other_portal).key.id,
        world.personal_key().key.id,
        world.issue("management", world.admin.account, scopes=["vibe:mgmt:keys"]).key.id,
    ]
    answers = [world.call("GET", f"/v1/keys/{id}/usage") for id in (UNKNOWN_ID, "x", "%00", *invisible)]

    assert {(answer.status, answer.code) for answer in answers} == {(404, "ENTITY_NOT_FOUND")}
    assert len({answer.bytes_but_request_id for answer in answers}) == 1


def test_404_a_member_does_not_see_what_others_own(world: World) -> None:
    issued = world.portal_key(world.admin)

    assert usage(world, issued, world.member.management_key).code == "ENTITY_NOT_FOUND"
