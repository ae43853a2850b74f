"""The audit log, as operators read and check it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from markupsafe import escape

from app import audit
from app.db import writing
from app.ledger import Actor
from app.models import Audit, new_id
from tests.api.world import Answer, Service, Tenant, World
from tests.dashboard.browser import ADDRESS, PROBES, Browser
from tests.dashboard.conftest import SignedIn
from tests.dashboard.pages_of_keys import text_of
from tests.dashboard.test_pages import PART

AUDIT = "/dashboard/operator/audit"
HOUR_MS = 3_600_000


@pytest.fixture
def aside(service: Service) -> Iterator[None]:
    """An empty log, to be tampered with; the true one is back when the test is over."""
    db = service.services.db
    rows = list(Audit.select().order_by(Audit.seq).tuples())
    Audit.delete().execute()
    yield
    with writing(db):
        Audit.delete().execute()
        for at in range(0, len(rows), 1_000):  # SQLite bounds the values of one statement
            Audit.insert_many(rows[at : at + 1_000], fields=Audit._meta.sorted_fields).execute()


def write(service: Service, number: int, action: str = "portal.changed") -> None:
    with service.services.ledger.change(Actor("system")) as change:
        for place in range(number):
            change.audit(action, "portal", new_id(change.now_ms), {"name": f"was {place}"}, {"name": "is"})


def numbers(answer: Answer) -> list[int]:
    assert answer.status == 200
    found = re.findall(r'<tr>\s*<td class="number">(\d+)</td>', answer.body.decode())
    return [int(number) for number in found]


def newest() -> Audit:
    row: Audit = Audit.select().order_by(Audit.seq.desc()).get()
    return row


# --- reading ------------------------------------------------------------------------------------


def test_a_row_tells_who_did_what_from_where_and_what_is_different(
    world: World, operator: Browser, tenant: Tenant
) -> None:
    path = f"/dashboard/operator/accounts/{tenant.account.id}"
    operator.post(path, {"tier": "enterprise", "hourlyLimit": "7", "status": "SUSPENDED"})
    row = newest()
    text = text_of(operator.get(AUDIT))
    assert f"{row.seq} " in text
    assert f"account.changed of this account account {tenant.account.id}" in text
    assert f"from {ADDRESS}" in text
    assert "Tier: was pro → now enterprise" in text
    assert "Hourly limit: nothing → now 7" in text
    assert "Status: was ACTIVE → now SUSPENDED" in text


def test_rows_of_keys_name_the_key_by_which_it_was_done(world: World, operator: Browser) -> None:
    fields = {"portalId": world.portal.id, "name": "By a key", "scopes": ["crm"]}
    world.call("POST", "/v1/keys", json=fields)
    text = text_of(operator.get(f"{AUDIT}?action=key.issued"))
    assert f"by key {world.admin.management_key[:16]}"[:20] in text
    assert "Name: now By a key" in text
    assert "Scopes: now crm" in text


def test_the_newest_come_first_and_older_ones_page_by_page(
    service: Service, operator: Browser, aside: None
) -> None:
    write(service, 120)
    first = operator.get(AUDIT)
    assert numbers(first) == list(range(120, 70, -1))
    assert f'href="{AUDIT}?before=71" rel="next"' in first.body.decode()
    second = operator.get(f"{AUDIT}?before=71")
    assert numbers(second) == list(range(70, 20, -1))
    last = operator.get(f"{AUDIT}?before=21")
    assert numbers(last) == list(range(20, 0, -1))
    assert 'rel="next"' not in last.body.decode()
    assert f'href="{AUDIT}">Newest' in last.body.decode()


def test_rows_are_narrowed(world: World, operator: Browser, signed_in: SignedIn, tenant: Tenant) -> None:
    key = world.personal_key(tenant).key
    issued = newest().seq
    world.change_key(key, name="Another")
    changed = newest().seq
    signed_in(tenant.account)
    began = newest().seq
    at = newest().at
    since, until = ("2030-03-17T17:46", "2030-03-17T17:47") if at < 1_900_000_060_000 else (None, None)

    def found(query: str) -> list[int]:
        return numbers(operator.get(f"{AUDIT}?{query}"))

    assert found(f"target={key.id}") == [changed, issued]
    assert found(f"target=%20{key.id}&action=key.issued") == [issued]
    assert found(f"key={key.key_prefix}") == [changed, issued]
    assert found(f"account={tenant.account.email.upper()}") == [began]
    assert found(f"account={tenant.account.id}&kind=session") == [began]
    assert found(f"account={tenant.account.id}&kind=key") == []
    assert found("account=nobody@example.test") == []
    assert found(f"target={key.id}&since=2031-01-01T00:00") == []
    assert found(f"target={key.id}&until=2031-01-01T00:00") == [changed, issued]
    assert found(f"target={key.id}&until=2001-01-01T00:00Z") == []
    if since:
        assert found(f"target={key.id}&since={since}&until={until}") == [changed, issued]
    # An old bookmark shows the list.
    assert found(f"target={key.id}&since=once&before=x&action=none") == [changed, issued]


def test_where_nothing_fits_it_says_so(operator: Browser) -> None:
    assert "Nothing fits. Show all" in text_of(operator.get(f"{AUDIT}?target=nothing"))


def test_a_row_that_can_not_be_read_is_told(service: Service, operator: Browser, aside: None) -> None:
    write(service, 3)
    for flaw in ("no JSON", b"\xff"):
        service.services.db.execute_sql("UPDATE audit SET after = CAST(? AS TEXT) WHERE seq = 2", (flaw,))
        assert "somebody has tampered with it" in text_of(operator.get(AUDIT))


# --- checking -----------------------------------------------------------------------------------


def verdict(operator: Browser, **fields: str) -> Answer:
    return operator.post(f"{AUDIT}/verify", fields, headers=PART)


def test_an_unbroken_log_is_told_with_its_head(service: Service, operator: Browser, aside: None) -> None:
    write(service, 30)
    for answer in (operator.post(f"{AUDIT}/verify"), verdict(operator)):
        assert answer.status == 200
        assert f"30 rows, unbroken, head 30:{newest().mac}" in text_of(answer)
        assert "vibekeys audit verify --head" in text_of(answer)


def test_an_empty_log_is_unbroken(operator: Browser, aside: None) -> None:
    assert "0 rows, unbroken" in text_of(verdict(operator))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE audit SET after = NULL WHERE seq = 7", "Row 7 is broken:"),
        ("DELETE FROM audit WHERE seq = 7", "Row 7 is broken: the row is missing"),
        ("UPDATE audit SET seq = 0 WHERE seq = 7", "Row 1 is broken:"),
    ],
)
def test_the_first_broken_row_is_told(
    service: Service, operator: Browser, aside: None, statement: str, says: str
) -> None:
    write(service, 9)
    service.services.db.execute_sql(statement)
    text = text_of(verdict(operator))
    assert says in text
    assert "unbroken" not in text


def test_a_long_log_is_checked_bit_by_bit(
    service: Service, operator: Browser, aside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops_after(rows: int) -> None:
        """Let time be over after so many rows."""
        ticks = iter([0.0, *[0.0] * rows])
        monkeypatch.setattr(audit.time, "monotonic", lambda: next(ticks, 60.0))

    write(service, 30)
    stops_after(20)
    answer = verdict(operator)
    assert "20 of 30 rows are unbroken so far." in text_of(answer)
    (right,) = re.findall(r'name="right" value="(20:[0-9a-f]{64})"', answer.body.decode())
    assert 'hx-trigger="load, submit"' in answer.body.decode()
    monkeypatch.undo()

    # It is not read again what was right: a change there shows the next time.
    Audit.update(after=None).where(Audit.seq == 3).execute()
    assert "30 rows, unbroken" in text_of(verdict(operator, right=right))
    Audit.update(after=None).where(Audit.seq == 25).execute()
    assert "Row 25 is broken" in text_of(verdict(operator, right=right))
    assert "Row 3 is broken" in text_of(verdict(operator, right="nothing"))
    assert "Row 21 is broken" in text_of(verdict(operator, right="20:" + "0" * 64))


@pytest.mark.parametrize("probe", PROBES)
def test_what_others_have_typed_is_shown_as_text(
    world: World, operator: Browser, tenant: Tenant, probe: str
) -> None:
    world.personal_key(tenant, name=probe)
    query = dict.fromkeys(("action", "kind", "target", "account", "key", "since", "until", "before"), probe)
    for answer in (operator.get(AUDIT), operator.get(AUDIT, query_string=query)):
        text = answer.body.decode()
        assert answer.status == 200
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "now </span>49</ins>" not in text
    assert str(escape(probe)) in operator.get(AUDIT).body.decode()
