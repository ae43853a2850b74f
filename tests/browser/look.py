"""How a page is looked at: in light or dark, on a phone or on a desktop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Page

_SETTLED = "document.getAnimations().every((animation) => animation.playState !== 'running')"


@dataclass(frozen=True, slots=True)
class Look:
    """One of the ways."""

    scheme: Literal["light", "dark"]
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}"

    @property
    def is_phone(self) -> bool:
        return self.width < 600

    def at(self, page: Page) -> None:
        """Have the page look like that."""
        page.set_viewport_size({"width": self.width, "height": self.height})
        page.emulate_media(color_scheme=self.scheme)
        page.wait_for_function(_SETTLED)


LOOKS = [Look(scheme, *size) for size in ((1280, 800), (390, 844)) for scheme in ("light", "dark")]


def each_look(page: Page) -> Iterator[Look]:
    """Yield the looks, with the page in each; afterwards it is as it was at first."""
    for look in LOOKS:
        look.at(page)
        yield look
    LOOKS[0].at(page)
