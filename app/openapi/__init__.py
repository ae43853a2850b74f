"""The OpenAPI document of what is served, made from the same tables that enforce it.

Here: `document` puts it together, `envelopes` are the schemas around all answers, `refusals` tells what a
route refuses with, `headers` which header stands where, and `public` has the paths that need no key.
"""

from __future__ import annotations

from app.openapi.document import DocumentedApi, make_api
from app.openapi.envelopes import answer_of, page_of, part_of
from app.openapi.refusals import COMMON_CODES, own_codes_of

__all__ = [
    "COMMON_CODES",
    "DocumentedApi",
    "answer_of",
    "make_api",
    "own_codes_of",
    "page_of",
    "part_of",
]
