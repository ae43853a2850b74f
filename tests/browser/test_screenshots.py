"""The pictures that ``make screenshots`` takes: there are those, and no others."""

from __future__ import annotations

from tests.browser.look import LOOKS
from tests.browser.screenshots import FOLDER, SHOTS, SIGN_IN

LARGEST = 160_000


def test_there_is_a_picture_of_every_shot_in_every_look() -> None:
    taken = {shot.file(look) for shot in (SIGN_IN, *SHOTS) for look in LOOKS}
    assert set(FOLDER.iterdir()) == taken


def test_a_picture_is_loaded_quickly() -> None:
    assert [path.name for path in FOLDER.iterdir() if path.stat().st_size > LARGEST] == []
