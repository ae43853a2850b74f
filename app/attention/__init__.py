"""Which keys somebody should look at, and the one change that mends each.

`survey` goes once through the keys that an account sees, and tells how many there are of each `Kind` and
which come first. `mends_of` tells what would be changed about them. A key that does not work any more, or has
a successor, needs nothing.
"""

from __future__ import annotations

from app.attention.mends import Mend, mends_of
from app.attention.survey import Found, Kind, survey

__all__ = ["Found", "Kind", "Mend", "mends_of", "survey"]
