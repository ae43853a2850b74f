"""Accounts, as operators see and change them."""

from __future__ import annotations

import html
import re

import pytest

from app.ledger import Actor
from app.models import Account, Audit, Event, Key, Session, new_id
from tests.api.world import UNKNOWN_ID, Answer, Tenant, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.conftest import SignedIn
from tests.dashboard.pages_of_keys import codes, text_of
from tests.dashboard.test_pages import PART

ACCOUNTS = "/dashboard/operator/accounts"
FEEDBACK = "vibe:mgmt:feedback"
PASSWORD = "correct horse battery"


def path_of(tenant: Tenant, rest: str = "") -> str:
    return f"{ACCOUNTS}/{tenant.account.id}{rest}"


def as_is(tenant: Tenant) -> Account:
    found: Account = Account.get_by_id(tenant.account.id)
    return found


def save(operator: Browser, tenant: Tenant, /, **fields: str) -> Answer:
    return operator.post(path_of(tenant), {"tier": "pro", "hourlyLimit": "", "status": "ACTIVE", **fields})


def emails(operator: Browser, query: str) -> list[str]:
    page = operator.get(f"{ACCOUNTS}?{query}")
    assert page.status == 200
    return re.findall(rf'<a href="{ACCOUNTS}/[0-9a-f-]{{36}}">([^<]+)</a>', page.body.decode())


# --- who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rest",
    ["", "/new", "/{id}", "/{id}/keys", "/{id}/revoke-keys", "/../audit", "/../health"],
)
def test_404_for_others_as_for_unknown_pages(
    world: World, operator: Browser, signed_in: SignedIn, rest: str
) -> None:
    path = f"{ACCOUNTS}{rest}".format(id=world.member.account.id).replace("/accounts/..", "")
    assert operator.get(path).status == 200
    other = signed_in(world.admin.account)
    theirs, unknown = other.get(path), other.get("/dashboard/nothing")
    assert theirs.status == unknown.status == 404
    assert text_of(theirs) == text_of(unknown)


@pytest.mark.parametrize(
    "path",
    [
        "accounts/new",
        "accounts/{id}",
        "accounts/{id}/password",
        "accounts/{id}/sessions/end",
        "accounts/{id}/revoke-keys",
        "accounts/{id}/keys/{id}/feedback",
        "audit/verify",
        "health",
    ],
)
def test_404_for_what_others_post_and_nothing_is_changed(
    world: World, signed_in: SignedIn, path: str
) -> None:
    browser, rows = signed_in(world.admin.account), None
    browser.csrf_token()
    rows = world.service.rows()
    fields = {"status": "SUSPENDED", "confirm": world.member.account.email, "password": PASSWORD}
    answer = browser.post(f"/dashboard/operator/{path.format(id=world.member.account.id)}", fields)
    assert answer.status == 404
    assert world.service.rows() == rows


@pytest.mark.parametrize("rest", ["", "/keys", "/revoke-keys"])
def test_404_for_an_account_that_there_is_not(operator: Browser, rest: str) -> None:
    for id in (UNKNOWN_ID, "x"):
        assert operator.get(f"{ACCOUNTS}/{id}{rest}").status == 404


def test_a_suspended_operator_sees_nothing_of_others(
    world: World, tenant: Tenant, signed_in: SignedIn
) -> None:
    person = world.new_tenant(operator=True)
    browser = signed_in(person.account)
    world.change_account(person, status="SUSPENDED")
    assert browser.get(path_of(tenant)).status == 404
    assert save(browser, tenant, status="SUSPENDED").status == 404
    assert as_is(tenant).status == "ACTIVE"


def test_a_restricted_operator_sees_all_and_changes_nothing(
    world: World, tenant: Tenant, signed_in: SignedIn
) -> None:
    person = world.new_tenant(operator=True)
    browser = signed_in(person.account)
    world.change_account(person, status="RESTRICTED")
    page = browser.get(path_of(tenant))
    assert page.status == 200
    assert ">Save<" not in page.body.decode()
    assert save(browser, tenant, status="SUSPENDED").status == 403
    assert as_is(tenant).status == "ACTIVE"


# --- the list -----------------------------------------------------------------------------------


def test_the_list_is_searched_narrowed_and_sorted(world: World, operator: Browser) -> None:
    word = new_id(0)[-8:]
    for number, fields in enumerate(
        (
            {"tier": "free"},
            {"tier": "enterprise", "hourly_limit": None, "operator": True},
            {"tier": "pro", "status": "SUSPENDED"},
        )
    ):
        world.services.accounts.create(Actor("cli"), f"{number}-{word}@example.test", **fields)
    free, enterprise, pro = (f"{number}-{word}@example.test" for number in range(3))

    def found(query: str) -> list[str]:
        return emails(operator, f"search={word.upper()}{query}")

    assert sorted(found("")) == [free, enterprise, pro]
    assert found("&sort=email") == [free, enterprise, pro]
    assert found("&sort=-email") == [pro, enterprise, free]
    assert found("&tier=free") == [free]
    assert found("&status=SUSPENDED") == [pro]
    assert found("&operator=yes") == [enterprise]
    assert found("&operator=no&sort=email") == [free, pro]
    assert found("&tier=none&sort=email") == [free, enterprise, pro]
    assert emails(operator, "search=%25%25") == []


def test_htmx_gets_the_rows_alone(operator: Browser, tenant: Tenant) -> None:
    part = operator.get(f"{ACCOUNTS}?search={tenant.account.email}&tier=", headers=PART).body.decode()
    assert tenant.account.email in part
    assert "<html" not in part


def test_ten_thousand_accounts_are_counted_once_and_read_page_by_page(
    world: World, operator: Browser
) -> None:
    now_ms, word = int(world.service.clock.now * 1000), new_id(0)[-8:]
    fields = {"tier": "free", "status": "ACTIVE", "is_operator": False, "created_at": now_ms, "revision": 1}
    rows = [{"id": new_id(now_ms), "email": f"{n:05}-{word}@many.test", **fields} for n in range(10_000)]
    try:
        for start in range(0, len(rows), 2_000):
            Account.insert_many(rows[start : start + 2_000]).execute()
        assert emails(operator, f"search={word}&sort=email&page=200")[-1] == f"09999-{word}@many.test"
        assert "9,951–10,000 of 10,000" in text_of(operator.get(f"{ACCOUNTS}?search={word}&page=200"))
    finally:
        Account.delete().where(Account.email.endswith("@many.test")).execute()


# --- a new one ----------------------------------------------------------------------------------


def test_an_account_is_made_and_signs_in(world: World, operator: Browser) -> None:
    email = f"{new_id(0)}@example.test"
    answer = operator.post(
        f"{ACCOUNTS}/new",
        {"email": f" {email.upper()} ", "tier": "enterprise", "hourlyLimit": "5000", "password": PASSWORD},
    )
    account = Account.get(Account.email == email)
    assert (answer.status, answer.headers["Location"]) == (303, f"{ACCOUNTS}/{account.id}")
    assert (account.tier, account.hourly_limit, account.is_operator) == ("enterprise", 5_000, False)
    assert Browser(world.service).sign_in(email, PASSWORD).status == 303
    row = Audit.get(Audit.action == "account.created", Audit.target_id == account.id)
    assert row.actor_kind == "account"
    assert Event.get(Event.account == account, Event.type == "account.created").by == "operator"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"email": "nobody"}, "Must be an e-mail address."),
        ({"tier": "gold"}, "Must be one of free, pro, enterprise."),
        ({"tier": "enterprise"}, "Must be a number, or the word none for no limit."),
        ({"tier": "enterprise", "hourlyLimit": "-1"}, "Must be a number"),
        ({"tier": "enterprise", "hourlyLimit": "0"}, "Must be from 1 to"),
        ({"tier": "enterprise", "hourlyLimit": "9" * 10}, "Must be from 1 to"),
        ({"tier": "enterprise", "hourlyLimit": "9" * 5_000}, "Must be a number"),
        ({"hourlyLimit": "5"}, "only enterprise has its own"),
        ({"password": "short"}, "Must have 8 to 1024 characters."),
    ],
)
def test_400_keeps_what_was_typed_but_the_password(
    operator: Browser, fields: dict[str, str], says: str
) -> None:
    email = f"{new_id(0)}@example.test"
    answer = operator.post(
        f"{ACCOUNTS}/new", {"email": email, "tier": "free", "password": PASSWORD, **fields}
    )
    page = html.unescape(answer.body.decode())
    assert answer.status == 400
    assert says in page
    assert f'value="{fields.get("email", email)}"' in page
    assert PASSWORD not in page
    assert not Account.select().where(Account.email == email).exists()


def test_400_for_an_email_that_has_an_account(operator: Browser, tenant: Tenant) -> None:
    answer = operator.post(f"{ACCOUNTS}/new", {"email": tenant.account.email, "tier": "free"})
    assert answer.status == 400
    assert "There is an account with this address already." in answer.body.decode()


# --- tier and standing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"), [("SUSPENDED", "ACCOUNT_SUSPENDED"), ("ACTIVE", "OK"), ("RESTRICTED", "OK")]
)
def test_a_status_is_in_force_in_the_very_next_request(
    world: World, operator: Browser, tenant: Tenant, status: str, code: str
) -> None:
    raw_key = world.portal_key(world.admin).raw_key
    assert codes(world, raw_key) == ["OK"]
    assert save(operator, world.admin, status=status).status == 303
    assert codes(world, raw_key) == [code]
    page = operator.get(path_of(world.admin)).body.decode()
    assert f'value="{status}" checked' in page
    assert save(operator, world.admin).status == 303
    assert codes(world, raw_key) == ["OK"]


@pytest.mark.parametrize(
    ("tier", "typed", "limit"),
    [
        ("enterprise", "70000", 70_000),
        ("enterprise", " None ", None),
        ("free", "", None),
        ("pro", "none", None),
    ],
)
def test_a_tier_with_its_limit(
    operator: Browser, tenant: Tenant, tier: str, typed: str, limit: int | None
) -> None:
    assert save(operator, tenant, tier=tier, hourlyLimit=typed).status == 303
    assert (as_is(tenant).tier, as_is(tenant).hourly_limit) == (tier, limit)
    shown = "none" if limit is None else limit
    page = operator.get(path_of(tenant)).body.decode()
    assert (f'name="hourlyLimit" type="text" value="{shown}"' in page) == (tier == "enterprise")


def test_400_for_an_enterprise_account_whose_limit_was_taken_out(operator: Browser, tenant: Tenant) -> None:
    save(operator, tenant, tier="enterprise", hourlyLimit="70000")
    answer = save(operator, tenant, tier="enterprise", hourlyLimit="")
    assert answer.status == 400
    assert "Must be a number, or the word none for no limit." in answer.body.decode()
    assert as_is(tenant).hourly_limit == 70_000


@pytest.mark.parametrize(
    "fields", [{"status": "GONE"}, {"tier": "gold"}, {"tier": "free", "hourlyLimit": "7"}]
)
def test_400_for_what_there_is_not(operator: Browser, tenant: Tenant, fields: dict[str, str]) -> None:
    answer = save(operator, tenant, **fields)
    assert answer.status == 400
    assert 'class="wrong"' in answer.body.decode()
    assert (as_is(tenant).tier, as_is(tenant).status) == ("pro", "ACTIVE")


def test_who_is_made_an_operator_is_one_at_once_and_until_it_is_taken_away(
    operator: Browser, tenant: Tenant, signed_in: SignedIn
) -> None:
    theirs = signed_in(tenant.account)
    save(operator, tenant, operator="yes")
    assert theirs.get(ACCOUNTS).status == 200
    save(operator, tenant)
    assert theirs.get(ACCOUNTS).status == 404


@pytest.mark.parametrize(
    ("fields", "place"), [({}, "operator"), ({"operator": "yes", "status": "SUSPENDED"}, "status")]
)
def test_the_last_operator_can_not_lock_everybody_out(
    world: World, signed_in: SignedIn, fields: dict[str, str], place: str
) -> None:
    person = world.new_tenant(operator=True)
    others = list(Account.select().where(Account.is_operator, Account.id != person.account.id))
    Account.update(is_operator=False).where(Account.id.in_(others)).execute()
    browser = signed_in(person.account)
    answer = save(browser, person, **fields)
    assert answer.status == 400
    assert f'<a href="#{place}">' in answer.body.decode()
    assert "You are the only operator who can act." in answer.body.decode()
    assert as_is(person).is_operator

    world.new_tenant(operator=True)
    assert save(browser, person, **fields).status == 303
    assert browser.get(ACCOUNTS).status == 404


# --- signing in ---------------------------------------------------------------------------------


def test_a_new_password_signs_in_and_ends_the_sessions(
    world: World, operator: Browser, tenant: Tenant, signed_in: SignedIn
) -> None:
    theirs = signed_in(tenant.account)
    answer = operator.post(path_of(tenant, "/password"), {"password": PASSWORD})
    assert answer.status == 303
    assert theirs.get("/dashboard").status == 303
    assert Browser(world.service).sign_in(tenant.account.email, PASSWORD).status == 303
    row = Audit.select().where(Audit.action == "account.changed", Audit.target_id == tenant.account.id)
    assert row.order_by(Audit.seq.desc()).get().after == '{"password":"changed"}'


def test_400_for_a_password_that_is_too_short(operator: Browser, tenant: Tenant) -> None:
    answer = operator.post(path_of(tenant, "/password"), {"password": "short-1"})
    assert answer.status == 400
    assert "Must have 8 to 1024 characters." in answer.body.decode()
    assert "short-1" not in answer.body.decode()


def test_all_sessions_are_ended_but_the_own_one(
    operator: Browser, tenant: Tenant, signed_in: SignedIn, world: World
) -> None:
    theirs = [signed_in(tenant.account), signed_in(tenant.account)]
    assert "signed in with 2 browsers" in text_of(operator.get(path_of(tenant)))
    assert operator.post(path_of(tenant, "/sessions/end")).status == 303
    assert "2 sessions were ended." in text_of(operator.get(path_of(tenant)))
    assert [browser.get("/dashboard").status for browser in theirs] == [303, 303]
    ended = Event.select().where(Event.account == tenant.account, Event.type == "session.ended")
    assert {event.by for event in ended} == {"operator"}

    person = world.new_tenant(operator=True)
    own, another = signed_in(person.account), signed_in(person.account)
    assert own.post(path_of(person, "/sessions/end")).status == 303
    assert (own.get("/dashboard").status, another.get("/dashboard").status) == (200, 303)
    assert Session.select().where(Session.account == person.account).count() == 1


# --- keys ---------------------------------------------------------------------------------------


def test_the_keys_of_an_account_are_listed_and_those_of_no_other(
    world: World, operator: Browser, tenant: Tenant
) -> None:
    own, foreign = world.personal_key(tenant, name="Own one"), world.personal_key(name="Foreign one")
    text = text_of(operator.get(path_of(tenant, "/keys")))
    assert f"Own one {own.key.key_prefix}…{own.key.key_suffix}" in text
    assert "Foreign one" not in text
    assert own.raw_key not in text
    narrowed = operator.get(path_of(tenant, "/keys?type=management"), headers=PART).body.decode()
    assert "Own one" not in narrowed
    assert foreign.key.key_prefix not in narrowed


def test_all_keys_are_revoked_at_once_when_the_email_was_typed(
    world: World, operator: Browser, tenant: Tenant
) -> None:
    raw_keys = [tenant.management_key, world.personal_key(tenant).raw_key]
    path = path_of(tenant, "/revoke-keys")
    assert "2 keys of" in text_of(operator.get(path))
    refused = operator.post(path, {"confirm": "somebody@else.test"})
    assert refused.status == 400
    assert "This is not its e-mail." in refused.body.decode()
    assert not Key.select().where(Key.owner == tenant.account, Key.revoked).exists()

    assert operator.post(path, {"confirm": f" {tenant.account.email.upper()} "}).status == 303
    assert codes(world, *raw_keys) == ["KEY_REVOKED"] * 2
    assert "2 keys were revoked." in text_of(operator.get(path_of(tenant, "/keys")))


def test_the_feedback_scope_is_granted_and_withdrawn(world: World, operator: Browser, tenant: Tenant) -> None:
    key = Key.get(Key.owner == tenant.account, Key.type == "management")
    path = path_of(tenant, f"/keys/{key.id}/feedback")

    def answer() -> int:
        return world.service.call("GET", "/v1/feedback", tenant.management_key).status

    assert answer() == 403
    assert operator.post(path, {"grant": "yes"}).status == 303
    assert answer() == 200
    assert Key.get_by_id(key.id).scopes == [*key.scopes, FEEDBACK]
    assert operator.post(path, {"grant": "yes"}).status == 303
    assert operator.post(path).status == 303
    assert answer() == 403
    assert Key.get_by_id(key.id).scopes == key.scopes


def test_400_rather_than_a_key_without_a_scope(world: World, operator: Browser, tenant: Tenant) -> None:
    key = world.issue("management", tenant.account, scopes=[FEEDBACK]).key
    assert "its only scope" in text_of(operator.get(path_of(tenant, "/keys")))
    assert operator.post(path_of(tenant, f"/keys/{key.id}/feedback")).status == 400
    assert Key.get_by_id(key.id).scopes == [FEEDBACK]


def test_404_for_the_feedback_scope_of_another_key(world: World, operator: Browser, tenant: Tenant) -> None:
    foreign = Key.get(Key.owner == world.admin.account, Key.type == "management")
    personal = world.personal_key(tenant).key
    for key_id in (foreign.id, personal.id, UNKNOWN_ID, "x"):
        answer = operator.post(path_of(tenant, f"/keys/{key_id}/feedback"), {"grant": "yes"})
        assert answer.status == 404


# --- what is typed ------------------------------------------------------------------------------


@pytest.mark.parametrize("probe", PROBES)
def test_what_is_typed_is_shown_as_text(world: World, operator: Browser, tenant: Tenant, probe: str) -> None:
    world.personal_key(tenant, name=probe)
    fields = dict.fromkeys(("email", "tier", "hourlyLimit", "status", "operator", "confirm"), probe)
    pages = [
        operator.post(f"{ACCOUNTS}/new", fields),
        operator.post(path_of(tenant), fields),
        operator.post(path_of(tenant, "/revoke-keys"), fields),
        operator.get(path_of(tenant, "/keys")),
        operator.get(ACCOUNTS, query_string={"search": probe}),
    ]
    for page in pages:
        text = page.body.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert ">49<" not in text
        assert 'value="49"' not in text
