"""The pages under `/docs`: for people who read before they have a key.

They are made from the tables that the service itself obeys (`app.registry`, `app.errors`, `app.scopes`,
`app.feedback`, the settings), so a page cannot promise what is not served. `pages` has the pages, and `page`
what makes a function one; `reference` says in rows what a page shows, `calls` writes the examples, `remedies`
says what to do about each code. The templates are in `app/templates/docs/`.
"""

from __future__ import annotations

from app.docs import pages
from app.docs.page import blueprint

__all__ = ["blueprint", "pages"]
