"""The figures that the fault tests count, collected for the end of the test run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Figures:
    """Lines such as ``Q1 … 0 of 50,000``; also printed by each test, for its own output."""

    seed: int
    lines: list[str] = field(default_factory=list)

    def add(self, quality: str, what: str, found: object, of: int, worst: str = "") -> None:
        """Note that `found` was counted in `of` tries."""
        line = f"{quality}  {what}: {found} of {of:,}, seed {self.seed}{f', {worst}' if worst else ''}"
        self.lines.append(line)
        print(line)


@dataclass
class Windows:
    """What was admitted and refused in each window of each limit, and what is wrong with it."""

    used: dict[tuple[str, str, int], Counter[int]] = field(default_factory=dict)
    quotas: dict[tuple[str, str, int], int] = field(default_factory=dict)
    refusing: set[tuple[str, str, int]] = field(default_factory=set)

    def admit(self, rows: Iterable[tuple[str, str, int, int, int]]) -> None:
        """Note admitted requests: scope, owner, start, quota and the count that each was given."""
        for scope, owner, start, quota, count in rows:
            window = (scope, owner, start)
            self.quotas[window] = quota
            self.used.setdefault(window, Counter())[count] += 1

    def refuse(self, windows: Iterable[tuple[str, str, int, int]]) -> None:
        """Note requests that were refused by a limit: its scope, owner, start and quota."""
        for scope, owner, start, quota in windows:
            window = (scope, owner, start)
            self.quotas[window] = quota
            self.used.setdefault(window, Counter())
            self.refusing.add(window)

    def add(self, other: Windows) -> None:
        """Note all that another process or thread has noted."""
        for window, counts in other.used.items():
            self.used.setdefault(window, Counter()).update(counts)
        self.quotas.update(other.quotas)
        self.refusing.update(other.refusing)

    @property
    def over(self) -> int:
        """Requests admitted beyond a quota."""
        return sum(max(0, used.total() - self.quotas[window]) for window, used in self.used.items())

    @property
    def twice(self) -> int:
        """Counts that were given to more than one request: each of them is one request too many, later."""
        return sum(used.total() - len(used) for used in self.used.values())

    @property
    def under(self) -> int:
        """Requests that a window still had room for when it refused one."""
        return sum(max(0, self.quotas[window] - self.used[window].total()) for window in self.refusing)

    @property
    def full(self) -> int:
        """How many windows refused at least one request."""
        return len(self.refusing)
