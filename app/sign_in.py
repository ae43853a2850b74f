"""Signing in by e-mail and password: who may try, how often, and at what cost.

A password is checked against its argon2 hash, which takes a tenth of a second of one core, and 64 MiB. So
each process checks one at a time, and lets no more wait for their turn than half of its threads, and one of a
network; others are told to come again. An e-mail of nobody, or of an account without a password, costs the
same: how long the answer takes tells nothing.

Failures are counted in the database, in two ways at once: ten in a quarter of an hour of one e-mail from one
network, and fifty from one network. Further ones from there are not even looked at, and wait for no turn to
be told so. The right password from another network is, so nobody can lock out an owner from afar. An attempt
counts before it is checked, and is taken back when it was right: many at once are no more than ten either.
The table has at most three rows for each check of the last quarter of an hour.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import apsw
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import ARGON2_VERSION
from peewee import Database, PeeweeException

from app import sessions
from app.accounts import LONGEST_PASSWORD, PASSWORDS
from app.db import writing
from app.errors import ApiError
from app.ledger import Actor, Ledger
from app.models import Account, SignInAttempts
from app.secrets import Secrets
from gateway.address import parse_address

WINDOW_MS = 15 * 60 * 1000
MOST_OF_EMAIL = 10
"""Failures of one e-mail from one network in a window."""
MOST_OF_NETWORK = 50
"""Failures from one network in a window."""

_MOST_TOLD = 10
"""Failures of one account in a window that leave an audit row."""
_MOST_WAITING = 100
"""Failures of which `SignIn.note_failures` has yet to tell; the oldest beyond that are forgotten."""
_PREFIX_LENGTHS = {4: 24, 6: 64}
_TURN_SECONDS = 3.0
_PURPOSE = "attempts to sign in"


_MOST_OF_ONE_NETWORK = 2
"""Checks of one network at once in a worker, the one that waits included: there is room for others then."""


class SignInRefused(Exception):
    """Who tries does not get in."""


class WrongPassword(SignInRefused):
    """There is no account with this e-mail and this password; which of both is wrong, nobody is to learn."""


class TooBusy(SignInRefused):
    """Too many others sign in at this moment, or another one from the same network."""


class TooManyFailures(SignInRefused):
    """It failed too often from there; `until` is when it may be tried again, in unix milliseconds."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


@dataclass(frozen=True, slots=True)
class _Count:
    """What is counted together, and how often it may be."""

    name: str
    most: int


class SignIn:
    """Lets accounts in. `clock` tells unix seconds, `threads` how many requests are answered at once."""

    def __init__(
        self, ledger: Ledger, db: Database, secrets: Secrets, clock: Callable[[], float], threads: int
    ) -> None:
        self._ledger = ledger
        self._db = db
        self._secrets = secrets
        self._clock = clock
        self._nobodys_hash = _nobodys_hash(PASSWORDS)
        self._turn = threading.Lock()
        self._places = max(_MOST_OF_ONE_NETWORK + 1, threads // 2)
        self._inside: Counter[str] = Counter()
        self._door = threading.Lock()
        self._failures: deque[tuple[str, str]] = deque(maxlen=_MOST_WAITING)
        self._noting = threading.Lock()

    def by_password(self, email: str, password: str, address: str, user_agent: str) -> str:
        """Begin a session of the account and return its token.

        Raises `SignInRefused`, and `ApiError` DATABASE_UNAVAILABLE.
        """
        account, counts = self._try(email.strip().lower(), password, address)
        with self._ledger.change(Actor("account", account.id, address=address)) as change:
            now = Account.get_by_id(account.id)
            if now.password_hash != account.password_hash:
                raise WrongPassword  # it was changed while this one was checked
            _take_back(*counts)
            return sessions.begin(change, now, user_agent)

    def confirm(self, account: Account, password: str, address: str) -> None:
        """Have an account that is signed in show that it knows its password; failures count as those of
        signing in do.

        Raises `SignInRefused`, and `ApiError` DATABASE_UNAVAILABLE.
        """
        _, counts = self._try(account.email, password, address)
        with writing(self._db):
            _take_back(*counts)

    def without_password(self, account: Account, address: str, user_agent: str) -> str:
        """Begin a session of an account that somebody else vouches for; return its token.

        Raises `ApiError` DATABASE_UNAVAILABLE.
        """
        with self._ledger.change(Actor("account", account.id, address=address)) as change:
            return sessions.begin(change, account, user_agent)

    def _try(self, email: str, password: str, address: str) -> tuple[Account, tuple[_Count, _Count]]:
        """Return the account with this password, and what its attempt was counted by."""
        network = network_of(address)
        counts = self._counts(email, network)
        _check_counts(self._now_ms(), counts)  # who is refused takes no place, and no write lock
        with self._my_turn(network):
            self._count(*counts)
            account: Account | None = Account.get_or_none(Account.email == email)
            right = self._is_right(account, password)
        if account is None:
            raise WrongPassword
        if not right:
            self._failures.append((account.id, address))  # no more than that: time would tell of the account
            raise WrongPassword
        return account, counts

    def _is_right(self, account: Account | None, password: str) -> bool:
        known = None if account is None else account.password_hash
        if len(password) > LONGEST_PASSWORD:
            password, known = "", None
        try:
            PASSWORDS.verify(known or self._nobodys_hash, password)
        except (Argon2Error, InvalidHashError):
            return False
        return known is not None

    @contextmanager
    def _my_turn(self, network: str) -> Iterator[None]:
        with self._door:
            if self._inside[network] >= _MOST_OF_ONE_NETWORK or self._inside.total() >= self._places:
                raise TooBusy
            self._inside[network] += 1
        try:
            if not self._turn.acquire(timeout=_TURN_SECONDS):
                raise TooBusy
            try:
                yield
            finally:
                self._turn.release()
        finally:
            with self._door:
                self._inside -= Counter((network,))

    def _counts(self, email: str, network: str) -> tuple[_Count, _Count]:
        return (
            _Count(self._name("email", email, network), MOST_OF_EMAIL),
            _Count(self._name("network", network), MOST_OF_NETWORK),
        )

    def _name(self, *of: str) -> str:
        return self._secrets.mac(_PURPOSE, "\0".join(of).encode())

    def _count(self, *counts: _Count) -> None:
        """Count an attempt. Raises `TooManyFailures`, and then counts nothing."""
        now_ms = self._now_ms()
        with writing(self._db):
            SignInAttempts.delete().where(SignInAttempts.began_at <= now_ms - WINDOW_MS).execute()
            _check_counts(now_ms, counts)
            for count in counts:
                one_more = {SignInAttempts.attempts: SignInAttempts.attempts + 1}
                new = SignInAttempts.insert(name=count.name, began_at=now_ms, attempts=1)
                new.on_conflict(conflict_target=[SignInAttempts.name], update=one_more).execute()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def note_failures(self) -> None:
        """Leave audit rows of the failures since the last call, as far as the database can be written.

        To be called once a second, not by requests: a row is written for accounts that exist only, and the
        time that it takes shows even after the answer, in when the connection goes on.
        Safe for threads: on its return, failures from before the call are noted.
        """
        with self._noting:
            while self._failures:
                with suppress(ApiError, PeeweeException, apsw.Error):
                    self._note_failure(*self._failures.popleft())

    def _note_failure(self, account_id: str, address: str) -> None:
        try:  # nobody shall fill the log
            self._count(_Count(self._name("told", account_id), _MOST_TOLD))
        except TooManyFailures:
            return
        with self._ledger.change(Actor("system", address=address)) as change:
            facts = {"address": address}
            change.audit("account.sign_in_failed", "account", account_id, None, facts, owner_id=account_id)


def network_of(address: str) -> str:
    """Return where failures are counted: of IPv4 the /24, of IPv6 the /64."""
    parsed = parse_address(address)
    if parsed is None:
        return address
    return str(ipaddress.ip_network((parsed, _PREFIX_LENGTHS[parsed.version]), strict=False))


def _check_counts(now_ms: int, counts: Iterable[_Count]) -> None:
    for count in counts:
        row = SignInAttempts.get_or_none(
            SignInAttempts.name == count.name, SignInAttempts.began_at > now_ms - WINDOW_MS
        )
        if row is not None and row.attempts >= count.most:
            raise TooManyFailures(row.began_at + WINDOW_MS)


def _take_back(by_email: _Count, by_network: _Count) -> None:
    SignInAttempts.delete().where(SignInAttempts.name == by_email.name).execute()
    one_less = {SignInAttempts.attempts: SignInAttempts.attempts - 1}
    SignInAttempts.update(one_less).where(SignInAttempts.name == by_network.name).execute()


def _nobodys_hash(hasher: PasswordHasher) -> str:
    """Return a hash that takes as long to check as any, and that no password has: it is drawn, not made."""
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    drawn = (
        base64.b64encode(os.urandom(size)).rstrip(b"=").decode()
        for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v={ARGON2_VERSION}${costs}${'$'.join(drawn)}"
