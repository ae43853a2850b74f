"""Lost answers: the same call again gets the same raw key, and never makes a second one."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from app.errors import ApiError
from app.idempotency import KEPT_MS, RUN_MS, Replay, Run, fingerprint
from app.keyring import Issued
from app.models import Account, Idempotency, Key
from gateway import keys
from gateway.source import SourceError
from tests.db.installation import Installation

CALLER = keys.mint("management")
REQUEST = fingerprint("POST", "/v1/keys", b'{"name": "n"}')


def _begin(
    installation: Installation, caller: str = CALLER, name: str = "one", asked: bytes = REQUEST
) -> Run:
    run = installation.idempotency.begin(caller, name, asked)
    assert isinstance(run, Run)
    return run


def _answered(installation: Installation, body: bytes = b"the answer") -> Run:
    run = _begin(installation)
    with installation.db.atomic("IMMEDIATE"):
        installation.idempotency.finish(run, 201, body)
    return run


def _code(installation: Installation, asked: bytes = REQUEST) -> str:
    with pytest.raises(ApiError) as refused:
        installation.idempotency.begin(CALLER, "one", asked)
    return refused.value.code


def test_a_repeat_gets_the_same_answer_for_24_hours(installation: Installation) -> None:
    _answered(installation)
    installation.clock.now += (KEPT_MS - 1) / 1000
    assert installation.idempotency.begin(CALLER, "one", REQUEST) == Replay(201, b"the answer")
    installation.clock.now += 0.001
    _begin(installation)


def test_who_may_not_begin_anything_can_recall(installation: Installation) -> None:
    def recall(caller: str = CALLER, name: str = "one", asked: bytes = REQUEST) -> Replay | None:
        return installation.idempotency.recall(caller, name, lambda: asked)

    run = _begin(installation)
    assert recall() is None
    with installation.db.atomic("IMMEDIATE"):
        installation.idempotency.finish(run, 201, b"the answer")
    before = list(Idempotency.select().tuples())
    installation.clock.now += (KEPT_MS - 1) / 1000
    assert recall() == Replay(201, b"the answer")
    assert recall(caller=keys.mint("management")) is recall(name="two") is None
    with pytest.raises(ApiError) as refused:
        recall(asked=b"")
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
    installation.clock.now += 0.001
    assert recall() is None
    assert list(Idempotency.select().tuples()) == before


def test_a_recall_from_a_database_that_is_away_is_none_of_no(installation: Installation) -> None:
    installation.db.execute_sql("DROP TABLE idempotency")
    with pytest.raises(SourceError):
        installation.idempotency.recall(CALLER, "one", lambda: REQUEST)


@pytest.mark.parametrize(
    "other",
    [
        fingerprint("POST", "/v1/keys", b'{"name": "m"}'),
        fingerprint("POST", "/v1/keys/1/rotate", b'{"name": "n"}'),
        fingerprint("PUT", "/v1/keys", b'{"name": "n"}'),
        b"",
    ],
)
@pytest.mark.parametrize("answered", [True, False])
def test_another_request_under_the_same_key_is_refused(
    installation: Installation, other: bytes, answered: bool
) -> None:
    _answered(installation) if answered else _begin(installation)
    assert _code(installation, other) == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize(("caller", "name"), [(keys.mint("management"), "one"), (CALLER, "two")])
def test_another_caller_or_another_key_is_another_run(
    installation: Installation, caller: str, name: str
) -> None:
    _answered(installation)
    _begin(installation, caller, name)


def test_a_running_call_is_waited_for_30_seconds_and_then_taken_over(installation: Installation) -> None:
    first = _begin(installation)
    installation.clock.now += RUN_MS / 1000 - 1.5
    with pytest.raises(ApiError) as refused:
        installation.idempotency.begin(CALLER, "one", REQUEST)
    assert (refused.value.code, refused.value.retry_after) == ("IDEMPOTENCY_IN_PROGRESS", 1)
    installation.clock.now += 1.5
    second = _begin(installation)
    assert second.attempt != first.attempt
    assert _code(installation) == "IDEMPOTENCY_IN_PROGRESS"


def test_an_abandoned_run_can_be_tried_again_at_once(installation: Installation) -> None:
    installation.idempotency.abandon(_begin(installation))
    _begin(installation)


def test_abandoning_forgets_neither_an_answer_nor_anothers_run(installation: Installation) -> None:
    first = _begin(installation)
    installation.clock.now += RUN_MS / 1000
    second = _begin(installation)
    installation.idempotency.abandon(first)
    assert _code(installation) == "IDEMPOTENCY_IN_PROGRESS"
    installation.idempotency.finish(second, 201, b"the answer")
    installation.idempotency.abandon(second)
    assert installation.idempotency.begin(CALLER, "one", REQUEST) == Replay(201, b"the answer")


@pytest.fixture
def owner(installation: Installation) -> Account:
    return installation.account()


def _issue(installation: Installation, owner: Account, run: Run, kill: bool = False) -> Issued:
    def keep(issued: Issued) -> None:
        installation.idempotency.finish(run, 201, issued.raw_key.encode())
        if kill:
            raise KeyboardInterrupt

    return installation.key(owner, before_commit=keep)


def test_key_and_answer_are_committed_together(installation: Installation, owner: Account) -> None:
    issued = _issue(installation, owner, _begin(installation))
    assert installation.idempotency.begin(CALLER, "one", REQUEST) == Replay(201, issued.raw_key.encode())


def test_a_run_that_dies_before_its_commit_leaves_neither_key_nor_answer(
    installation: Installation, owner: Account
) -> None:
    with pytest.raises(KeyboardInterrupt):
        _issue(installation, owner, _begin(installation), kill=True)
    assert not Key.select().exists()
    assert _code(installation) == "IDEMPOTENCY_IN_PROGRESS"
    installation.clock.now += RUN_MS / 1000
    _issue(installation, owner, _begin(installation))
    assert Key.select().count() == 1


def test_a_run_that_was_given_up_makes_no_second_key(installation: Installation, owner: Account) -> None:
    slow = _begin(installation)
    installation.clock.now += RUN_MS / 1000
    quick = _begin(installation)
    issued = _issue(installation, owner, quick)
    with pytest.raises(ApiError) as refused:
        _issue(installation, owner, slow)
    assert refused.value.code == "IDEMPOTENCY_IN_PROGRESS"
    assert [key.id for key in Key.select()] == [issued.key.id]


def test_nothing_in_the_database_shows_caller_key_request_or_answer(installation: Installation) -> None:
    run = _answered(installation, b"a raw key in clear")
    row = Idempotency.get()
    kept = f"{row.id} {row.fingerprint} {row.attempt} {bytes(row.answer)!r}"
    for secret in (CALLER, keys.digest(CALLER), "one", "/v1/keys", "a raw key in clear"):
        assert secret not in kept.split()
        assert secret.encode() not in bytes(row.answer)
    assert "sealing_key" not in repr(run)
    assert "the answer" not in repr(Replay(201, b"the answer"))


@pytest.mark.parametrize("column", ["answer", "status"])
def test_an_answer_that_was_tampered_with_is_not_replayed(installation: Installation, column: str) -> None:
    _answered(installation)
    Idempotency.update(**{column: {"answer": b"x" * 40, "status": 200}[column]}).execute()
    with pytest.raises(InvalidTag):
        installation.idempotency.begin(CALLER, "one", REQUEST)
