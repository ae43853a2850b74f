"""Batches as the guide tells them: what comes back, and how much there is room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.bitrix.client import MOST_IN_A_BATCH
from app.bitrix.pages import PAGE
from app.schemas.batch import BatchAnswer

_BESIDE = 10
"""Other calls of the example."""

_MOST = MOST_IN_A_BATCH * PAGE
ROOM = (
    f"All calls share {MOST_IN_A_BATCH} commands of Bitrix24. Each call is one; a list is one for each page "
    f"of {PAGE} that its limit and offset reach into, however few items there are; pages begin at 0, {PAGE}, "
    f"{2 * PAGE} and so on. A list within one page always has room. Longer ones have, in their order, what "
    f"the others leave: alone in a batch a list may ask for {_MOST} items, beside {_BESIDE} other calls for "
    f"{_MOST - _BESIDE * PAGE}. One that asks for more is refused with VALIDATION_ERROR, whose details say "
    "how many items there is room for; the other calls are made all the same."
)
"""How much one batch takes."""


def batch_reference(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what the members of `data` hold, by name, and `room`. `document` is the OpenAPI document."""
    members = document["components"]["schemas"][BatchAnswer.__name__]["properties"]
    return {**{name: facts["description"] for name, facts in members.items()}, "room": ROOM}
