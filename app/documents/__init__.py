"""Prompts, artifacts and memories: what an account keeps for its tools.

`kinds` has the three of them, on the one life that `life` describes; `slugs` makes names of titles, and
`search` turns what somebody looks for into a condition.
"""

from __future__ import annotations

from app.documents.kinds import Artifacts, Memories, Prompts
from app.documents.life import Documents, find, tag_of
from app.documents.search import has_words, holds_a_word

__all__ = ["Artifacts", "Documents", "Memories", "Prompts", "find", "has_words", "holds_a_word", "tag_of"]
