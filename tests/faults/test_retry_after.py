"""Q9: who waits for as long as `Retry-After` says is admitted, and the limit fields can be parsed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.world import Answer, Service, World
from tests.faults.figures import Figures
from tests.faults.structured_fields import parse_list

WINDOWS = {"second": 1, "key": 3600, "tier": 3600}


@pytest.fixture
def world(tmp_path: Path, valkey_url: str) -> Iterator[World]:
    service = Service(tmp_path, valkey_url)
    yield World(service)
    service.close()


def _limit_fields(answer: Answer) -> dict[str, dict[str, int]]:
    """What `RateLimit-Policy` and `RateLimit` say of each limit together, once both are parsed."""
    said = {name: dict(parameters) for name, parameters in parse_list(answer.headers["RateLimit-Policy"])}
    for name, parameters in parse_list(answer.headers["RateLimit"]):
        said[name] |= parameters
    assert all(parameters.keys() == {"q", "w", "r", "t"} for parameters in said.values())
    return said


def test_who_obeys_retry_after_is_admitted(world: World, figures: Figures, soak: bool) -> None:
    tries = 1_000 if soak else 200
    chance, clock = random.Random(figures.seed), world.service.clock
    scopes: Counter[str] = Counter()
    admitted, answers = 0, 0
    for _ in range(tries):
        tenant = world.new_tenant(tier="enterprise", hourly_limit=chance.randint(2, 4))
        key = world.issue(
            "personal",
            tenant.account,
            integrations=["cli"],
            rate_limit=chance.choice([None, 1, 2, 3]),
            hourly_limit=chance.choice([None, 2, 3, 4]),
        ).raw_key
        clock.now += chance.uniform(0, 3600)
        while (answer := world.call("GET", "/v1/me", key)).status == 200:
            answers += 1
            for name, said in _limit_fields(answer).items():
                assert said["w"] == WINDOWS[name]
                assert 0 <= said["r"] < said["q"]
                assert 1 <= said["t"] <= said["w"]
        assert answer.code == "RATE_LIMITED"
        scope = answer.error["details"]["scope"]
        scopes[scope] += 1
        wait = int(answer.headers["Retry-After"])
        said = _limit_fields(answer)[scope]
        assert (said["r"], said["t"], answer.error["retryAfter"]) == (0, wait, wait)
        clock.now += wait
        admitted += world.call("GET", "/v1/me", key).status == 200
    figures.add(
        "Q9",
        "admitted after Retry-After was obeyed",
        admitted,
        tries,
        f"refused by {', '.join(f'{scope} {number}' for scope, number in sorted(scopes.items()))}; "
        f"limit fields of {answers + tries:,} answers parsed",
    )
    assert admitted == tries
    assert scopes.keys() == WINDOWS.keys()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tier;q=1",
        '"tier";q=1,',
        '"tier";Q=1',
        '"tier";q=1.5',
        '"tier"; q=1;w',
        '"ti\u00e9r";q=1',
        '"a""b"',
    ],
)
def test_what_is_no_list_of_items_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match=" at "):
        parse_list(text)
