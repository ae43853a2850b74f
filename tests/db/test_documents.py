"""Documents behind the API: slugs, the full-text index, and what a list costs when there are many."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import apsw
import pytest

from app.db import driver
from app.documents import Artifacts, Memories, Prompts, find, has_words
from app.documents.slugs import UNTITLED, free_slug, slug_of
from app.errors import ApiError
from app.ledger import Actor
from app.models import Artifact, Document, Memory, Prompt
from app.models.document import ARTIFACT_STATUSES, ARTIFACT_TYPES, PROMPT_STATUSES
from tests.db.installation import CLI, Installation
from tests.db.statements import statements_of

PROMPT = {"title": "t", "content": "c", "status": "draft", "labels": []}
ARTIFACT = {
    "project_name": "p",
    "title": "t",
    "content": "c",
    "type": "general",
    "status": "active",
    "metadata": {},
}
MEMORY = {"text": "a text", "metadata": {}}
TABLES = ("prompt", "artifact", "memory")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Review a change", "review-a-change"),
        ("  --Already--a-slug--  ", "already-a-slug"),
        ("Übersicht für Q3", "ubersicht-fur-q3"),
        ("Crème brûlée", "creme-brulee"),
        ("Straße nach Łódź, Ærø", "strasse-nach-lodz-aero"),
        ("İstanbul ışık", "istanbul-isik"),
        ("ﬁne ½ № ㎏", "fine-1-2-no-kg"),
        ("C++ / C#", "c-c"),
        ("v1.2_final", "v1-2-final"),
        ("日本語", "ribenyu"),
        ("Отчёт 48: Ёлка", "otchet-48-elka"),
        ("Ελλάδα, مرحبا", "ellada-mrhb"),
        ("Cre\u0300me bru\u0302le\u0301e", "creme-brulee"),
        ("0199A3F4-2b17-7c80-a4d9-51e0c7f3b871", "id-0199a3f4-2b17-7c80-a4d9-51e0c7f3b871"),
        ("\ue000", UNTITLED),
        ("-", UNTITLED),
        ("x" * 255, "x" * 200),
        ("x" * 199 + " y" * 28, "x" * 199),
        ("㎏" * 255, "kg" * 100),
    ],
)
def test_a_slug_is_of_small_ascii_letters_and_digits(title: str, slug: str) -> None:
    assert slug_of(title) == slug
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ([], "a"),
        (["b", "a-b", "ab", "a-"], "a"),
        (["a"], "a-2"),
        (["a", "a-2", "a-3", "a-10"], "a-4"),
        (["a", "a-3"], "a-2"),
        (["a-2"], "a"),
        (["a", "a-b", "a-2b", "A-2"], "a-2"),
        (["a", "a-2", "a-4"], "a-5"),
        ([f"a-{number}" for number in range(200)] + ["a"], "a-200"),
    ],
)
def test_the_next_number_is_free(installation: Installation, taken: list[str], free: str) -> None:
    owner = installation.account()
    for slug in taken:
        Artifacts(installation.ledger).create(CLI, owner.id, {**ARTIFACT, "slug": slug})

    assert free_slug("A", Artifact.select().where(Artifact.account == owner)) == free


def test_a_number_is_found_by_few_look_ups_however_many_have_the_title(installation: Installation) -> None:
    owner = installation.account()
    written = [{**PROMPT, "slug": f"t-{n}" if n > 1 else "t", "id": f"p{n}"} for n in range(1, 2_001)]
    common = {"account": owner.id, "revision": 1, "created_at": 0, "updated_at": 0}
    with installation.db.atomic():
        for at in range(0, len(written), 500):
            Prompt.insert_many([{**common, **fields} for fields in written[at : at + 500]]).execute()

    found: list[str] = []
    statements = statements_of(
        installation.db,
        lambda: found.append(free_slug("t", Prompt.select().where(Prompt.account == owner))),
    )

    assert found == ["t-2001"]
    assert len(statements) < 30


@pytest.mark.parametrize(
    ("constraint", "names"),
    [
        ("prompt_status", PROMPT_STATUSES),
        ("artifact_status", ARTIFACT_STATUSES),
        ("artifact_type", ARTIFACT_TYPES),
    ],
)
def test_the_tables_take_what_there_is_and_nothing_else(
    installation: Installation, constraint: str, names: tuple[str, ...]
) -> None:
    tables = installation.db.execute_sql("SELECT group_concat(sql) FROM sqlite_master").fetchone()[0]
    (listed,) = re.findall(rf"{constraint}\W+CHECK\W+\w+ IN \(([^)]+)\)", tables)
    assert re.findall(r"'(\w+)'", listed) == list(names)


def test_the_index_holds_what_the_tables_hold_whatever_was_done(installation: Installation) -> None:
    prompts, artifacts, memories = (kind(installation.ledger) for kind in (Prompts, Artifacts, Memories))
    owner = installation.account()
    for number in range(5):
        prompt = prompts.create(CLI, owner.id, {**PROMPT, "title": f"t {number}"})
        artifact = artifacts.create(CLI, owner.id, {**ARTIFACT, "title": f"t {number}"})
        memory = memories.create(CLI, owner.id, {**MEMORY, "text": f"m {number}"})
        prompts.change(CLI, _one(prompt), {"content": "changed", "labels": ["a"]})
        prompts.change(CLI, _one(prompt), {"status": "published"})
        artifacts.change(CLI, _one(artifact), {"description": "added", "slug": f"moved-{number}"})
        artifacts.change(CLI, _one(artifact), {"description": None})
        memories.change(CLI, _one(memory), {"text": "changed", "project_name": "p"})
    prompts.delete(CLI, _one(prompt))
    artifacts.delete(CLI, _one(artifact))
    memories.delete(CLI, _one(memory))
    first = Artifact.get(Artifact.slug == "moved-0")
    assert _refusal_of(lambda: artifacts.change(CLI, _one(first), {"slug": "moved-1"})) == "SLUG_TAKEN"

    _check_indexes(installation)
    installation.db.execute_sql("VACUUM")
    _check_indexes(installation)
    assert Prompt.select().where(has_words(Prompt, owner.id, "changed t")).count() == 4


def test_what_the_index_does_not_hold_would_be_found_out(installation: Installation) -> None:
    Memories(installation.ledger).create(CLI, installation.account().id, MEMORY)
    driver(installation.db).execute("UPDATE memory_words SET account_id = 'other', text = 'another'")

    with pytest.raises(AssertionError):
        _check_indexes(installation)


def test_of_a_long_text_the_beginning_is_indexed(installation: Installation) -> None:
    owner = installation.account()
    memories = Memories(installation.ledger)
    memory = memories.create(CLI, owner.id, {**MEMORY, "text": "x " * 49_997 + "last unseen"})
    assert [found.id for found in Memory.select().where(has_words(Memory, owner.id, "last"))] == [memory.id]
    assert not Memory.select().where(has_words(Memory, owner.id, "unseen")).exists()

    memories.change(CLI, _one(memory), {"text": "y" * 99_994 + " longer"})
    assert not Memory.select().where(has_words(Memory, owner.id, "longer")).exists()
    assert Memory.select().where(has_words(Memory, owner.id, "longe")).exists()
    _check_indexes(installation)


@pytest.mark.parametrize(("text", "plain"), [("Ёлка", "елка"), ("ёж ЁЖ", "ЕЖ"), ("Straße STRAẞE", "strasse")])
def test_letters_that_the_tokenizer_leaves_apart_are_found_either_way(
    installation: Installation, text: str, plain: str
) -> None:
    owner = installation.account()
    memories = Memories(installation.ledger)
    written = memories.create(CLI, owner.id, {**MEMORY, "text": text})
    read = memories.create(CLI, owner.id, {**MEMORY, "text": plain})

    for word in (*text.split(), plain):
        found = Memory.select().where(has_words(Memory, owner.id, word))
        assert {memory.id for memory in found} == {written.id, read.id}


def test_a_change_that_is_undone_leaves_no_trace(installation: Installation) -> None:
    owner = installation.account()
    memories = Memories(installation.ledger)
    memory = memories.create(CLI, owner.id, MEMORY)
    connection = driver(installation.db)
    connection.pragma("max_page_count", connection.pragma("page_count"))

    changed = {"text": "word " * 200_000}
    assert _refusal_of(lambda: memories.change(CLI, _one(memory), changed)) == "DATABASE_UNAVAILABLE"

    connection.pragma("max_page_count", 1_000_000)
    _check_indexes(installation)
    found = find(Memory.select().where(has_words(Memory, owner.id, "text")))
    assert (found.text, found.revision) == (MEMORY["text"], 1)


def test_who_lost_the_integration_meanwhile_changes_nothing(installation: Installation) -> None:
    owner = installation.account()
    issued = installation.key(owner, integrations=["ai_tools"])
    admitted = Actor("key", owner.id, issued.key.id, "192.0.2.7", integrations=frozenset({"ai_tools", "cli"}))
    memories = Memories(installation.ledger)
    memory = memories.create(admitted, owner.id, MEMORY)
    installation.change(issued.key, integrations=["mcp_server"])

    for change in (
        lambda: memories.create(admitted, owner.id, MEMORY),
        lambda: memories.change(admitted, _one(memory), {"text": "another"}),
        lambda: memories.delete(admitted, _one(memory)),
    ):
        assert _refusal_of(change) == "INTEGRATION_REQUIRED"
    assert [found.text for found in Memory.select()] == [MEMORY["text"]]


def _one(document: Document) -> Any:
    model = type(document)
    return model.select().where(model.id == document.id)


def _refusal_of(call: Callable[[], Any]) -> str:
    """The code of the refusal."""
    with pytest.raises(ApiError) as refused:
        call()
    return refused.value.code


def _check_indexes(installation: Installation) -> None:
    """The index without text can't be compared with the table by FTS5, but with one that is made anew."""
    connection = driver(installation.db)
    for table in TABLES:
        connection.execute(f"INSERT INTO {table}_words ({table}_words) VALUES ('integrity-check')")
        held = _held(connection, table)
        connection.execute(f"BEGIN; DELETE FROM {table}_words; UPDATE {table} SET account_id = account_id")
        anew = _held(connection, table)
        connection.execute("ROLLBACK")
        assert held == anew


def _held(connection: apsw.Connection, table: str) -> list[Any]:
    """Every word of the index, with where it stands."""
    connection.execute(f"CREATE VIRTUAL TABLE temp.held USING fts5vocab(main, {table}_words, instance)")
    held = connection.execute('SELECT doc, term, col, "offset" FROM temp.held ORDER BY 1, 2, 3, 4').fetchall()
    connection.execute("DROP TABLE temp.held")
    return held
