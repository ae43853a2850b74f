"""The documents against the code: what exists is written down, and what is written down exists."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.bitrix.conditions import OPERATORS
from app.bitrix.entities import ENTITIES
from app.cli import cli
from app.config import Config
from app.docs.remedies import REMEDIES
from app.errors import ERRORS
from app.models.activity import EVENT_TYPES
from app.registry import ROUTES
from app.registry.entities import ROUTE_FOR
from gateway.denial import DENIALS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs/api.md").read_text()
TROUBLESHOOTING = (ROOT / "docs/troubleshooting.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/*.md")])

SETTINGS = [name.upper() for name in Config.__dataclass_fields__ if name != "database_path"]
FOLLOWS_OTHERS = {
    "STATE_DIR": "the folder of the database file",
    "PUBLIC_URL": "`http://HOST:PORT`",
    "MAIL_FROM": "`vibekeys@` and the host of `PUBLIC_URL`",
}
"""Defaults that no value can be written for."""
NOT_IN_THE_TABLE = {"--json", "--help", "--version"}
"""Options of every command, which the README tells once for all."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def rows(document: str, columns: int) -> Iterator[list[str]]:
    """The rows of all tables with so many columns; an escaped bar does not divide cells."""
    for line in document.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if line.startswith("|") and len(cells) == columns:
            yield cells


def code_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def options_of(command: click.Command) -> set[str]:
    options = (parameter for parameter in command.params if isinstance(parameter, click.Option))
    names = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    return {name for name in names if name.startswith("--")} - NOT_IN_THE_TABLE


def anchors(document: str) -> set[str]:
    """The fragments that a document's headings can be reached by, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def tree() -> Iterator[str]:
    """The paths that the README's tree names."""
    (block,) = re.findall(r"^## The tree\n+```\n(.+?)```", README, re.MULTILINE | re.DOTALL)
    folder = ""
    for line in block.splitlines():
        name = line.split()[0]
        if line.startswith(" "):
            yield folder + name
        else:
            folder = name
            yield name


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    written = {code_in(name)[0]: default for name, default, _ in rows(README, 3) if code_in(name)}
    by_default = Config.from_env({})
    for setting in SETTINGS:
        default = written[setting]
        if setting in FOLLOWS_OTHERS:
            assert default == FOLLOWS_OTHERS[setting]
        elif default == "empty":
            assert getattr(by_default, setting.lower()) in ("", (), None)
        else:
            assert Config.from_env({setting: default.strip("`")}) == by_default, setting
            assert getattr(by_default, setting.lower()) not in ("", (), None)


def test_every_code_is_in_the_api_document_with_its_status() -> None:
    written = {code: status for code, status, _ in rows(API, 3) if re.fullmatch(r"`[A-Z_]+`", code)}
    statuses = {code: status for code, (status, _) in DENIALS.items()}
    statuses |= {code: kind.status for code, kind in ERRORS.items()}
    assert written == {f"`{code}`": str(status) for code, status in statuses.items()}


def test_what_to_do_about_a_code_is_the_same_in_the_api_document_and_on_the_page() -> None:
    written = {code: remedy for code, _, remedy in rows(API, 3) if re.fullmatch(r"`[A-Z_]+`", code)}
    assert written == {f"`{code}`": remedy for code, remedy in REMEDIES.items()}


def test_every_code_has_its_causes_in_troubleshooting() -> None:
    written = {code for _, codes, _ in rows(TROUBLESHOOTING, 3) for code in code_in(codes)}
    assert written == ERRORS.keys()


def test_every_check_of_the_gateway_is_in_the_grant_rule() -> None:
    _, _, rule = README.partition("## Who may do what")
    rule, _, _ = rule.partition("\n## ")
    assert [code for code in DENIALS if f"`{code}`" not in rule] == []


def test_every_endpoint_is_in_the_api_document_and_no_other() -> None:
    written = set(re.findall(r"^### `([A-Z]+ /\S+)`$", API, re.MULTILINE))
    paths = {
        route.operation_id: "/v1/{entity}" + route.path.removeprefix(f"/v1/{entity}")
        for (entity, _), route in ROUTE_FOR.items()
    }
    assert written == {f"{route.method} {paths.get(route.operation_id, route.path)}" for route in ROUTES}
    (entities,) = re.findall(r"^### Entities: (.+)$", API, re.MULTILINE)
    assert code_in(entities) == list(ENTITIES)


def test_every_operator_of_a_filter_is_in_the_api_document() -> None:
    written = [operator for names, _, _ in rows(API, 3) for operator in code_in(names) if operator[0] == "$"]
    assert sorted(written) == sorted(OPERATORS)


def test_every_type_of_event_is_in_the_api_document() -> None:
    (told,) = (text for name, text in rows(API, 2) if name == "`type`" and "`key.issued`" in text)
    assert code_in(told) == list(EVENT_TYPES)


def test_every_command_is_in_the_readme_with_its_options() -> None:
    written = {
        code_in(name)[0]: {option.split()[0] for option in code_in(options)}
        for name, options, _ in rows(README, 3)
        if name.startswith("`vibekeys ")
    }
    assert written == {name: options_of(command) for name, command in commands(cli, "vibekeys")}


def test_every_name_in_the_tree_exists() -> None:
    names = list(tree())
    assert "gateway/consume.lua" in names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_every_module_of_the_gateway_is_in_the_tree() -> None:
    modules = {name_of(path) for path in ROOT.glob("gateway/*") if path.suffix in (".py", ".lua")}
    assert modules - set(tree()) == {"gateway/__init__.py"}


def test_every_run_time_package_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[>=<]", line)[0] for line in project["dependencies"]}
    reasons = (ROOT / "docs/decisions/0010-run-time-packages.md").read_text()
    assert [name for name in names if not re.search(rf"\b{re.escape(name)}\b", reasons)] == []


def test_every_decision_is_in_the_list() -> None:
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (ROOT / "docs/decisions/README.md").read_text())
    assert listed == sorted(path.name for path in ROOT.glob("docs/decisions/[0-9]*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        path, _, fragment = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        assert linked.exists(), target
        assert not fragment or fragment in anchors(linked.read_text()), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    for path, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", document.read_text()):
        assert (ROOT / path).exists(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_make_target_that_a_document_names_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = re.findall(r"(?:`|^ {4})make ([a-z]+)", document.read_text(), re.MULTILINE)
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
