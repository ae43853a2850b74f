"""The form of a raw key, and what is kept of it.

A raw key is its type's prefix, 56 random hexadecimal characters (224 bits) and the CRC-32 of
everything before, again in lower-case hexadecimal::

    vxk_ | 3f0c…56 characters…9a | 5d41402a

The checksum is no secret and proves nothing. It lets a truncated or mistyped key be refused
without asking anybody. At rest only the SHA-256 of the whole raw key is kept: 224 random bits
cannot be searched, so a slow hash would cost time and protect nothing. People paste raw keys into
other texts all the same: `masked` takes out those that it can know, before such a text is logged or
stored, and `holds_key` finds those in URLs.

Keys of an older system may have come in under one of the prefixes, with any tail. Whoever learns of such a
prefix tells `take_for_keys`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Iterable

PREFIXES = {
    "api": "vibe_api_",
    "authorization": "vibe_app_",
    "management": "vibe_live_",
    "personal": "vxk_",
}
KEY_TYPES = tuple(PREFIXES)

RANDOM_CHARACTERS = 56
CHECKSUM_CHARACTERS = 8
SHOWN_AFTER_PREFIX = 6
SHOWN_AT_END = 4
SHOWN_OF_OLDER = 12
"""Of a key of an older system, at most: short of any key that is a secret."""
CUT_FROM = 16
"""How many characters behind a prefix make it a key, whole or not: what is shown is 6, words are not hex."""
OLDER_FROM = 20
"""The same behind a prefix of an older system's keys, whose characters are any of base64url's alphabet."""

_SECRET_CHARACTERS = RANDOM_CHARACTERS + CHECKSUM_CHARACTERS
_PREFIX = "|".join(PREFIXES.values())
_SECRET = f"[0-9a-f]{{{_SECRET_CHARACTERS}}}"

# Wherever it stands in a text: whether its checksum is right is not asked, since a mistyped key
# that reaches a log gives away nearly as much as a right one.
KEY_IN_TEXT = re.compile(f"(?<![A-Za-z0-9_])(?:{_PREFIX}){_SECRET}(?![A-Za-z0-9_])")

# Up to the end of the word, since a mistyped key goes on behind its mistake.
_BEHIND_PREFIX = re.compile(
    f"((?:{_PREFIX})[0-9a-f]{{{SHOWN_AFTER_PREFIX}}})[0-9a-f]{{{CUT_FROM - SHOWN_AFTER_PREFIX},}}[0-9A-Za-z]*"
)

_NO_WORDS = re.compile("[0-9A-Z]")  # no prefix has one of these
_of_older_system: re.Pattern[str] | None = None

_HEXADECIMAL = b"0123456789abcdefABCDEF"
_MARK_HEXADECIMAL = bytes(120 if byte in _HEXADECIMAL else 32 for byte in range(256))
_LONG_ENOUGH = b"x" * _SECRET_CHARACTERS

# CRC-32 is linear but for a constant: what a prefix changes in the checksum of 56 characters behind it is
# the same for all of them. So one checksum tells of all four prefixes, also where the prefix is gone.
_ANY_BODY = b"0" * RANDOM_CHARACTERS
_CHANGED_BY_PREFIX = frozenset(
    zlib.crc32(prefix.encode() + _ANY_BODY) ^ zlib.crc32(_ANY_BODY) for prefix in PREFIXES.values()
)

_SHAPE = re.compile(f"({_PREFIX}){_SECRET}")
_TYPE_OF_PREFIX = {prefix: key_type for key_type, prefix in PREFIXES.items()}


def mint(key_type: str) -> str:
    """Return a new raw key of `key_type`, from the operating system's random source."""
    body = PREFIXES[key_type] + secrets.token_hex(RANDOM_CHARACTERS // 2)
    return body + _checksum(body)


def key_type_of(raw_key: str) -> str | None:
    """Return the type that a well-formed raw key announces; None for any other text."""
    shape = _SHAPE.fullmatch(raw_key)
    if shape is None or not raw_key.endswith(_checksum(raw_key[:-CHECKSUM_CHARACTERS])):
        return None
    return _TYPE_OF_PREFIX[shape[1]]


def prefix_of(text: str) -> str | None:
    """Return the one of the four prefixes that `text` begins with, if any."""
    return next((prefix for prefix in _TYPE_OF_PREFIX if text.startswith(prefix)), None)


def digest(raw_key: str) -> str:
    """Return what is stored of a raw key and looked up: its SHA-256, 64 hexadecimal characters."""
    return hashlib.sha256(raw_key.encode()).hexdigest()


def display_parts(raw_key: str) -> tuple[str, str]:
    """Return the ends of a raw key that may be shown: prefix with 6 characters, and the last 4."""
    shown = len(prefix_of(raw_key) or "") + SHOWN_AFTER_PREFIX
    return raw_key[:shown], raw_key[-SHOWN_AT_END:]


def beginning_of(text: str) -> str:
    """Return by what of its beginning a wrong key can be held against what is shown of known ones."""
    prefix = prefix_of(text)
    shown = SHOWN_OF_OLDER if prefix is None else len(prefix) + SHOWN_AFTER_PREFIX
    return text[: min(shown, len(text) - 1)]


def take_for_keys(prefixes: Iterable[str]) -> None:
    """Take what begins with one of `prefixes` for a key of an older system, in this process, from now on.

    It is one if 20 letters, digits, hyphens and underscores follow, or more, with a digit or a capital among
    them: what has none is words. Prefixes that were told before and are none of `prefixes` count no more.
    """
    global _of_older_system
    told = "|".join(map(re.escape, sorted(prefixes)))
    token = "[0-9A-Za-z_-]"
    pattern = f"((?:{told}){token}{{{SHOWN_AFTER_PREFIX}}}){token}{{{OLDER_FROM - SHOWN_AFTER_PREFIX},}}"
    _of_older_system = re.compile(pattern) if told else None


def holds_key(text: str) -> bool:
    """Tell whether a whole raw key stands in the text, mistyped or not."""
    if "vxk_" not in text and "vibe_" not in text:
        return False
    return KEY_IN_TEXT.search(text) is not None or _without_older_keys(text) != text


def masked(text: str) -> str:
    """Return the text with every raw key in it cut to its public beginning.

    Three things are known for one. 64 hexadecimal characters with the checksum of a key, in capitals too and
    whatever stands before them: prefixes come escaped (`vibe\\_api\\_`, `%5F`), respelled, or not at all. 16
    hexadecimal characters or more behind a prefix as it is written: a key that was cut off, or mistyped
    further on. And what `take_for_keys` speaks of. Not known are keys that are wrapped over lines or encoded
    as a whole, and those that were cut off or mistyped and stand behind no such prefix.
    """
    if "vibe_" in text or "vxk_" in text:
        text = _BEHIND_PREFIX.sub(r"\1***", _without_older_keys(text))
    # Every line of the log comes through here: three passes of C, where a pattern takes ten times as long.
    marked = text.encode("ascii", "replace").translate(_MARK_HEXADECIMAL)
    return _cut_checksummed(text, marked) if _LONG_ENOUGH in marked else text


def _without_older_keys(text: str) -> str:
    return text if _of_older_system is None else _of_older_system.sub(_cut_unless_words, text)


def _cut_unless_words(match: re.Match[str]) -> str:
    return f"{match[1]}***" if _NO_WORDS.search(match[0]) else match[0]


def _cut_checksummed(text: str, marked: bytes) -> str:
    """Cut what has a key's checksum. In `marked` every hexadecimal character of `text` is an x."""
    kept, done = [], 0
    at = marked.find(_LONG_ENOUGH)
    while at >= 0:
        following = at + 1
        if _has_checksum(text[at : at + _SECRET_CHARACTERS]):
            kept += [text[done : at + SHOWN_AFTER_PREFIX], "***"]
            done = following = at + _SECRET_CHARACTERS
        at = marked.find(_LONG_ENOUGH, following)
    return "".join(kept) + text[done:]


def _has_checksum(secret: str) -> bool:
    body, checksum = secret[:RANDOM_CHARACTERS].lower(), int(secret[RANDOM_CHARACTERS:], 16)
    return zlib.crc32(body.encode()) ^ checksum in _CHANGED_BY_PREFIX


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
