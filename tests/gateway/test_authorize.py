"""Decisions, against a real server: order, changes in the very next request, Redis failing."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.authorize import Allowed, Refused
from gateway.checks import CHECKS
from gateway.keys import mint
from gateway.records import AccountRecord, PortalState
from gateway.source import LegacyForms
from tests.conftest import ValkeyServer
from tests.gateway.records import new_key
from tests.gateway.rig import START, MakeRig, Rig, known

# Each row breaks one check and all that follow: the first must be what refuses.
BROKEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("KEY_REVOKED", {"revoked": True}, {}),
    ("KEY_EXPIRED", {"expires_at": START}, {}),
    ("KEY_ROTATED", {"grace_ends_at": START, "deprecated_at": START - 9}, {}),
    ("ACCOUNT_SUSPENDED", {}, {"status": "SUSPENDED"}),
    ("PORTAL_INACTIVE", {"portal_id": "p"}, {"portals": {"p": PortalState(active=False, member=False)}}),
    ("NOT_PORTAL_MEMBER", {"portal_id": "p"}, {"portals": {"p": PortalState(active=True, member=False)}}),
    ("IP_NOT_ALLOWED", {"ip_whitelist": ("198.51.100.0/24",)}, {}),
    ("RATE_LIMITED", {"hourly_limit": 0}, {}),
]


@pytest.mark.parametrize("place", range(len(BROKEN)))
def test_the_first_broken_check_refuses(rig: Rig, place: int) -> None:
    key_fields: dict[str, Any] = {}
    account_fields: dict[str, Any] = {}
    for _, of_key, of_account in reversed(BROKEN[place:]):
        key_fields |= of_key
        account_fields |= of_account
    raw_key, _ = known(rig, AccountRecord("account-1", 1, **account_fields), **key_fields)
    assert rig.workers[0].code(raw_key) == BROKEN[place][0]


def test_every_check_stands_in_the_visible_order() -> None:
    assert [check.__name__ for check in CHECKS.values()] == [
        "key_in_force",
        "account_in_good_standing",
        "portal_active",
        "owner_is_member",
        "address_allowed",
    ]


def test_a_good_key_is_allowed_and_told_its_limits(rig: Rig) -> None:
    raw_key, record = known(rig, rate_limit=5)
    decision = rig.workers[0].ask(raw_key)
    assert isinstance(decision, Allowed)
    assert decision.snapshot.key == record
    assert [(usage.limit.scope, usage.remaining) for usage in decision.usages] == [
        ("second", 4),
        ("tier", 999),
    ]
    assert raw_key not in repr(decision)


def test_a_malformed_key_is_refused_without_asking_anybody(rig: Rig) -> None:
    raw_key, _ = known(rig)
    rig.workers[0].store.close()
    rig.source.away = True
    wrong = raw_key[:-1] + ("0" if raw_key[-1] != "0" else "1")
    assert rig.workers[0].code(wrong) == "INVALID_API_KEY"
    assert rig.source.lookups == 0


def test_an_unknown_key_is_invalid(rig: Rig) -> None:
    decision = rig.workers[0].ask(mint("api"))
    assert isinstance(decision, Refused)
    assert decision.denial.code == "INVALID_API_KEY"
    assert decision.denial.hint is not None
    assert "another installation" in decision.denial.hint


def test_a_key_made_after_it_was_asked_for_is_known_at_once(rig: Rig) -> None:
    raw_key, record = new_key()
    assert rig.workers[0].code(raw_key) == "INVALID_API_KEY"
    rig.source.add(record)
    assert rig.workers[0].code(raw_key) == "allowed"


@pytest.mark.parametrize(
    ("forms", "raw_key", "code"),
    [
        (LegacyForms(), "an-old-key-of-theirs", "INVALID_API_KEY"),
        (LegacyForms(any=True), "an-old-key-of-theirs", "allowed"),
        (LegacyForms(any=True), "short", "INVALID_API_KEY"),
        (LegacyForms(any=True), "an old key of theirs", "INVALID_API_KEY"),
        (LegacyForms(any=True), "vxk_1234567890abcdef", "INVALID_API_KEY"),
        (LegacyForms(True, frozenset({"vxk_"})), "vxk_1234567890abcdef", "allowed"),
        (LegacyForms(True, frozenset({"vxk_"})), "vibe_api_1234567890abcdef", "INVALID_API_KEY"),
    ],
)
def test_keys_of_another_form_are_looked_up_where_they_exist(
    rig: Rig, forms: LegacyForms, raw_key: str, code: str
) -> None:
    rig.source.add(new_key(raw_key, is_legacy=True)[1])
    rig.source.forms = forms
    rig.workers[0].watch.look()
    assert rig.workers[0].code(raw_key) == code


CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("revoke", {"revoked": True}, {}, "KEY_REVOKED"),
    ("whitelist", {"ip_whitelist": ("198.51.100.7",)}, {}, "IP_NOT_ALLOWED"),
    ("expiry", {"expires_at": START - 1}, {}, "KEY_EXPIRED"),
    ("limit", {"hourly_limit": 1}, {}, "RATE_LIMITED"),
    ("suspend", {}, {"status": "SUSPENDED"}, "ACCOUNT_SUSPENDED"),
    ("tier", {}, {"tier": "enterprise", "hourly_limit": 1}, "RATE_LIMITED"),
    ("portal", {}, {"portals": {"p": PortalState(active=False, member=True)}}, "PORTAL_INACTIVE"),
    ("membership", {}, {"portals": {"p": PortalState(active=True, member=False)}}, "NOT_PORTAL_MEMBER"),
]


@pytest.mark.parametrize(
    ("key_fields", "account_fields", "code"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_a_change_is_in_force_in_the_next_request_of_every_worker_and_back(
    rig: Rig, key_fields: dict[str, Any], account_fields: dict[str, Any], code: str
) -> None:
    before = AccountRecord("account-1", 1, portals={"p": PortalState(active=True, member=True)})
    raw_key, record = known(rig, before, portal_id="p", hourly_limit=50)
    workers = [rig.workers[0], rig.worker(), rig.worker()]
    assert [worker.code(raw_key) for worker in workers] == ["allowed"] * 3
    if key_fields:
        rig.source.change_key(record.digest, **key_fields)
    if account_fields:
        rig.source.change_account("account-1", **account_fields)
    assert [worker.code(raw_key) for worker in workers] == [code] * 3
    if key_fields:
        rig.source.change_key(record.digest, **{name: getattr(record, name) for name in key_fields})
    if account_fields:
        rig.source.change_account("account-1", **{name: getattr(before, name) for name in account_fields})
    assert [worker.code(raw_key) for worker in workers] == ["allowed"] * 3


def test_a_deleted_key_is_unknown_in_the_next_request(rig: Rig) -> None:
    raw_key, record = known(rig)
    workers = [rig.workers[0], rig.worker()]
    assert [worker.code(raw_key) for worker in workers] == ["allowed"] * 2
    rig.source.delete_key(record.digest)
    assert [worker.code(raw_key) for worker in workers] == ["INVALID_API_KEY"] * 2


def test_a_flush_changes_nothing_and_refills_nothing(rig: Rig, shared_valkey: ValkeyServer) -> None:
    raw_key, record = known(rig, hourly_limit=5)
    worker = rig.workers[0]
    codes = []
    for _ in range(7):
        codes.append(worker.code(raw_key))
        shared_valkey.flush()
    assert codes == ["allowed"] * 5 + ["RATE_LIMITED"] * 2
    rig.source.change_key(record.digest, revoked=True)
    shared_valkey.flush()
    assert worker.code(raw_key) == "KEY_REVOKED"


def test_keys_of_a_lineage_share_their_counters_and_keys_of_an_account_its_tier(rig: Rig) -> None:
    account = AccountRecord("account-1", 1, tier="enterprise", hourly_limit=4)
    old, _ = known(rig, account, lineage_id="lineage", hourly_limit=3)
    new, _ = known(rig, account, lineage_id="lineage", hourly_limit=3)
    other, _ = known(rig, account)
    codes = [rig.workers[0].code(raw_key) for raw_key in (old, new, old, new, other, other)]
    assert codes == ["allowed"] * 3 + ["RATE_LIMITED", "allowed", "RATE_LIMITED"]


def test_the_hour_rolls_over_to_the_second(rig: Rig) -> None:
    raw_key, _ = known(rig, hourly_limit=1)
    worker = rig.workers[0]
    assert worker.code(raw_key) == "allowed"
    rig.clock.now = START + 3599.999
    decision = worker.ask(raw_key)
    assert isinstance(decision, Refused)
    assert decision.denial.retry_after == 1
    rig.clock.now = START + 3600
    assert worker.code(raw_key) == "allowed"


def test_a_refusal_tells_which_limit_and_for_how_long(rig: Rig) -> None:
    raw_key, _ = known(rig, hourly_limit=1)
    rig.clock.now = START + 600.5
    rig.workers[0].ask(raw_key)
    decision = rig.workers[0].ask(raw_key)
    assert isinstance(decision, Refused)
    assert decision.denial.details == {"limit": 1, "window": 3600, "scope": "key"}
    assert decision.denial.retry_after == 3000


def test_failures_of_an_address_are_limited_and_a_working_key_is_served_all_the_same(
    make_rig: MakeRig, valkey_url: str
) -> None:
    rig = make_rig(valkey_url, auth_failures_per_minute=3)
    raw_key, _ = known(rig)
    worker = rig.workers[0]
    codes = [worker.code(mint("api")) for _ in range(2)] + [worker.code("nonsense") for _ in range(2)]
    assert codes == ["INVALID_API_KEY"] * 3 + ["AUTH_ATTEMPTS_LIMITED"]
    assert worker.code(raw_key) == "allowed"
    assert worker.code("nonsense", "192.0.2.2") == "INVALID_API_KEY"
    rig.clock.now += 60
    assert worker.code("nonsense") == "INVALID_API_KEY"


def test_failures_are_counted_for_a_whole_ipv6_subscriber(make_rig: MakeRig, valkey_url: str) -> None:
    rig = make_rig(valkey_url, auth_failures_per_minute=3)
    codes = [rig.workers[0].code("nonsense", f"2001:db8::{number}") for number in range(1, 5)]
    assert codes[-1] == "AUTH_ATTEMPTS_LIMITED"
    assert rig.workers[0].code("nonsense", "2001:db8:0:1::1") == "INVALID_API_KEY"


def test_failures_may_be_unlimited(make_rig: MakeRig, valkey_url: str) -> None:
    rig = make_rig(valkey_url, auth_failures_per_minute=0)
    assert {rig.workers[0].code("nonsense") for _ in range(400)} == {"INVALID_API_KEY"}


# --- without Redis ---------------------------------------------------------------------------------


def test_local_counts_on_exactly_over_workers_and_back(
    make_rig: MakeRig, valkey_server: ValkeyServer
) -> None:
    rig = make_rig(valkey_server.url)
    raw_key, _ = known(rig, hourly_limit=6)
    one, two = rig.workers[0], rig.worker()
    assert [one.code(raw_key), two.code(raw_key)] == ["allowed"] * 2
    valkey_server.kill()
    decisions = [one.ask(raw_key), two.ask(raw_key)]
    assert [decision.mode for decision in decisions] == ["local"] * 2
    valkey_server.start()
    one.watch.look()
    assert one.trust.believed()
    assert two.trust.believed()
    decision = two.ask(raw_key)
    assert isinstance(decision, Allowed)
    assert decision.mode is None
    assert decision.usages[0].remaining == 1
    assert [two.code(raw_key), one.code(raw_key)] == ["allowed", "RATE_LIMITED"]


def test_local_refuses_what_is_over_the_limit(make_rig: MakeRig, valkey_server: ValkeyServer) -> None:
    rig = make_rig(valkey_server.url)
    raw_key, _ = known(rig, hourly_limit=2)
    valkey_server.kill()
    assert [rig.workers[0].code(raw_key) for _ in range(3)] == ["allowed", "allowed", "RATE_LIMITED"]


def test_open_admits_and_says_so(make_rig: MakeRig, valkey_server: ValkeyServer) -> None:
    rig = make_rig(valkey_server.url, redis_down="open")
    raw_key, record = known(rig, hourly_limit=1)
    valkey_server.kill()
    decisions = [rig.workers[0].ask(raw_key) for _ in range(3)]
    assert [(type(decision), decision.mode) for decision in decisions] == [(Allowed, "open")] * 3
    rig.source.keys[record.digest] = new_key(raw_key, revoked=True)[1]
    assert rig.workers[0].code(raw_key) == "KEY_REVOKED"


def test_closed_admits_nobody_and_still_tells_a_revoked_key(
    make_rig: MakeRig, valkey_server: ValkeyServer
) -> None:
    rig = make_rig(valkey_server.url, redis_down="closed")
    good, _ = known(rig)
    revoked, _ = known(rig, revoked=True)
    valkey_server.kill()
    decision = rig.workers[0].ask(good)
    assert isinstance(decision, Refused)
    assert (decision.denial.code, decision.denial.retry_after, decision.mode) == (
        "GATEWAY_UNAVAILABLE",
        1,
        None,
    )
    assert rig.workers[0].code(revoked) == "KEY_REVOKED"
    assert rig.workers[0].code(mint("api")) == "INVALID_API_KEY"


def test_when_nobody_can_tell_the_answer_is_unavailable(
    make_rig: MakeRig, valkey_server: ValkeyServer
) -> None:
    rig = make_rig(valkey_server.url)
    raw_key, _ = known(rig)
    valkey_server.kill()
    rig.source.away = True
    assert rig.workers[0].code(raw_key) == "GATEWAY_UNAVAILABLE"
    assert rig.workers[0].code(mint("api")) == "GATEWAY_UNAVAILABLE"


def test_redis_alone_can_tell_of_a_key_that_it_holds(rig: Rig) -> None:
    raw_key, record = known(rig)
    rig.source.change_key(record.digest, name="published")
    rig.source.change_account("account-1", tier="pro")
    fresh = rig.worker()
    fresh.store.published()
    rig.source.away = True
    assert fresh.code(raw_key) == "allowed"
    assert rig.workers[0].code(raw_key) == "allowed"


def test_a_slow_redis_is_left_after_its_time(make_rig: MakeRig, valkey_server: ValkeyServer) -> None:
    rig = make_rig(valkey_server.url, redis_timeout=0.05)
    raw_key, _ = known(rig, hourly_limit=3)
    worker = rig.workers[0]
    assert worker.code(raw_key) == "allowed"
    valkey_server.pause()
    assert [worker.code(raw_key), worker.code(raw_key), worker.code(raw_key)] == ["allowed"] * 2 + [
        "RATE_LIMITED"
    ]
    valkey_server.resume()
    worker.watch.look()
    assert worker.trust.believed()
    assert worker.code(raw_key) == "RATE_LIMITED"
