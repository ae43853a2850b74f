"""What can be told of a page's accessibility by a machine: the rules of axe-core, and one of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.look import each_look

_AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text()
_RUN = """async (rules) => {
    const { violations, incomplete } = await axe.run({ ...rules, resultTypes: ["violations", "incomplete"] });
    // axe does not call it a violation, since it might be meant.
    const isOfItsGround = ({ any }) => any.some(({ data }) => data?.messageKey === "equalRatio");
    const unseen = incomplete.map((rule) => ({ ...rule, nodes: rule.nodes.filter(isOfItsGround) }));
    return [...violations, ...unseen.filter(({ nodes }) => nodes.length)];
}"""
# What the others find does not depend on colours.
_RULES: dict[str, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
_BEYOND_THE_SCREEN = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_PLACES_SHOWN = 5


def axe(page: Page) -> None:
    """Assert that no rule is broken, in light and dark, on a phone and on a desktop.

    Nobody shall have to scroll sideways either.
    """
    # Evaluated by the debugger, which the page's policy does not bind; nothing is added to the page.
    page.evaluate(_AXE)
    for look in each_look(page):
        found = [line for violation in page.evaluate(_RUN, _RULES[look.scheme]) for line in _told(violation)]
        assert not found, f"{look}: {page.url}\n" + "\n".join(found)
        assert page.evaluate(_BEYOND_THE_SCREEN) == 0, f"{look}: {page.url} is wider than the screen"


def _told(violation: dict[str, Any]) -> list[str]:
    places, more = violation["nodes"][:_PLACES_SHOWN], violation["nodes"][_PLACES_SHOWN:]
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}",
        *(f"  {node['target'][-1]}: {node['html']}" for node in places),
        *([f"  and {len(more)} more"] if more else []),
        *(f"    {line}" for line in places[0]["failureSummary"].splitlines()),
    ]
