"""A whitelist while it is typed."""

from __future__ import annotations

import pytest

from tests.api.world import Answer, World
from tests.dashboard.browser import ADDRESS, PROBES, Browser
from tests.dashboard.conftest import SignedIn
from tests.dashboard.pages_of_keys import text_of

PATH = "/dashboard/keys/whitelist-check"


@pytest.fixture
def browser(world: World, signed_in: SignedIn) -> Browser:
    return signed_in(world.admin.account)


def judged(browser: Browser, text: str) -> Answer:
    answer = browser.post(PATH, {"ipWhitelist": text})
    assert answer.status == 200
    assert "<html" not in answer.body.decode()
    return answer


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("10.1.2.3/8", "10.0.0.0/8 10.0.0.0 to 10.255.255.255, 16,777,216 addresses"),
        ("::ffff:192.0.2.1", "192.0.2.1 one address"),
        ("192.0.2.1/32", "192.0.2.1 one address"),
        ("0.0.0.0/0", "0.0.0.0 to 255.255.255.255, 4,294,967,296 addresses"),
        ("2001:DB8::/32", "2001:db8:: to 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("", "Empty: the key works from anywhere. Your address is 203.0.113.7 ."),
        (" \n\n", "Empty: the key works from anywhere."),
        ("203.0.113.0/24", "Your address 203.0.113.7 is inside ."),
        ("192.0.2.1", "Your address 203.0.113.7 is not inside : from here the key would be refused"),
        ("10.0.0.1\n300.1.1.1", "Line 2: “300.1.1.1” is neither an address nor a CIDR"),
        ("10.0.0.1, 10.0.0.2; fe80::1%eth0", "Line 1: “fe80::1%eth0” is neither"),
        ("10.0.0.0/255.0.0.0", "is neither"),
        ("x" * 100, f"“{'x' * 50}…”"),
    ],
)
def test_it_says_what_each_entry_means(browser: Browser, text: str, means: str) -> None:
    assert means in text_of(judged(browser, text))


def test_a_long_one_is_cut_short_and_one_that_is_too_long_is_told(browser: Browser) -> None:
    many = [f"10.{n // 250}.{n % 250}.0/24" for n in range(1_001)]
    assert "And 980 more." in text_of(judged(browser, "\n".join(many[:1_000])))
    assert "at most 1,000 entries" in text_of(judged(browser, "\n".join(many)))
    assert "And 30 more." in text_of(judged(browser, "wrong\n" * 50))


@pytest.mark.parametrize(
    ("typed", "after"),
    [
        ("", ADDRESS),
        ("192.0.2.1\n", f"192.0.2.1\n{ADDRESS}"),
        ("wrong", f"wrong\n{ADDRESS}"),
        ("203.0.113.0/24", "203.0.113.0/24"),
    ],
)
def test_ones_own_address_is_put_in_unless_it_is_inside(browser: Browser, typed: str, after: str) -> None:
    field = browser.post(f"{PATH}?add=mine", {"ipWhitelist": typed})
    assert f">\n{after}</textarea>" in field.body.decode()
    assert "is inside" in text_of(field)


@pytest.mark.parametrize("probe", PROBES)
def test_entries_are_text(browser: Browser, probe: str) -> None:
    for path in (PATH, f"{PATH}?add=mine"):
        page = browser.post(path, {"ipWhitelist": probe})
        assert "<script>alert" not in page.body.decode()
        assert "<img src=x" not in page.body.decode()
        assert "49" not in text_of(page)


def test_nobody_else_is_answered(world: World, browser: Browser) -> None:
    assert browser.open("POST", PATH, data={"ipWhitelist": ""}).status == 403
    assert Browser(world.service).post(PATH, {"ipWhitelist": ""}).status == 401
