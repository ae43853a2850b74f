"""The dashboard: pages for people, below `/dashboard`, made on the server.

A page is a function with a path (`page`), a template in `app/templates/dashboard/` and nothing of its own to
decide: it asks and changes through the same domain functions and schemas as the API. Pages work without
scripts; htmx asks for parts of them where that is quicker. `visitor` knows who is signed in. What a browser
has to prove before anything is changed, and what it may do with an answer, is in `protection` and `cookie`.
Most pages are made of `forms` and `tables`.
"""

from __future__ import annotations

from app.dashboard import (
    account,
    account_access,
    activity,
    alerts,
    attention,
    documents,
    failures,
    feedback,
    key_changes,
    key_endings,
    key_page,
    key_rotations,
    keys,
    members,
    new_keys,
    oidc,
    operator,
    overview,
    portal_endings,
    portals,
    protection,
    sign_in,
    whitelists,
)
from app.dashboard.page import blueprint

__all__ = [
    "account",
    "account_access",
    "activity",
    "alerts",
    "attention",
    "blueprint",
    "documents",
    "failures",
    "feedback",
    "key_changes",
    "key_endings",
    "key_page",
    "key_rotations",
    "keys",
    "members",
    "new_keys",
    "oidc",
    "operator",
    "overview",
    "portal_endings",
    "portals",
    "protection",
    "sign_in",
    "whitelists",
]
