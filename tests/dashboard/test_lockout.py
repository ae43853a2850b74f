"""Too many failures: who is refused unheard, for how long, and who is not."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest

from app import sign_in
from app.db import writing
from app.models import Account, SignInAttempts
from app.sign_in import WINDOW_MS, TooBusy, WrongPassword, network_of
from tests.api.world import Clock, Service, World
from tests.dashboard.browser import Browser
from tests.serve.processes import eventually

MOST_OF_EMAIL, MOST_OF_NETWORK = 3, 7
PASSWORD = "correct horse battery"
HERE, NEIGHBOUR, ELSEWHERE = "192.0.2.10", "192.0.2.250", "198.51.100.10"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password takes a tenth of a second: what is true for 3 and 7 is true for 10 and 50."""
    monkeypatch.setattr(sign_in, "MOST_OF_EMAIL", MOST_OF_EMAIL)
    monkeypatch.setattr(sign_in, "MOST_OF_NETWORK", MOST_OF_NETWORK)


@pytest.fixture
def account(world: World) -> Account:
    """An account with the password, when nobody has failed yet."""
    world.services.sign_in.note_failures()
    SignInAttempts.delete().execute()
    return world.new_tenant(password=PASSWORD).account


def attempt(service: Service, email: str, password: str, address: str = HERE) -> int:
    return Browser(service, address).sign_in(email, password).status


PLACES = 3
"""With four threads."""


def guessing(
    service: Service, account: Account, outcomes: list[type[Exception]], addresses: Iterable[str]
) -> list[threading.Thread]:
    """Threads that will try a wrong password, one from each address, and note what came of it."""

    def guess(address: str) -> None:
        try:
            service.services.sign_in.by_password(account.email, "wrong", address, "")
        except Exception as refused:
            outcomes.append(type(refused))
        finally:
            service.services.db.close()

    return [threading.Thread(target=guess, args=(address,)) for address in addresses]


def networks(number: int) -> list[str]:
    """Addresses in so many networks."""
    return [f"198.18.{network}.1" for network in range(number)]


def test_429_to_the_network_that_failed_too_often_even_with_the_right_password(
    service: Service, account: Account
) -> None:
    for _ in range(MOST_OF_EMAIL):
        assert attempt(service, account.email, "wrong password") == 400

    answer = Browser(service, NEIGHBOUR).sign_in(account.email, PASSWORD)

    assert answer.status == 429
    assert answer.headers["Retry-After"] == str(WINDOW_MS // 1000)
    assert "Try again in 15 minutes, at 18:01 UTC." in answer.body.decode()
    # Nobody can lock an owner out from afar, and it is no other account's failure.
    assert attempt(service, account.email, PASSWORD, ELSEWHERE) == 303
    assert attempt(service, "another@example.test", "wrong password") == 400


def test_the_window_ends(service: Service, account: Account, later: Clock) -> None:
    for _ in range(MOST_OF_EMAIL):
        attempt(service, account.email, "wrong password")
    later.now += WINDOW_MS / 1000 - 1
    assert attempt(service, account.email, PASSWORD) == 429
    later.now += 1
    assert attempt(service, account.email, PASSWORD) == 303


def test_the_right_password_takes_the_failures_back(service: Service, account: Account) -> None:
    for _ in range(2):
        for _ in range(MOST_OF_EMAIL - 1):
            assert attempt(service, account.email, "wrong password") == 400
        assert attempt(service, account.email, PASSWORD) == 303
    # What is left of them: the network's, and how many were told to the account.
    service.services.sign_in.note_failures()
    assert [row.attempts for row in SignInAttempts.select()] == [2 * (MOST_OF_EMAIL - 1)] * 2


def test_429_to_a_network_that_tries_one_account_after_the_other(service: Service, account: Account) -> None:
    for number in range(MOST_OF_NETWORK):
        assert attempt(service, f"guessed-{number}@example.test", "wrong") == 400
    rows = SignInAttempts.select().count()

    assert attempt(service, account.email, PASSWORD, NEIGHBOUR) == 429
    assert SignInAttempts.select().count() == rows
    assert attempt(service, account.email, PASSWORD, ELSEWHERE) == 303


def test_rows_of_a_window_that_is_over_are_removed(service: Service, account: Account, later: Clock) -> None:
    attempt(service, account.email, "wrong password")
    service.services.sign_in.note_failures()
    later.now += WINDOW_MS / 1000
    attempt(service, "somebody-else@example.test", "wrong password")
    assert SignInAttempts.select().count() == 2


def test_no_name_of_a_row_tells_who_tried(service: Service, account: Account) -> None:
    attempt(service, account.email, "wrong password")
    assert {len(row.name) for row in SignInAttempts.select()} == {64}


def test_attempts_at_once_are_no_more_than_one_after_the_other(service: Service, account: Account) -> None:
    outcomes: list[type[Exception]] = []
    threads = guessing(service, account, outcomes, [HERE] * 4 * MOST_OF_EMAIL)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == len(threads)
    assert 1 <= outcomes.count(WrongPassword) <= MOST_OF_EMAIL


def test_503_to_whoever_comes_while_all_places_are_taken(service: Service, account: Account) -> None:
    outcomes: list[type[Exception]] = []
    threads = guessing(service, account, outcomes, networks(PLACES + 1))
    # Attempts are counted before a password is looked at, and wait for the lock.
    with writing(service.services.db):
        for thread in threads:
            thread.start()
        eventually(lambda: outcomes == [TooBusy], "one finds no place to wait")
        answer = Browser(service).sign_in(account.email, PASSWORD)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    for thread in threads:
        thread.join()
    assert outcomes[1:] == [WrongPassword] * (len(threads) - 1)


def test_429_takes_no_place_from_others_and_waits_for_none(service: Service, account: Account) -> None:
    for _ in range(MOST_OF_EMAIL):
        attempt(service, account.email, "wrong password")
    outcomes: list[type[Exception]] = []
    threads = guessing(service, account, outcomes, networks(PLACES + 1))
    with writing(service.services.db):
        for thread in threads:
            thread.start()
        eventually(lambda: outcomes == [TooBusy], "all places are taken")
        assert attempt(service, account.email, PASSWORD) == 429
    for thread in threads:
        thread.join()


def test_503_to_the_third_of_a_network_while_there_is_a_place_for_others(
    service: Service, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "_TURN_SECONDS", 600.0)  # who is refused was not waiting
    outcomes: list[type[Exception]] = []
    threads = guessing(service, account, outcomes, (HERE, NEIGHBOUR, HERE))
    others = guessing(service, account, outcomes, networks(PLACES - 1))
    with writing(service.services.db):
        for thread in threads:
            thread.start()
        eventually(lambda: outcomes == [TooBusy], "two of the network find a place")
        for thread in others:
            thread.start()
        eventually(lambda: outcomes == [TooBusy] * 2, "others find the places that are left")
    for thread in threads + others:
        thread.join()
    assert outcomes[2:] == [WrongPassword] * PLACES


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.10", "192.0.2.0/24"),
        ("::ffff:192.0.2.10", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_what_is_counted_together(address: str, network: str) -> None:
    assert network_of(address) == network
