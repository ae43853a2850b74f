"""Looking for words in documents, by the full-text index of their table (SQLite's FTS5).

What somebody types is words and nothing else: FTS5's own language is never read from it.
"""

from __future__ import annotations

from typing import Any

from peewee import SQL

from app.models import Document

FOLDED = str.maketrans({"ё": "е", "Ё": "Е", "ß": "ss", "ẞ": "SS"})
"""What the tokenizer takes for letters of their own; the triggers of the index replace the same."""


def has_words(model: type[Document], account_id: str, text: str) -> Any:
    """Return the condition under which a document of the account has, for each word, one that begins so.

    Case and accents make no difference. A text without a single letter or digit is found nowhere, and what
    stands behind the first 100,000 characters of a long text is not found.
    """
    fields: Any = model
    words = [word for word in text.translate(FOLDED).split() if holds_a_word(word)]
    if not words:
        return fields.number.in_([])
    wanted = " AND ".join(f"{_quoted(word)} *" for word in words)
    # The account is looked up as a word, too: else a search would go through what all tenants have written.
    query = f"account_id : {_quoted(account_id)} AND - account_id : ({wanted})"
    index = f"{fields._meta.table_name}_words"
    return fields.number.in_(SQL(f"(SELECT rowid FROM {index} WHERE {index} MATCH ?)", (query,)))


def holds_a_word(text: str) -> bool:
    """Tell whether there is anything in the text to look for: a letter or a digit."""
    return any(character.isalnum() for character in text)


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'
