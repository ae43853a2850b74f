"""The scripts of the dashboard, each on a page with nothing else, under the policy of all its pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from app.assets import asset_path
from app.dashboard.protection import CONTENT_SECURITY_POLICY
from tests.browser.axe import axe
from tests.browser.look import each_look

HERE, THERE = "/dashboard/here", "/dashboard/there"
STYLES = ("vendor/pico.conditional.min.css", "base.css", "dashboard.css", "vendor/uplot.min.css")

Show = Callable[..., None]


@pytest.fixture
def show(page: Page) -> Show:
    """A function that shows a page with these scripts, and this in its body."""

    def show_page(body: str, *scripts: str) -> None:
        page.route(f"**{HERE}", lambda route: route.fulfill(**document(body, *scripts)))
        page.goto(HERE)

    page.route(f"**{THERE}", lambda route: route.fulfill(**document("<p>You are there.</p>")))
    return show_page


def document(body: str, *scripts: str) -> dict[str, object]:
    links = "".join(f'<link rel="stylesheet" href="{asset_path(name)}">' for name in STYLES)
    files = "".join(f'<script src="{asset_path(name)}" defer></script>' for name in scripts)
    return {
        "content_type": "text/html; charset=utf-8",
        "headers": {"Content-Security-Policy": CONTENT_SECURITY_POLICY},
        "body": f"""<!doctype html><html lang="en" class="pico"><head><title>Example</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="htmx-config" content='{{"history": "reload", "includeIndicatorCSS": false}}'>
            {links}{files}</head><body><main><h1>Example</h1>{body}</main></body></html>""",
    }


HTMX = ("vendor/htmx.min.js", "copy.js")


def test_htmx_asks_for_a_part_and_puts_it_in(page: Page, show: Show) -> None:
    part = '<pre class="command"><code>curl</code></pre>'
    page.route("**/dashboard/part", lambda route: route.fulfill(body=part, content_type="text/html"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    show('<button hx-get="/dashboard/part" hx-target="#part">More</button><div id="part"></div>', *HTMX)
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "curl"


def test_htmx_puts_a_refusal_in_as_well(page: Page, show: Show) -> None:
    page.route(
        "**/dashboard/part",
        lambda route: route.fulfill(status=400, body="<p>A name is needed.</p>", content_type="text/html"),
    )
    show('<form hx-post="/dashboard/part"><button>Save</button></form>', *HTMX)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A name is needed.")).to_be_visible()


@pytest.mark.parametrize(
    ("seconds", "at_first", "a_minute_later"),
    [
        (60, "1 minute 0 seconds", "over"),
        (61, "1 minute 1 second", "0 minutes 1 second"),
        (3_660, "1 hour 1 minute", "1 hour 0 minutes"),
        (2 * 86_400, "2 days 0 hours", "1 day 23 hours"),
    ],
)
def test_what_is_left_of_a_time_goes_down(
    page: Page, show: Show, seconds: int, at_first: str, a_minute_later: str
) -> None:
    page.clock.install()
    show(f'<time data-countdown="{seconds}">some time</time>', "dashboard/countdown.js")
    time = page.locator("time")
    expect(time).to_have_text(at_first)
    page.clock.run_for(60_000)
    expect(time).to_have_text(a_minute_later)


SUBMIT_ONCE = "dashboard/submit-once.js"
LEAVE = f"""<p data-unsaved>vibe_api_…</p><a href="{THERE}">Keys</a>
    <label><input type="checkbox" data-saved> I have saved it</label>
    <a href="{THERE}" data-saved>Go on, I have saved it</a>"""


def test_who_leaves_what_is_not_saved_is_asked(page: Page, show: Show) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    show(LEAVE, "dashboard/leave.js")
    page.get_by_role("link", name="Keys").click()
    expect(page.get_by_text("vibe_api_…")).to_be_visible()
    assert asked == ["beforeunload"]


def test_who_has_saved_it_is_not_asked(page: Page, show: Show) -> None:
    show(LEAVE, "dashboard/leave.js")
    page.get_by_role("checkbox", name="I have saved it").check()
    page.get_by_role("link", name="Keys").click()
    expect(page.get_by_text("You are there.")).to_be_visible()


def test_who_says_so_by_going_on_is_not_asked(page: Page, show: Show) -> None:
    show(LEAVE, "dashboard/leave.js")
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_text("You are there.")).to_be_visible()


def test_a_form_is_sent_once_until_its_answer_is_given_up(page: Page, show: Show) -> None:
    page.clock.install()
    show('<form method="post" action="/dashboard/sent"><button>Create</button></form>', SUBMIT_ONCE)
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    page.route("**/dashboard/sent", lambda route: route.fulfill(status=204))  # as if none had come
    button = page.get_by_role("button", name="Create")
    button.dblclick()
    button.press("Enter")
    page.clock.run_for(10_000)
    with page.expect_request("**/dashboard/sent"):
        button.press("Enter")
    assert len(sent) == 2


def test_times_are_the_visitor_s(page: Page, show: Show) -> None:
    show(
        '<time datetime="2026-11-26T14:03:00Z" data-local>2026-11-26 14:03</time> <i data-time-zone>UTC</i>',
        "dashboard/local-times.js",
    )
    expect(page.locator("time")).to_have_text("2026-11-26 23:33")
    expect(page.locator("i")).to_have_text("Australia/Darwin")


CHART = """<figure class="chart" data-chart="/dashboard/usage.json" data-kind="{kind}">
    <table><caption>Requests</caption><thead><tr><th>Day</th><th>Requests</th></tr></thead>
    <tbody><tr><td>2026-11-25</td><td>7</td></tr></tbody></table></figure>"""
USAGE = {
    "step": "day",
    "times": [86_400 * day for day in range(20_780, 20_788)],
    "series": [
        {"label": "Requests", "values": [7, 12, 0, 30, 22, 9, 4, 18]},
        {"label": "Refused", "values": [0, 2, 0, 3, 0, 1, 0, 0]},
    ],
}
CHARTS = ("vendor/uplot.min.js", "dashboard/chart.js")
DRAWN = """(width) => {
    const canvas = document.querySelector("canvas");
    const copy = new OffscreenCanvas(canvas.width, canvas.height)
        .getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const style = getComputedStyle(document.documentElement);
    const isThere = (colour) => {
        const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)).concat(255);
        return data.some((_, at) => at % 4 === 0 && wanted.every((part, more) => data[at + more] === part));
    };
    const colours = ["--chart-1", "--chart-2"].map((name) => style.getPropertyValue(name));
    return canvas.offsetWidth <= width && colours.every(isThere);
}"""
"""Tells whether the chart is no wider than that, and has both colours in it."""


@pytest.mark.parametrize("kind", ["bars", "line"])
def test_a_chart_is_drawn_in_the_colours_of_the_page(page: Page, show: Show, kind: str) -> None:
    page.route("**/dashboard/usage.json", lambda route: route.fulfill(json=USAGE))
    show(CHART.format(kind=kind), *CHARTS)
    for look in each_look(page):
        page.wait_for_function(DRAWN, arg=look.width)
    expect(page.get_by_role("table")).to_have_count(1)
    axe(page)


def test_a_chart_that_cannot_be_loaded_leaves_its_table(page: Page, show: Show) -> None:
    page.route("**/dashboard/usage.json", lambda route: route.fulfill(status=404, json={}))
    show(CHART.format(kind="bars"), *CHARTS)
    expect(page.get_by_text("The chart could not be loaded.")).to_be_visible()
    expect(page.get_by_role("table", name="Requests")).to_be_visible()
