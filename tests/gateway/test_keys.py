"""The form of a raw key."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable

import pytest

from gateway.keys import (
    KEY_IN_TEXT,
    KEY_TYPES,
    PREFIXES,
    digest,
    display_parts,
    holds_key,
    key_type_of,
    masked,
    mint,
    take_for_keys,
)


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_minted_key_has_prefix_random_part_and_checksum(key_type: str) -> None:
    raw_key = mint(key_type)
    body = raw_key[:-8]
    assert raw_key.startswith(PREFIXES[key_type])
    assert len(raw_key) == len(PREFIXES[key_type]) + 64
    assert raw_key[-8:] == f"{zlib.crc32(body.encode()):08x}"
    assert key_type_of(raw_key) == key_type
    assert digest(raw_key) == hashlib.sha256(raw_key.encode()).hexdigest()


def test_no_two_minted_keys_are_alike() -> None:
    assert len({mint("personal") for _ in range(1000)}) == 1000


RAW_KEY = "vxk_" + "0" * 56 + f"{zlib.crc32(('vxk_' + '0' * 56).encode()):08x}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vxk_",
        RAW_KEY[:-1],
        RAW_KEY + "0",
        RAW_KEY + "\n",
        RAW_KEY.upper(),
        RAW_KEY[:-1] + ("0" if RAW_KEY[-1] != "0" else "1"),
        RAW_KEY.replace("0", "1", 1),
        "vyk_" + RAW_KEY[4:],
        " " + RAW_KEY,
        "vibe_api_" + RAW_KEY[4:],
        "vxk_" + "é" * 64,
    ],
)
def test_other_texts_are_no_key(text: str) -> None:
    assert key_type_of(RAW_KEY) == "personal"
    assert key_type_of(text) is None


def test_every_single_wrong_character_is_found() -> None:
    for place in range(4, len(RAW_KEY)):
        wrong = "f" if RAW_KEY[place] != "f" else "e"
        assert key_type_of(RAW_KEY[:place] + wrong + RAW_KEY[place + 1 :]) is None


def test_the_ends_that_are_shown() -> None:
    raw_key = mint("management")
    assert display_parts(raw_key) == (raw_key[:16], raw_key[-4:])


@pytest.mark.parametrize(
    ("text", "found"),
    [(f"a {RAW_KEY}.", True), (f"?k={RAW_KEY}&x", True), (f"x{RAW_KEY}", False), (RAW_KEY + "0", False)],
)
def test_keys_are_found_in_text(text: str, found: bool) -> None:
    assert bool(KEY_IN_TEXT.search(text)) is found


@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize("cut", [0, 1, 48])
def test_a_raw_key_whole_or_cut_is_masked_wherever_it_stands(key_type: str, cut: int) -> None:
    raw_key = mint(key_type)
    shown, _ = display_parts(raw_key)
    for before, after in (("", ""), ("x", "."), ("key=", "&"), ("(", "Z")):
        text = masked(f"{before}{raw_key[: len(raw_key) - cut]}{after}")
        assert text == f"{before}{shown}***{after.strip('Z')}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (r"vibe\_live\_", ""),
        ("vibe&#95;live&#95;", ""),
        ("vibe%5Flive%5F", "%20"),
        (r"vibe\u005flive\u005f", '"'),
        ("VIBE_LIVE_", ""),
        ("vibe-live-", ""),
        ("vibe_live_ ", " ok"),
        ("vibe_live_\u200b", "\u200b"),
        ("vibe_live_\n", "\n"),
        ("ключ: ", " \ud800"),
        ("", ""),
        ("f" * 63, "0" * 63),
    ],
)
@pytest.mark.parametrize("spelled", [str.lower, str.upper])
@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_whole_secret_is_masked_whatever_became_of_its_prefix(
    key_type: str, spelled: Callable[[str], str], before: str, after: str
) -> None:
    secret = spelled(mint(key_type).removeprefix(PREFIXES[key_type]))
    assert masked(f"{before}{secret}{after}") == f"{before}{secret[:6]}***{after}"


def test_all_secrets_of_a_text_are_masked() -> None:
    secrets = [mint(key_type).removeprefix(PREFIXES[key_type]) for key_type in KEY_TYPES]
    assert masked("".join(secrets)) == "".join(f"{secret[:6]}***" for secret in secrets)
    assert masked(f"a {', '.join(secrets)}.") == f"a {', '.join(f'{secret[:6]}***' for secret in secrets)}."


@pytest.mark.parametrize("length", [16, 17, 40, 63])
def test_a_key_that_was_cut_off_or_mistyped_is_masked_behind_its_prefix(length: int) -> None:
    secret = "0123456789abcdef" * 4
    assert masked(f"x vxk_{secret[:length]}, y") == "x vxk_012345***, y"
    assert masked(f"x vxk_{secret[:length]}O{secret[length + 1 :]}, y") == "x vxk_012345***, y"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vibe_api_documentation",
        "vibe_app_backgroundworker1",
        "vibe_api_connectiontimeoutseconds",
        "vxk_synchronisationjobs2",
        "vibe_api_8e195d",
        "vibe_api_0123456789abcde",
        "VXK_" + "0" * 64,
        "vxk_ settings",
        f"sha256:{hashlib.sha256(b'a text').hexdigest()}",
        "0123456789abcdef" * 20,
    ],
)
def test_other_texts_are_not_masked(text: str) -> None:
    assert masked(text) == text


@pytest.fixture
def older_keys(older_keys_forgotten: None) -> None:
    """Keys of an older system were taken over under two of the prefixes."""
    take_for_keys({"vxk_", "vibe_app_"})


OLDER = [
    "vxk_0123456789zZyYxXwWvV",
    "vxk_" + "aB3-_" * 9,
    "vxk_" + "abcdefghijklmnopqrstABCD",
    "vxk_2f1c7a36-1f0e-4b7d-9f2e-5a8c3d1b0e77",
    "vibe_app_" + "Zz9" * 100,
]
NO_OLDER_KEYS = [
    "vxk_xyz4567890123456789",
    "vxk_1234… and vxk_123456",
    "vibe_app_migration_to_another_database",
    "vibe_app_background-worker-settings",
    "vibe_api_" + "aB3-_" * 9,
    "VXK_" + "Zz9" * 20,
]


@pytest.mark.parametrize("raw_key", OLDER)
def test_a_key_of_an_older_system_is_known_once_its_prefix_was_told(older_keys: None, raw_key: str) -> None:
    for before, after in (("", ""), ("key=", "&"), ("(", ")."), ("\\n", '"'), ("%3D", "%20")):
        text = f"{before}{raw_key}{after}"
        assert masked(text) == f"{before}{display_parts(raw_key)[0]}***{after}"
        assert masked(masked(text)) == masked(text)
        assert holds_key(text)
    take_for_keys(())
    assert not holds_key(raw_key)


@pytest.mark.parametrize("text", NO_OLDER_KEYS)
def test_words_and_what_is_shown_of_a_key_are_no_keys_of_an_older_system(older_keys: None, text: str) -> None:
    assert masked(text) == text
    assert not holds_key(text)


def test_a_long_text_without_an_older_key_is_read_once(older_keys: None) -> None:
    text = "vxk_" * 500_000
    assert masked(text) == text
