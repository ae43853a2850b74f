"""Reading the JSON object that a request carries, and refusing everything that is not one.

Python's parser is generous: it takes NaN, turns 1e400 into infinity, gives up on deep nesting with
RecursionError and on long integers with ValueError, passes NUL and lone surrogates on to a database that
refuses them, and of two members with one name keeps the last, where whoever looked at the request before may
have gone by the first. All of that is refused here, before any schema sees the body. Faults inside one member
are told under that member's name, a name that comes twice under itself, faults of the whole under `_body`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import HTTPException

from app.errors import ApiError
from app.registry.route import MAX_BYTES
from app.schemas.base import WHOLE_BODY, bad_fields

MAX_DEPTH = 32
"""Levels of objects and lists, the body itself being the first."""
MAX_VALUES = 100_000
"""A value of two bytes takes up a hundred once it is read: eight megabytes of them would fill the memory."""
MAX_INTEGER_CHARACTERS = 100
"""Longer integers are refused unread: reading one costs quadratic time."""

_AS_IT_IS = "identity"
_NOT_IN_TEXT = re.compile("[\0\ud800-\udfff]")


def read_object(max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The object in the current request's body.

    Raises `ApiError`: `PAYLOAD_TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE` or `VALIDATION_ERROR`.
    """
    text = _read(max_bytes)
    if text and not request.is_json:
        raise ApiError("UNSUPPORTED_MEDIA_TYPE")
    if text and request.headers.get("Content-Encoding", _AS_IT_IS).strip().lower() not in ("", _AS_IT_IS):
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", "The body must not be compressed.")
    if not text:
        raise _bad_body("A JSON object is required.")
    return parse_object(text)


def read_optional_object(max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Like `read_object`; no body is an empty object."""
    return read_object(max_bytes) if _read(max_bytes) else {}


def _read(max_bytes: int) -> bytes:
    # A chunked body announces no length, and is cut off by werkzeug at the limit without a word: so
    # one byte more is asked for, which must not come.
    request.max_content_length = max_bytes + 1
    try:
        text = request.get_data()
    except HTTPException:
        raise
    except Exception as error:
        # What the server's stream raises at broken chunks or a broken connection, each server its own.
        raise _bad_body("Could not be read.") from error
    if len(text) > max_bytes:
        raise ApiError("PAYLOAD_TOO_LARGE")
    return text


def parse_object(text: bytes) -> dict[str, Any]:
    """Return the JSON object that `text` is, strictly read. Raises `ApiError` VALIDATION_ERROR."""
    if len(text) > MAX_VALUES and _has_too_many_values(text):
        raise _bad_body("Too many values.")
    try:
        body = json.loads(text.decode(), parse_int=_integer, object_pairs_hook=_object)
    except RecursionError:
        raise _bad_body("Nested too deeply.") from None
    except ValueError:  # JSONDecodeError and UnicodeDecodeError are
        raise _bad_body("Not valid JSON.") from None
    if not isinstance(body, dict):
        raise _bad_body("Must be a JSON object.")
    flaws = dict(_flaws(body))
    if flaws:
        raise _bad_members(flaws)
    return body


def _has_too_many_values(text: bytes) -> bool:
    """Count, outside of strings, the characters of which each value but the first needs one before it."""
    unescaped = text.replace(rb"\\", b"").replace(rb"\"", b"")
    if unescaped.count(b'"') > 4 * MAX_VALUES:  # two strings a value: its name and itself
        return True
    structure = b"".join(unescaped.split(b'"')[::2])
    return sum(map(structure.count, (b",", b"[", b"{"))) > MAX_VALUES


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        raise _bad_members({name: ["Must not come twice."] for name, times in counted.items() if times > 1})
    return members


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INTEGER_CHARACTERS else math.inf


def _flaws(body: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for name, value in body.items():
        flaw = _flaw(name) or _flaw_within(value)
        if flaw:
            yield name, [flaw]


def _flaw_within(value: Any) -> str | None:
    """The first flaw in a member's value; a loop, because recursion is what deep input attacks."""
    waiting = [(value, 2)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, dict | list):
            if depth > MAX_DEPTH:
                return "Nested too deeply."
            inner = [*item.keys(), *item.values()] if isinstance(item, dict) else item
            waiting.extend((member, depth + 1) for member in inner)
        elif flaw := _flaw(item):
            return flaw
    return None


def _flaw(scalar: Any) -> str | None:
    if isinstance(scalar, str) and not _fit_for_text(scalar):
        return "Must not contain NUL or lone surrogates."
    if isinstance(scalar, float) and not math.isfinite(scalar):
        return "A number out of range."
    return None


def _fit_for_text(text: str) -> bool:
    return _NOT_IN_TEXT.search(text) is None


def _bad_members(flaws: Mapping[str, list[str]]) -> ApiError:
    told = {name if _fit_for_text(name) else WHOLE_BODY: reasons for name, reasons in flaws.items()}
    return ApiError("VALIDATION_ERROR", details=bad_fields(told))


def _bad_body(reason: str) -> ApiError:
    return ApiError("VALIDATION_ERROR", details={WHOLE_BODY: [reason]})
