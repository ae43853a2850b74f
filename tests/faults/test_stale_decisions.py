"""Q3: a change is in force in the very next request of every worker, whatever befalls Redis or its maker."""

from __future__ import annotations

import itertools
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from gateway.host_table import HostTable
from tests.conftest import ValkeyServer
from tests.faults.changer import Task, change_and_die
from tests.faults.crowd import in_a_process, until
from tests.faults.figures import Figures
from tests.faults.service import PRO_HOURLY, Caller, Installation, installation

SUBJECTS = 4
FAULT_EVERY = 80
# The next publication sweep of the workers is at most a second away; the rest is for a busy machine.
SWEEP_SECONDS = 3.0


@dataclass
class Subject:
    """A key, and what has been decided about it, its account and its portal."""

    raw_key: str
    id: str
    deleted: bool = False
    revoked: bool = False
    ip_whitelist: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=lambda: ["crm"])
    rate_limit: int | None = None
    hourly_limit: int | None = None


@dataclass
class World:
    """What is so, kept by the test from the changes that were answered."""

    subjects: list[Subject]
    account_status: str = "ACTIVE"
    tier: int = PRO_HOURLY
    portal_status: str = "ACTIVE"
    member: bool = True

    def expected(self, subject: Subject) -> str:
        """What the next answer to this key has to say, in the order of the contract's checks."""
        denials = (
            (subject.deleted, "INVALID_API_KEY"),
            (subject.revoked, "KEY_REVOKED"),
            (self.account_status == "SUSPENDED", "ACCOUNT_SUSPENDED"),
            (self.portal_status == "INACTIVE", "PORTAL_INACTIVE"),
            (not self.member, "NOT_PORTAL_MEMBER"),
            (bool(subject.ip_whitelist), "IP_NOT_ALLOWED"),
        )
        for is_so, code in denials:
            if is_so:
                return code
        return f"{sorted(subject.scopes)} {subject.rate_limit} {subject.hourly_limit} {self.tier}"


def _as_json(fields: dict[str, Any]) -> dict[str, Any]:
    names = {"ip_whitelist": "ipWhitelist", "rate_limit": "rateLimit", "hourly_limit": "hourlyLimit"}
    if "revoked" in fields:
        return {"status": "REVOKED" if fields["revoked"] else "ACTIVE"}
    return {names.get(name, name): value for name, value in fields.items()}


def _found(caller: Caller, subject: Subject) -> str:
    """What an answer says, in the words of `World.expected`."""
    answer = caller.call("GET", "/v1/me", subject.raw_key)
    if answer.status != 200:
        return answer.code
    limits = answer.json["data"]["limits"]
    second, key, tier = ((limits[name] or {}).get("limit") for name in ("second", "key", "tier"))
    return f"{sorted(answer.json['data']['scopes'])} {second} {key} {tier}"


class Change(NamedTuple):
    """A change: what is to be asked of a changer, and how the test notes that it was made."""

    task: Task
    note: Callable[[], object]


def _there_and_back(
    kind: str, made: dict[str, Any], world: World, subject: Subject, most: int
) -> list[Change]:
    def key(**fields: Any) -> Change:
        return Change(
            ("key", subject.id, fields), lambda: [setattr(subject, *item) for item in fields.items()]
        )

    def account(note: str, value: Any, **fields: Any) -> Change:
        return Change(("account", made["member"], fields), lambda: setattr(world, note, value))

    def portal(status: str) -> Change:
        task = ("portal", made["portal"], {"status": status})
        return Change(task, lambda: setattr(world, "portal_status", status))

    def member(is_one: bool) -> Change:
        task = ("join" if is_one else "leave", made["portal"], {"account": made["member"]})
        return Change(task, lambda: setattr(world, "member", is_one))

    return {
        "revoke": [key(revoked=True), key(revoked=False)],
        "whitelist": [key(ip_whitelist=["192.0.2.0/24"]), key(ip_whitelist=[])],
        "scope": [key(scopes=["crm", "user"]), key(scopes=["crm"])],
        "limit": [
            key(rate_limit=most, hourly_limit=most - 1),
            key(rate_limit=None, hourly_limit=None),
        ],
        "tier": [
            account("tier", most, tier="enterprise", hourly_limit=most),
            account("tier", PRO_HOURLY, tier="pro"),
        ],
        "suspend": [
            account("account_status", "SUSPENDED", status="SUSPENDED"),
            account("account_status", "ACTIVE", status="ACTIVE"),
        ],
        "membership": [member(False), member(True)],
        "portal": [portal("INACTIVE"), portal("ACTIVE")],
        "delete": [Change(("delete", subject.id, {}), lambda: setattr(subject, "deleted", True))],
    }[kind]


KINDS = ("revoke", "whitelist", "scope", "limit", "tier", "suspend", "membership", "portal", "delete")


class Trial:
    """Makes changes and looks at once, on each worker, whether they are in force."""

    def __init__(self, made: Installation, chance: random.Random) -> None:
        self.made, self.chance = made, chance
        subjects = [Subject(raw_key, key_id) for raw_key, key_id in made.made["keys"].items()]
        self.world, self._spare = World(subjects[:SUBJECTS]), subjects[SUBJECTS:]
        self._callers = [server.caller() for server in made.servers]
        self._changer = made.changer()
        assert self._changer.received() == "ready"
        self._host = HostTable(made.folder)
        self.faults: list[Fault] = []
        self.checks, self.stale, self.slowest = 0, list[str](), 0.0

    def end(self) -> None:
        self._changer.end()
        self._host.close()
        for caller in self._callers:
            caller.close()

    def changes(self, kind: str) -> Iterator[tuple[Subject, Change]]:
        """Yield changes that lead back to where the world was; but a deleted key is replaced."""
        place = self.chance.randrange(SUBJECTS)
        subject = self.world.subjects[place]
        if kind == "delete":
            self.world.subjects[place] = self._spare.pop()
        most = self.chance.randint(10**6, 10**9)
        for change in _there_and_back(kind, self.made.made, self.world, subject, most):
            yield subject, change

    def await_redis(self) -> None:
        """Return once Redis decides, as it does most of the time."""
        until(self._host.is_believed, "Redis decides again")

    def make(self, change: Change) -> None:
        """Make the change and return once it was answered; it is in force from now on."""
        what, target, arguments = change.task
        if what in ("key", "delete") and self.chance.random() < 0.7:
            method, body = ("DELETE", None) if what == "delete" else ("PATCH", _as_json(arguments))
            answer = self.chance.choice(self._callers).call(
                method, f"/v1/keys/{target}", self.made.made["management_key"], body
            )
            assert answer.status == 200, answer
        else:
            assert self._changer.ask(change.task) == "done"
        change.note()

    def check(self, subject: Subject, when: str) -> None:
        """Ask every worker about the key, and note each that does not know how things are."""
        expected = self.world.expected(subject)
        for number, caller in enumerate(self._callers):
            found = _found(caller, subject)
            self.checks += 1
            if found != expected:
                self.stale.append(f"{when}: worker {number} said {found}, not {expected}")

    def make_and_check(self, subject: Subject, change: Change, when: str) -> None:
        self.make(change)
        self.check(subject, when)

    def be_killed_and_check(self, subject: Subject, change: Change, stage: str) -> None:
        """The maker of the change dies at a stage of it. Until the workers publish it, old and new are
        both right, but what was new on one worker is never old again on it."""
        before = self.world.expected(subject)
        assert in_a_process(change_and_die, self.made.environ, stage, change.task) == "killed"
        began = time.monotonic()
        change.note()
        behind = set(self._callers)
        while behind:
            for caller in self._callers:
                found = _found(caller, subject)
                if found == self.world.expected(subject):
                    behind.discard(caller)
                elif found != before or caller not in behind:
                    self.stale.append(f"killed when {stage}: {found}")
            assert time.monotonic() < began + 30, f"{found}, and not {self.world.expected(subject)}"
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.check(subject, f"after it was killed when {stage}")


Fault = Callable[[Trial, ValkeyServer, Subject, Change], None]


def _stopped(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    valkey.pause()
    trial.make_and_check(subject, change, "Redis stopped")
    valkey.resume()
    trial.check(subject, "Redis goes on")
    valkey.flush()  # returns when Redis has taken up what had waited for it
    trial.check(subject, "Redis has taken up what waited")


def _flushed_before(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    valkey.flush()
    trial.make_and_check(subject, change, "flushed before")


def _flushed_after(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    trial.make(change)
    valkey.flush()
    trial.check(subject, "flushed after")


def _down(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    valkey.kill()
    trial.make_and_check(subject, change, "Redis is down")
    valkey.start()
    trial.check(subject, "Redis is back")


def _emptied(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    trial.make(change)
    valkey.kill()
    shutil.rmtree(valkey.folder / "appendonlydir")
    valkey.start()
    trial.check(subject, "Redis came back empty")


def _put_back(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    with _from_now_on(valkey):
        trial.make(change)
    trial.check(subject, "Redis came back from an old file")


def _flushed_and_put_back(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    """Somebody empties it by mistake and then brings back the backup of before."""
    with _from_now_on(valkey):
        valkey.flush()
        trial.make(change)
    trial.check(subject, "flushed, then put back")


def _killed_when_committed(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    trial.be_killed_and_check(subject, change, "committed")


def _killed_when_published(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    trial.be_killed_and_check(subject, change, "published")


def _killed_when_down(trial: Trial, valkey: ValkeyServer, subject: Subject, change: Change) -> None:
    valkey.kill()
    trial.be_killed_and_check(subject, change, "committed")
    valkey.start()
    trial.check(subject, "its maker was killed, and Redis is back")


FAULTS: tuple[Fault, ...] = (
    _stopped,
    _flushed_before,
    _flushed_after,
    _down,
    _emptied,
    _put_back,
    _flushed_and_put_back,
    _killed_when_committed,
    _killed_when_published,
    _killed_when_down,
)


@contextmanager
def _from_now_on(valkey: ValkeyServer) -> Iterator[None]:
    """Redis forgets all that it was told in the block: it comes back with its file of before."""
    files, kept = valkey.folder / "appendonlydir", valkey.folder / "kept"
    shutil.copytree(files, kept)
    yield
    valkey.kill()
    shutil.rmtree(files)
    kept.rename(files)
    valkey.start()


def test_no_worker_decides_by_what_was_so(
    valkey_server: ValkeyServer, tmp_path: Path, figures: Figures, soak: bool
) -> None:
    goal = 40_000 if soak else 1_000
    chance = random.Random(figures.seed)
    kinds, faults = itertools.cycle(KINDS), itertools.cycle(FAULTS)
    with installation(tmp_path, valkey_server, servers=2, portal_keys=SUBJECTS + goal // 20) as made:
        trial = Trial(made, chance)
        while trial.checks < goal:
            for subject, change in trial.changes(next(kinds)):
                trial.await_redis()
                trial.make_and_check(subject, change, "nothing happened to Redis")
            if len(trial.faults) < trial.checks // FAULT_EVERY:
                fault = next(faults)
                trial.faults.append(fault)
                for subject, change in trial.changes(chance.choice(KINDS)):
                    trial.await_redis()
                    fault(trial, valkey_server, subject, change)
        trial.end()
    figures.add(
        "Q3",
        f"stale decisions in the very next request of 2 workers, {len(trial.faults)} faults",
        len(trial.stale),
        trial.checks,
        f"{trial.slowest:.1f} s until a change whose maker was killed",
    )
    assert trial.stale == []
    assert trial.slowest < SWEEP_SECONDS
