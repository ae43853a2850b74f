"""Measuring in turns, and what is said of the rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """What several rounds gave."""

    median: float
    low: float
    high: float


class Rounds:
    """One figure a round for each of several contenders."""

    def __init__(self, figures: Mapping[str, list[float]]) -> None:
        self._figures = figures

    def of(self, name: str) -> Spread:
        """Return the spread of one contender."""
        return _spread(self._figures[name])

    def ratio(self, name: str, yardstick: str) -> Spread:
        """Return how a contender compares with another one, round by round."""
        pairs = zip(self._figures[name], self._figures[yardstick], strict=True)
        return _spread([figure / measure for figure, measure in pairs])

    def difference(self, name: str, yardstick: str) -> Spread:
        """Return what a contender has more than another one, round by round."""
        pairs = zip(self._figures[name], self._figures[yardstick], strict=True)
        return _spread([figure - measure for figure, measure in pairs])


def in_turns(measure: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """Call each of `measure` once a round, all of them in the same order; the first round warms up."""
    figures: dict[str, list[float]] = {name: [] for name in measure}
    for number in range(rounds + 1):
        for name, once in measure.items():
            figure = once()
            if number > 0:
                figures[name].append(figure)
    return Rounds(figures)


def _spread(figures: list[float]) -> Spread:
    return Spread(median(figures), min(figures), max(figures))
