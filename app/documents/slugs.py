"""Slugs: names for addresses, made of titles."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import Any

from peewee import ModelSelect

UNTITLED = "untitled"
"""The slug of a title of which nothing can be written in ASCII."""

_LENGTH = 200
_WITHOUT_DECOMPOSITION = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i"}
)
_OTHERS = re.compile(r"[^a-z0-9]+")


def slug_of(title: str) -> str:
    """Return the title in small ASCII letters and digits, with a hyphen for all that stands between them."""
    letters = unicodedata.normalize("NFKD", title).casefold().translate(_WITHOUT_DECOMPOSITION)
    # Accents are dropped from their letters before anything is replaced: they are no place to divide a word.
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _OTHERS.sub("-", bare).strip("-")[:_LENGTH].rstrip("-") or UNTITLED


def free_slug(title: str, siblings: ModelSelect[Any]) -> str:
    """Return the title's slug, with the first of `-2`, `-3`, … that makes it unlike those of `siblings`."""
    slug, column = slug_of(title), siblings.model.slug
    numbered = (column >= f"{slug}-0") & (column < f"{slug}-:")  # a colon comes next after the nine
    found = siblings.select(column).where((column == slug) | numbered)
    taken = {row for (row,) in found.tuples()}
    if slug not in taken:
        return slug
    return next(name for n in itertools.count(2) if (name := f"{slug}-{n}") not in taken)
