"""Where the installation's secret comes from, and what sealing promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.config import Config
from app.secrets import Secrets, SecretsError, _create


def _config(folder: Path, secret_key: str = "") -> Config:
    return Config.from_env({"STATE_DIR": str(folder), "SECRET_KEY": secret_key})


def test_the_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    sealed = Secrets.load(_config(folder), create=True).seal("a", b"text")
    assert Secrets.load(_config(folder), create=True).open("a", sealed) == b"text"
    assert Secrets.load(_config(folder), create=False).open("a", sealed) == b"text"
    assert [file.name for file in folder.iterdir()] == ["secret.key"]
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600


def test_makers_at_the_same_time_end_up_with_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Secrets.load(_config(tmp_path), create=True), range(8)))
    assert len({secrets.mac("a", b"text") for secrets in made}) == 1


def test_no_secret_is_made_by_a_command_that_only_uses_it(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="run `vibekeys migrate`"):
        Secrets.load(_config(tmp_path), create=False)
    assert not list(tmp_path.iterdir())


def test_a_setting_wins_over_the_file_and_makes_none(tmp_path: Path) -> None:
    secrets = Secrets.load(_config(tmp_path, "from the environment"), create=True)
    assert not list(tmp_path.iterdir())
    assert secrets.mac("a", b"text") == Secrets(["from the environment"]).mac("a", b"text")


def test_an_unusable_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(SecretsError, match="STATE_DIR"):
        Secrets.load(_config(tmp_path), create=True)


@pytest.mark.parametrize(
    ("secrets", "purpose", "opens"),
    [
        (["first"], "a", True),
        (["new", "first"], "a", True),
        (["new"], "a", False),
        (["first"], "b", False),
    ],
)
def test_who_opens_what(secrets: list[str], purpose: str, opens: bool) -> None:
    sealed = Secrets(["first"]).seal("a", b"text")
    assert b"text" not in sealed
    if opens:
        assert Secrets(secrets).open(purpose, sealed) == b"text"
        return
    with pytest.raises(SecretsError):
        Secrets(secrets).open(purpose, sealed)


def test_an_altered_seal_does_not_open() -> None:
    secrets = Secrets(["first"])
    sealed = bytearray(secrets.seal("a", b"text"))
    sealed[-1] ^= 1
    with pytest.raises(SecretsError):
        secrets.open("a", bytes(sealed))


def test_a_maker_that_comes_second_keeps_the_first_ones_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text("the first one's\n")
    _create(path)
    assert path.read_text() == "the first one's\n"
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
