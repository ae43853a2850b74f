"""The JSON of an answer: what is none, what is too much, and what could not be written again."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.bitrix import parsing
from app.bitrix.parsing import LARGE, MOST_LISTS_AND_MAPS, TooLarge, parsed


@pytest.mark.parametrize("unit", [b"[]", b'{"a":1}', b"[{}]"])
def test_very_many_lists_and_maps_are_refused_before_they_are_made(
    unit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_LISTS_AND_MAPS == 500_000
    monkeypatch.setattr(parsing, "MOST_LISTS_AND_MAPS", 1_000)
    most = 1_000 // (unit.count(b"[") + unit.count(b"{")) - 1
    assert len(parsed(b"[" + b",".join([unit] * most) + b"]")) == most
    with pytest.raises(TooLarge):
        parsed(b"[" + b",".join([unit] * (most + 1)) + b"]")


def test_of_large_answers_one_is_parsed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most, small = 0, 0, threading.Event()

    def counting(text: str, **_: Any) -> None:
        nonlocal at_once, most
        if len(text) <= LARGE:
            small.set()
            return
        at_once += 1
        most = max(most, at_once)
        # A small answer is parsed meanwhile, whoever holds the place of a large one.
        assert small.wait(5)
        at_once -= 1

    monkeypatch.setattr(parsing.json, "loads", counting)
    large = b" " * (LARGE + 1)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(parsed, [large, large, large, b"0"]))
    assert (at_once, most) == (0, 1)


@pytest.mark.parametrize("raw", [b"\xed\xa0\x80", b"\xff", b"\xc0\x80", b"\xf5\x80\x80\x80"])
def test_what_is_not_utf_8_is_not_json(raw: bytes) -> None:
    assert parsed(b'{"title": "' + raw + b'"}') is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_encodings_are_not_guessed(encoding: str) -> None:
    assert parsed('{"result": 1}'.encode(encoding)) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud800"', "?"),
        (r'["a\udfffb", ["\ud800"], 1, null]', ["a?b", ["?"], 1, None]),
        (r'{"a": {"b": "\ud83d"}, "\ud83d": [{"c\udc00": "\ud83d\ude00"}]}',
         {"a": {"b": "?"}, "?": [{"c?": "\U0001f600"}]}),
        (r'"\ud83d\ude00 \\ud800"', "\U0001f600 \\ud800"),
        (r"5", 5),
    ],
)  # fmt: skip
def test_halves_of_characters_become_question_marks(text: str, value: Any) -> None:
    found = parsed(text.encode())
    assert found == value
    json.dumps(found, ensure_ascii=False).encode()
