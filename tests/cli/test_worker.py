from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from peewee import OperationalError
from structlog.testing import capture_logs

from app import audit, hooks
from app.alerts.watch import AlertWatch
from app.config import Config
from app.errors import ApiError
from app.idempotency import KEPT_MS, IdempotencyStore, fingerprint
from app.ledger import Actor
from app.mail.delivery import Delivery
from app.models import Account, Event, Hook, HookRoom, Idempotency, Mail, UsageHour, WebhookCall, new_id
from app.services import Services
from app.wiring import open_services
from app.worker import HEAD_SECONDS, Aside, AuditHead, Chore, alone, tidy, work
from gateway.usage_table import UsageTable
from tests.cli.terminal import Terminal
from tests.db.statements import steps_of
from tests.serve.processes import PATIENCE

START = 1_700_000_000.0
DAY_MS = 24 * 3_600_000


@pytest.fixture
def services(terminal: Terminal, tmp_path: Path) -> Iterator[Services]:
    """What a worker has."""
    terminal.account()
    config = Config.from_env({"DATABASE_URL": f"sqlite:///{tmp_path}/vibekeys.db"})
    opened = open_services(config, lambda: START, redis="none")
    yield opened
    opened.close()


@pytest.fixture
def every_line() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0))
    yield
    structlog.reset_defaults()


def test_kept_answers_are_removed_once_they_have_expired(services: Services) -> None:
    keep_answers(services, ages_ms=[0, KEPT_MS - 1, KEPT_MS, 2 * KEPT_MS])

    tidy(services)

    assert Idempotency.select().count() == 2


def test_a_heap_of_expired_answers_is_removed_in_one_turn(services: Services) -> None:
    rows = [
        {"id": str(number), "fingerprint": "", "attempt": "", "started_at": number} for number in range(1_700)
    ]
    with services.db.atomic():
        Idempotency.insert_many(rows).execute()

    tidy(services)

    assert Idempotency.select().count() == 0


def test_mails_that_were_sent_are_removed_after_a_week_and_others_never(services: Services) -> None:
    now, week = int(START * 1000), 7 * 24 * 3_600_000
    sent = (now, now - week + 1, now - week, now - 2 * week)
    put_mails(services, *({"sent_at": at} for at in sent), {"failed_at": now - 2 * week}, {})

    tidy(services)

    assert sorted(mail.sent_at or 0 for mail in Mail.select()) == [0, 0, now - week + 1, now]


def test_mails_that_found_no_server_are_removed_after_thirty_days(
    services: Services, every_line: None
) -> None:
    now, days = int(START * 1000), 24 * 3_600_000
    resting = {"next_attempt_at": None}
    put_mails(services, *({**resting, "created_at": now - age * days} for age in (29, 30, 31)))
    put_mails(services, {"created_at": now - 31 * days})
    put_mails(services, {**resting, "failed_at": now, "created_at": now - 31 * days})

    with capture_logs() as lines:
        tidy(services)
        tidy(services)

    assert sorted((now - mail.created_at) // days for mail in Mail.select()) == [29, 31, 31]
    assert [line["mails"] for line in lines if line["event"] == "mail.rested_too_long"] == [2]


def test_calls_of_webhooks_are_removed_a_week_after_their_end_and_those_that_wait_never(
    services: Services,
) -> None:
    now, week = int(START * 1000), 7 * 24 * 3_600_000
    for ended_at in (now - week + 1, now - week):
        put_calls(services, 1, sent_at=ended_at)
        put_calls(services, 1, failed_at=ended_at)
    put_calls(services, 1, created_at=now - 2 * week, next_attempt_at=now)

    tidy(services)

    left = [call.sent_at or call.failed_at for call in WebhookCall.select()]
    assert sorted(left, key=str) == [now - week + 1, now - week + 1, None]


def test_to_tidy_costs_no_more_with_many_calls_of_webhooks_that_stay(services: Services) -> None:
    put_calls(services, 2, sent_at=int(START * 1000))
    put_calls(services, 2, failed_at=int(START * 1000))
    put_calls(services, 2, next_attempt_at=0)
    before = steps_of(services.db, lambda: tidy(services))
    for ended in ({"sent_at": int(START * 1000)}, {"failed_at": int(START * 1000)}, {"next_attempt_at": 0}):
        put_calls(services, 100, **ended)

    assert steps_of(services.db, lambda: tidy(services)) == before


def test_activity_is_kept_for_400_days(services: Services) -> None:
    now, account = int(START * 1000), Account.get()
    Event.delete().execute()
    for age in (0, 399, 400, 500):
        put_event(account, now - age * DAY_MS, "key.issued")

    tidy(services)

    assert sorted((now - event.created_at) // DAY_MS for event in Event.select()) == [0, 399]


def test_hooks_are_kept_for_90_days_and_so_is_what_activity_tells_of_them(services: Services) -> None:
    now, account = int(START * 1000), Account.get()
    Event.delete().execute()
    for age in (0, 89, 90, 91):
        put_hook(account, now - age * DAY_MS, "{}")
        put_event(account, now - age * DAY_MS, "key.issued")

    tidy(services)

    assert [(now - hook.created_at) // DAY_MS for hook in Hook.select()] == [0, 89]
    told = Event.select().where(Event.type == "hook.cursor-ide")
    assert {event.target_id for event in told} == {hook.id for hook in Hook.select()}
    assert Event.select().where(Event.type == "key.issued").count() == 4
    assert room() == {account.id: 2 * (2 + 1024)}


def test_of_one_account_s_hooks_the_newest_are_kept_as_far_as_there_is_room(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "ROOM_BYTES", 10 * 2024)
    monkeypatch.setattr(hooks, "_REMOVED_AT_ONCE", 3)
    now, much = int(START * 1000), Account.get()
    little = Account.create(**{**much.__data__, "id": new_id(now), "email": "little@example.com"})
    kept = [put_hook(much, now - age, "x" * 1000).id for age in range(25)][:10]
    other = put_hook(little, now - 1000, "y" * 1000).id

    tidy(services)

    assert {hook.id for hook in Hook.select()} == {*kept, other}
    assert room() == {much.id: 10 * 2024, little.id: 2024}
    told = Event.select().where(Event.type == "hook.cursor-ide")
    assert {event.target_id for event in told} == {*kept, other}


def room() -> dict[str, int]:
    return {room.account_id: room.bytes for room in HookRoom.select()}


def put_hook(account: Account, created_at: int, payload: str) -> Hook:
    hook = Hook.create(
        id=new_id(created_at),
        account=account,
        key_id="k",
        tool="cursor-ide",
        event_name="stop",
        session_id="s",
        payload=payload,
        created_at=created_at,
    )
    put_event(account, created_at, "hook.cursor-ide", hook.id)
    return hook


def put_event(account: Account, created_at: int, type: str, target_id: str = "t") -> None:
    Event.create(
        id=new_id(created_at),
        account=account,
        created_at=created_at,
        type=type,
        by="account",
        target_kind=type.partition(".")[0],
        target_id=target_id,
    )


def test_only_one_worker_of_a_host_sends_mail(services: Services, tmp_path: Path) -> None:
    put_mails(services, {})
    delivery = Delivery.from_config(services.config, services.db, services.clock)
    with (tmp_path / "mail.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        alone(services, "mail", delivery.deliver)
        assert Mail.get().next_attempt_at is not None

    alone(services, "mail", delivery.deliver)

    assert Mail.get().next_attempt_at is None


def test_only_one_worker_of_a_host_tidies(services: Services, tmp_path: Path) -> None:
    keep_answers(services, ages_ms=[KEPT_MS])
    with (tmp_path / "worker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        alone(services, "worker", lambda: tidy(services))
        assert Idempotency.select().count() == 1

    alone(services, "worker", lambda: tidy(services))

    assert Idempotency.select().count() == 0


def test_it_ends_at_once_when_it_is_told_to(services: Services) -> None:
    keep_answers(services, ages_ms=[KEPT_MS])
    stop = threading.Event()
    stop.set()

    assert work(services, stop.wait) is True
    assert Idempotency.select().count() == 1


def test_it_begins_at_once_and_then_waits_until_something_is_due_again(services: Services) -> None:
    keep_answers(services, ages_ms=[KEPT_MS])
    waits: list[float] = []

    def stopped(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 3

    work(services, stopped)

    assert waits[0] == 0
    assert all(0 < seconds <= HEAD_SECONDS for seconds in waits[1:])
    assert Idempotency.select().count() == 0


def test_alerts_are_looked_for_once_what_was_counted_without_a_worker_is_stored(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, stored = UsageTable(services.config.state_dir), []
    table.count("a key", "a lineage", "192.0.2.1", START)
    table.close()
    looked = threading.Event()

    def look(_: AlertWatch) -> None:
        stored.append(UsageHour.select().count())
        looked.set()

    monkeypatch.setattr(AlertWatch, "look", look)
    work(services, lambda seconds: looked.wait(min(seconds, 0.1)))
    assert stored == [1]


@pytest.mark.parametrize(
    "error", [ApiError("DATABASE_UNAVAILABLE"), OperationalError("away"), OSError("away")]
)
def test_a_chore_that_fails_says_so_once_and_once_that_it_works_again(
    every_line: None, error: Exception
) -> None:
    outcomes = iter([error, error, error, None, None, error])

    def do() -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    chore = Chore("tidy", 1.0, do)
    with capture_logs() as lines:
        for second in range(6):
            chore.do_if_due(float(second))

    assert [line["event"] for line in lines] == [
        "worker.chore_fails",
        "worker.chore_works_again",
        "worker.chore_fails",
    ]


def test_a_chore_is_done_when_it_is_due_and_not_before() -> None:
    done: list[float] = []
    chore = Chore("tidy", 60.0, lambda: done.append(now))

    for now in (0.0, 1.0, 59.9, 60.0, 61.0, 130.0):
        chore.do_if_due(now)

    assert done == [0.0, 60.0, 130.0]
    assert chore.due_in(131.0) == 59.0
    assert chore.due_in(200.0) == 0.0


def test_a_fault_of_the_program_is_not_swallowed() -> None:
    def do() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Chore("publish", 1.0, do).do_if_due(0.0)


def test_it_survives_a_database_that_is_away(services: Services, every_line: None) -> None:
    services.db.close()
    services.db.init(str(services.config.database_path) + ".gone")

    def fails() -> list[str]:
        return sorted(line["chore"] for line in lines if line["event"] == "worker.chore_fails")

    def stopped(seconds: float) -> bool:
        time.sleep(min(seconds, 0.01))
        return (
            fails() == ["alerts", "audit", "mail", "old usage", "tidy", "webhooks"]
            or time.monotonic() > gives_up_at
        )

    gives_up_at = time.monotonic() + PATIENCE
    with capture_logs() as lines:
        work(services, stopped)

    assert fails() == ["alerts", "audit", "mail", "old usage", "tidy", "webhooks"]


def test_a_fault_of_the_program_in_a_thread_is_not_swallowed() -> None:
    finished = threading.Event()

    def do() -> None:
        raise ZeroDivisionError

    aside = Aside(Chore("mail", 1.0, do), finished.set)
    aside.keep_going()
    assert finished.wait(PATIENCE)

    with pytest.raises(ZeroDivisionError):
        aside.keep_going()


def test_a_thread_ends_between_two_turns() -> None:
    done, finished = threading.Event(), threading.Event()
    aside = Aside(Chore("mail", 3_600.0, done.set), finished.set)
    aside.keep_going()
    assert done.wait(PATIENCE)
    aside.keep_going()
    aside.tell_to_end()
    aside.wait_for_end(time.monotonic() + PATIENCE)

    assert finished.is_set()


def test_the_newest_audit_row_is_logged_when_there_is_one_and_once(
    services: Services, every_line: None
) -> None:
    head, heads = AuditHead(), []
    for email in ("grace@example.com", None, None, "edsger@example.com"):
        if email is not None:
            services.accounts.create(Actor("cli"), email)
        heads.append(audit.head())
        with capture_logs() as lines:
            head.note()
        assert len(lines) == (email is not None)
    assert [(line["event"], line["seq"], line["mac"]) for line in lines] == [("audit.head", *heads[-1])]
    assert audit.verify(services.secrets, heads[-1]).broken is None


def put_mails(services: Services, *mails: dict[str, int]) -> None:
    """Mails that begin as the outbox has them, and differ in what is given."""
    plain = {"kind": "k", "ref": "r", "recipient": "ada@example.com", "subject": "s", "body": "b"}
    now = int(START * 1000)
    due = {"created_at": now, "next_attempt_at": now}
    with services.db.atomic():
        for values in mails:
            Mail.create(id=new_id(now), attempts=0, **{**plain, **due, **values})


def put_calls(services: Services, count: int, **fields: int) -> None:
    """Calls of the account's webhook, made or waiting."""
    account_id, now = Account.get().id, int(START * 1000)
    plain = {"account": account_id, "body": "{}", "created_at": now, "attempts": 0}
    with services.db.atomic():
        for _ in range(count):
            WebhookCall.create(id=new_id(now), **{**plain, **fields})


def keep_answers(services: Services, ages_ms: list[int]) -> None:
    for number, age_ms in enumerate(ages_ms):
        store = IdempotencyStore(services.db, lambda age_ms=age_ms: START - age_ms / 1000)  # type: ignore[misc]
        store.begin("vxk_caller", f"call {number}", fingerprint("POST", "/v1/keys", b"{}"))
