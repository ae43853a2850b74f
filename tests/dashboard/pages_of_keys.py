"""What the tests of the pages of keys share: what a page says, and what the gateway does with a key."""

from __future__ import annotations

import html
import re

from app.models import Key
from tests.api.world import Answer, World

NEW = {"name": "Work Laptop", "integrations": "cli", "expiresAt": "never"}
"""The form of an API key, filled in no further than it has to be."""

_RAW_KEY = re.compile(r"<code>((?:vxk|vibe_api|vibe_live)_[0-9a-f]{64})</code>")
_TAG = re.compile(r"<[^>]+>")


def raw_key_in(page: Answer) -> str:
    """The raw key that a page shows."""
    (raw_key,) = _RAW_KEY.findall(page.body.decode())
    return str(raw_key)


def text_of(page: Answer) -> str:
    """What there is to read on a page, in one line."""
    return " ".join(html.unescape(_TAG.sub(" ", page.body.decode())).split())


def codes(world: World, *raw_keys: str) -> list[str]:
    """What the very next request with each key is answered: OK, or why it is refused."""
    answers = [world.service.call("GET", "/v1/me", raw_key) for raw_key in raw_keys]
    return ["OK" if answer.status == 200 else answer.code for answer in answers]


def key_named(name: str) -> Key:
    """The newest key of that name."""
    found: Key = Key.select().where(Key.name == name).order_by(Key.created_at.desc(), Key.id.desc()).get()
    return found
