"""A key's page: what it tells of each type of key, of its use and limits, and why a call is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.dashboard.key_question import CHECKS
from app.explanation import CHECKS as CHECKS_THAT_ARE_MADE
from app.models import Event, UsageKey
from app.usage.windows import DAY_MS, HOUR_MS, begin
from tests.api.world import UNKNOWN_ID, World
from tests.dashboard.browser import ADDRESS, PROBES
from tests.dashboard.conftest import SignedIn
from tests.dashboard.pages_of_keys import text_of
from tests.dashboard.test_pages import PART
from tests.usage.recorded import record

PATHS = ("", "/usage.json", "/explain")


@pytest.mark.parametrize(
    ("key_type", "fields", "says"),
    [
        ("personal", {"integrations": ["cli", "mcp_server"]}, ("API key", "CLI", "MCP Server", "legacy")),
        ("management", {"scopes": ["vibe:mgmt:keys"]}, ("Management key", "vibe:mgmt:keys")),
        ("api", {"scopes": ["crm", "task"]}, ("Portal key", "crm task", "portal-")),
        ("authorization", {"scopes": ["crm"]}, ("Authorization key", "crm", "portal-")),
    ],
)
def test_every_type_of_key_has_a_page(
    world: World, signed_in: SignedIn, key_type: str, fields: dict[str, Any], says: tuple[str, ...]
) -> None:
    of_portal = {"portal": world.portal} if key_type in ("api", "authorization") else {}
    key = world.issue(key_type, world.admin.account, name="Robot", **fields, **of_portal).key
    answer = signed_in(world.admin.account).get(f"/dashboard/keys/{key.id}")
    page = text_of(answer)
    assert answer.status == 200
    assert all(words in page for words in (*says, f"{key.key_prefix}…{key.key_suffix}", "Active"))
    assert "Owner" not in page


def test_whose_a_key_of_the_portal_is(world: World, signed_in: SignedIn) -> None:
    key = world.portal_key(world.member).key
    page = text_of(signed_in(world.admin.account).get(f"/dashboard/keys/{key.id}"))
    assert f"Owner {world.member.account.email}" in page


@pytest.mark.parametrize("path", PATHS)
def test_404_for_keys_of_others_as_for_unknown_ones(world: World, signed_in: SignedIn, path: str) -> None:
    key, browser = world.personal_key().key, signed_in(world.stranger.account)
    for id in (key.id, UNKNOWN_ID, "nothing"):
        assert browser.get(f"/dashboard/keys/{id}{path}").status == 404
    assert browser.post(f"/dashboard/keys/{key.id}/explain").status == 404


def test_usage_is_told_and_split(world: World, signed_in: SignedIn) -> None:
    issued = world.personal_key()
    for address, path in (("192.0.2.1", "/v1/me"), ("192.0.2.2", "/v1/me"), ("2001:db8::1", "/v1/keys")):
        world.call("GET", path, issued.raw_key, environ_base={"REMOTE_ADDR": address}, headers=_CURL)
    record(world.service)
    page = text_of(signed_in(world.admin.account).get(f"/dashboard/keys/{issued.key.id}"))
    for words in (
        "Requests in all 3",
        "from 2001:db8::1",
        "3 in the last 90 days.",
        "2030-03-17 3 Without those",
        "By tool curl 3",
        "By action GET /v1/me 2 GET /v1/keys 1",
        "By status 2xx 2 4xx 1",
        "By network 192.0.2.0/24 2 2001:db8::/48 1",
        "MANAGEMENT_KEY_REQUIRED This endpoint needs a management key. 1",
        "This hour, of all keys of the account 9,99",
    ):
        assert words in page


_CURL = {"User-Agent": "curl/8.5.0"}


def test_a_key_that_was_not_used_says_so(world: World, signed_in: SignedIn) -> None:
    page = text_of(signed_in(world.admin.account).get(f"/dashboard/keys/{world.personal_key().key.id}"))
    assert "None in the last 90 days." in page


@pytest.mark.parametrize(
    ("span", "step", "length", "number"),
    [
        ("48h", "hour", HOUR_MS, 48),
        ("90d", "day", DAY_MS, 90),
        ("365d", "day", DAY_MS, 365),
        ("?", "day", DAY_MS, 90),
    ],
)
def test_the_chart_has_every_hour_or_day_up_to_now(
    world: World, signed_in: SignedIn, span: str, step: str, length: int, number: int
) -> None:
    issued = world.personal_key()
    world.call("GET", "/v1/me", issued.raw_key)
    record(world.service)
    answer = signed_in(world.admin.account).get(f"/dashboard/keys/{issued.key.id}/usage.json?range={span}")
    (series,) = answer.json["series"]
    now_ms = int(world.service.clock.now * 1000)
    last = begin(now_ms, length) // 1000
    assert answer.json["step"] == step
    assert answer.json["times"] == list(range(last - (number - 1) * length // 1000, last + 1, length // 1000))
    assert series == {"label": "Requests", "values": [0] * (number - 1) + [1]}


def test_what_is_left_is_what_the_next_request_gets(world: World, signed_in: SignedIn) -> None:
    issued = world.personal_key(hourly_limit=2)
    path, browser = f"/dashboard/keys/{issued.key.id}", signed_in(world.admin.account)
    assert "This hour, of the key 2 of 2" in text_of(browser.get(path))
    assert world.call("GET", "/v1/me", issued.raw_key).status == 200
    for _ in range(2):
        assert "This hour, of the key 1 of 2" in text_of(browser.get(path)), "looking spends nothing"


def test_a_rotation_shows_both_keys(world: World, signed_in: SignedIn) -> None:
    old = world.personal_key(name="Robot").key
    new = world.rotate(old).key
    browser = signed_in(world.admin.account)
    for key in (old, new):
        page = text_of(browser.get(f"/dashboard/keys/{key.id}"))
        assert all(f"{one.key_prefix}…{one.key_suffix}" in page for one in (old, new))
        assert "End the grace now" in page


def test_what_was_done_with_the_key_is_told_to_who_may_know(world: World, signed_in: SignedIn) -> None:
    key = world.portal_key(world.member).key
    world.change_key(key, name="another")
    mine, others = (
        text_of(signed_in(tenant.account).get(f"/dashboard/keys/{key.id}"))
        for tenant in (world.member, world.admin)
    )
    assert "by an operator" in mine
    assert mine.index("Key changed") < mine.index("Key made")
    assert "Nothing that this account is told of." in others


def test_a_question_is_answered_by_every_check(world: World, signed_in: SignedIn) -> None:
    key = world.personal_key(ip_whitelist=["192.0.2.0/24"]).key
    browser, path = signed_in(world.admin.account), f"/dashboard/keys/{key.id}/explain"
    form = text_of(browser.get(path))
    assert "See the checks" in form
    assert ADDRESS in browser.get(path).body.decode()

    asked = {"address": "192.0.2.9", "method": "GET", "path": "/api/v1/activity?page=2"}
    allowed = text_of(browser.post(path, asked))
    refused = text_of(browser.post(path, {**asked, "address": "198.51.100.1"}))
    assert "This call would be let in." in allowed
    assert "403 IP_NOT_ALLOWED" in refused
    assert "The address is in the whitelist refused" in refused
    assert "Address: 198.51.100.1" in refused
    assert "No limit is used up not reached" in refused
    assert "This path needs no key" in text_of(browser.post(path, {**asked, "path": "/docs"}))


def test_a_question_spends_nothing(world: World, signed_in: SignedIn) -> None:
    key = world.personal_key().key
    browser, path = signed_in(world.admin.account), f"/dashboard/keys/{key.id}/explain"
    before = Event.select().count()
    browser.post(path, {"address": "192.0.2.9", "method": "GET", "path": "/v1/me"})
    record(world.service)
    assert Event.select().count() == before
    assert not UsageKey.select().where(UsageKey.key_id == key.id).exists()


def test_every_check_has_a_name() -> None:
    assert tuple(CHECKS) == CHECKS_THAT_ARE_MADE


def test_400_for_a_question_that_is_none_keeps_what_was_typed(world: World, signed_in: SignedIn) -> None:
    key = world.personal_key().key
    answer = signed_in(world.admin.account).post(
        f"/dashboard/keys/{key.id}/explain", {"address": "home", "method": "GET", "path": "v1 me"}
    )
    body = answer.body.decode()
    assert answer.status == 400
    assert 'value="home"' in body
    assert 'aria-invalid="true"' in body
    assert "Not an IPv4 or IPv6 address." in text_of(answer)


def test_a_raw_key_in_a_question_is_found_and_not_told(world: World, signed_in: SignedIn) -> None:
    issued = world.personal_key()
    asked = {"address": "192.0.2.9", "method": "GET", "path": f"/v1/me?key={issued.raw_key}"}
    answer = signed_in(world.admin.account).post(f"/dashboard/keys/{issued.key.id}/explain", asked)
    assert "400 KEY_IN_URL" in text_of(answer)
    assert issued.raw_key not in answer.body.decode()


def test_htmx_is_given_the_form_and_the_answer_alone(world: World, signed_in: SignedIn) -> None:
    key = world.personal_key().key
    asked = {"address": "192.0.2.9", "method": "GET", "path": "/v1/me"}
    answer = signed_in(world.admin.account).post(f"/dashboard/keys/{key.id}/explain", asked, headers=PART)
    assert "<html" not in answer.body.decode()
    assert "This call would be let in." in text_of(answer)


@pytest.mark.parametrize("probe", PROBES)
def test_what_people_typed_comes_out_as_text(world: World, signed_in: SignedIn, probe: str) -> None:
    key = world.personal_key(name=probe).key
    browser = signed_in(world.admin.account)
    asked = {"address": probe, "method": probe, "path": "/" + probe}
    for answer in (
        browser.get(f"/dashboard/keys/{key.id}"),
        browser.post(f"/dashboard/keys/{key.id}/explain", asked),
    ):
        assert probe in text_of(answer) or "<" in probe
        assert "<script>alert" not in answer.body.decode()
        assert "<img" not in answer.body.decode()


@pytest.mark.parametrize("status", ["RESTRICTED", "SUSPENDED"])
def test_an_account_that_may_change_nothing_sees_it_all(
    world: World, signed_in: SignedIn, status: str
) -> None:
    key = world.personal_key().key
    world.change_account(world.admin, status=status)
    browser = signed_in(world.admin.account)
    page = text_of(browser.get(f"/dashboard/keys/{key.id}"))
    assert "Change settings" not in page
    asked = {"address": "192.0.2.9", "method": "POST", "path": "/api/v1/prompts"}
    assert f"403 ACCOUNT_{status}" in text_of(browser.post(f"/dashboard/keys/{key.id}/explain", asked))
