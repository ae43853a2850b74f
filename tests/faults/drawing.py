"""Drawing so many examples from a hypothesis strategy, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.strategies import SearchStrategy


def for_each_drawn(
    strategy: SearchStrategy[Any], examples: int, seed: int, do: Callable[[Any], None]
) -> None:
    """Call `do` with each example; a strategy that has fewer gives those."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def each(example: Any) -> None:
        do(example)

    each()
