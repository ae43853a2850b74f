"""Looking for words in documents, by the full-text index of their table (SQLite's FTS5).

What somebody types is words and nothing else: FTS5's own language is never read from it.
"""

from __future__ import annotations

from typing import Any

from peewee import SQL

from app.models import Document


def has_words(model: type[Document], account_id: str, text: str) -> Any:
    """Return the condition under which a document of the account has, for each word, one that begins so.

    Case and accents make no difference. A text without a single letter or digit is found nowhere.
    """
    fields: Any = model
    words = [word for word in text.split() if any(character.isalnum() for character in word)]
    if not words:
        return fields.number.in_([])
    wanted = " AND ".join(f"{_quoted(word)} *" for word in words)
    # The account is looked up as a word, too: else a search would go through what all tenants have written.
    query = f"account_id : {_quoted(account_id)} AND - account_id : ({wanted})"
    index = f"{fields._meta.table_name}_words"
    return fields.number.in_(SQL(f"(SELECT rowid FROM {index} WHERE {index} MATCH ?)", (query,)))


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'
