"""Slugs: names for addresses, made of titles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from anyascii import anyascii
from peewee import ModelSelect

UNTITLED = "untitled"
"""The slug of a title of which nothing can be written in ASCII."""

_LENGTH = 200
_OTHERS = re.compile(r"[^a-z0-9]+")
_LIKE_AN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def slug_of(title: str) -> str:
    """Return the title in small ASCII letters and digits, with a hyphen for all that stands between them.

    Other scripts are spelled in Latin letters. No slug looks like an id: who names a prompt by the id of one
    that was deleted must not get another one.
    """
    letters = anyascii(unicodedata.normalize("NFC", title)).lower()
    slug = _OTHERS.sub("-", letters).strip("-")[:_LENGTH].rstrip("-") or UNTITLED
    return f"id-{slug}" if _LIKE_AN_ID.fullmatch(slug) else slug


def free_slug(title: str, siblings: ModelSelect[Any]) -> str:
    """Return the title's slug, with a number from `-2` on if one of `siblings` has it.

    The number is the next one, or that of one that was deleted: it is found by few look-ups, however many
    have the title.
    """
    slug = slug_of(title)

    def is_taken(number: int) -> bool:
        name = slug if number == 1 else f"{slug}-{number}"
        return bool(siblings.where(siblings.model.slug == name).exists())

    number = _first_free(is_taken)
    return slug if number == 1 else f"{slug}-{number}"


def _first_free(is_taken: Callable[[int], bool]) -> int:
    """Return a free number from 1 on, before which one is taken; the first, if no number is left out."""
    taken, free = 0, 1
    while is_taken(free):
        taken, free = free, free * 2
    while free - taken > 1:
        middle = (taken + free) // 2
        if is_taken(middle):
            taken = middle
        else:
            free = middle
    return free
