"""The form of a raw key, and what is kept of it.

A raw key is its type's prefix, 56 random hexadecimal characters (224 bits) and the CRC-32 of
everything before, again in lower-case hexadecimal::

    vxk_ | 3f0c…56 characters…9a | 5d41402a

The checksum is no secret and proves nothing. It lets a truncated or mistyped key be refused
without asking anybody. At rest only the SHA-256 of the whole raw key is kept: 224 random bits
cannot be searched, so a slow hash would cost time and protect nothing. People paste raw keys into
other texts all the same: `masked` takes them out before such a text is logged or stored.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

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
SECRET_AT_LEAST = 10

_PREFIX = "|".join(PREFIXES.values())
_SECRET = f"[0-9a-f]{{{RANDOM_CHARACTERS + CHECKSUM_CHARACTERS}}}"

# Wherever it stands in a text: whether its checksum is right is not asked, since a mistyped key
# that reaches a log gives away nearly as much as a right one.
KEY_IN_TEXT = re.compile(f"(?<![A-Za-z0-9_])(?:{_PREFIX}){_SECRET}(?![A-Za-z0-9_])")

# What `display_parts` shows is public. A word may follow a prefix too ("vibe_api_documentation"), so only
# what is longer than words are is taken for somebody's secret, whole, cut off or mistyped.
_LIKE_A_KEY = re.compile(
    f"((?:{_PREFIX})[0-9A-Za-z]{{{SHOWN_AFTER_PREFIX}}})[0-9A-Za-z]{{{SECRET_AT_LEAST},}}"
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


def shown_prefix_of(text: str) -> str | None:
    """Return what may be shown of the beginning of a wrong key, if it begins like a key of ours."""
    prefix = prefix_of(text)
    shown = 0 if prefix is None else len(prefix) + SHOWN_AFTER_PREFIX
    return text[:shown] if 0 < shown < len(text) else None


def masked(text: str) -> str:
    """Return the text with everything that looks like a raw key cut to its public beginning."""
    if "vibe_" not in text and "vxk_" not in text:
        return text
    return _LIKE_A_KEY.sub(r"\1***", text)


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
