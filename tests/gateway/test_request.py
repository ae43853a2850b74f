"""Reading credentials and ids out of a request."""

from __future__ import annotations

import pytest

from gateway.denial import Denial
from gateway.keys import mint
from gateway.request import (
    carries_key_in_url,
    hint_about_form,
    hint_about_unknown,
    request_id_of,
    take_raw_key,
)

KEY, OTHER = mint("personal"), mint("api")


@pytest.mark.parametrize(
    ("api_key", "authorization", "expected"),
    [
        (KEY, None, KEY),
        (None, f"Bearer {KEY}", KEY),
        (None, f"bearer   {KEY}", KEY),
        (None, f"BEARER {KEY} ", KEY),
        (f"  {KEY}\t", None, KEY),
        (KEY, f"Bearer {KEY}", KEY),
        (KEY, "Basic dXNlcjpwYXNz", KEY),
        (KEY, 'Digest username="a", realm="b"', KEY),
        ("", f"Bearer {KEY}", KEY),
        (KEY, "Bearer", KEY),
        ("nonsense", None, "nonsense"),
        (None, None, "MISSING_API_KEY"),
        ("", "", "MISSING_API_KEY"),
        (None, "Bearer ", "MISSING_API_KEY"),
        (None, "Basic dXNlcjpwYXNz", "MISSING_API_KEY"),
        (None, KEY, "MISSING_API_KEY"),
        (KEY, f"Bearer {OTHER}", "AMBIGUOUS_CREDENTIALS"),
        (f"{KEY},{KEY}", None, "AMBIGUOUS_CREDENTIALS"),
        (f"{KEY}, {OTHER}", None, "AMBIGUOUS_CREDENTIALS"),
        (None, f"Bearer {KEY},Bearer {KEY}", "AMBIGUOUS_CREDENTIALS"),
        (None, f"Basic abc, Bearer {KEY}", "AMBIGUOUS_CREDENTIALS"),
        (",", None, "AMBIGUOUS_CREDENTIALS"),
    ],
)
def test_the_one_key_of_a_request(api_key: str | None, authorization: str | None, expected: str) -> None:
    environ: dict[str, object] = {"HTTP_HOST": "localhost"}
    if api_key is not None:
        environ["HTTP_X_API_KEY"] = api_key
    if authorization is not None:
        environ["HTTP_AUTHORIZATION"] = authorization
    found = take_raw_key(environ)
    assert (found.code if isinstance(found, Denial) else found) == expected
    assert environ == {"HTTP_HOST": "localhost"}


@pytest.mark.parametrize(
    ("path", "query", "carried"),
    [
        ("/v1/me", "", False),
        (f"/v1/{KEY}/x", "", True),
        (f"/v1/{OTHER}", "", True),
        ("/v1/me", f"api_key={KEY}", True),
        ("/v1/me", f"api%5Fkey={KEY.replace('_', '%5F')}", True),
        ("/v1/me", f"token=Bearer+{KEY}", True),
        ("/v1/me", f"key={KEY[:-1]}", False),
        ("/v1/me", "key=vxk_", False),
        ("/v1/vibe_coding", "q=%zz%ff", False),
    ],
)
def test_a_key_in_the_url_is_seen(path: str, query: str, carried: bool) -> None:
    assert carries_key_in_url({"PATH_INFO": path, "QUERY_STRING": query}) is carried


@pytest.mark.parametrize("own", ["a", "A-b_c.9", "x" * 64])
def test_a_well_formed_request_id_is_kept(own: str) -> None:
    assert request_id_of({"HTTP_X_REQUEST_ID": own}) == own


@pytest.mark.parametrize("own", ["", "x" * 65, "a b", "a\n", "ü", "a,b"])
def test_any_other_request_id_is_replaced(own: str) -> None:
    made = request_id_of({"HTTP_X_REQUEST_ID": own})
    assert made != own
    assert len(made) == 32


@pytest.mark.parametrize(
    ("raw_key", "word"),
    [
        (f'"{KEY}"', "quotes"),
        (f"'{KEY}", "quotes"),
        (KEY[:20] + " " + KEY[20:], "spaces"),
        (KEY[:-5], "truncated"),
        (KEY + "0", "too long"),
        (KEY[:-1] + ("0" if KEY[-1] != "0" else "1"), "checksum"),
        ("sk_live_1234", "vibe_live_"),
    ],
)
def test_the_hint_names_what_is_wrong(raw_key: str, word: str) -> None:
    hint = hint_about_form(raw_key)
    assert word in hint
    assert raw_key not in hint


@pytest.mark.parametrize(
    ("raw_key", "word", "may_be_older"),
    [
        (KEY, "deleted", False),
        ("old_key_1", "deleted", False),
        (f'"{KEY}"', "quotes", False),
        ("'old_key_1'", "quotes", False),
        (KEY[:-5], "truncated", True),
        (KEY + "0", "too long", True),
        (KEY[:-1] + ("0" if KEY[-1] != "0" else "1"), "checksum", True),
    ],
)
def test_the_hint_about_a_key_that_was_looked_up(raw_key: str, word: str, may_be_older: bool) -> None:
    hint = hint_about_unknown(raw_key)
    assert word in hint
    assert ("older system" in hint) is may_be_older
    assert raw_key not in hint
