"""Lists of an account that keeps 10,000 documents of each kind: read from an index, without long texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from app.models import Artifact, Document, Memory, Prompt, new_id
from tests.api.shelf import ARTIFACTS, LISTS, MEMORIES, PROMPTS, Shelf, name_of
from tests.api.world import Service, World, serving
from tests.db.statements import plan, statements_of, steps_of

ROWS = 10_000
PER_PAGE = 100
PAGES = ROWS // PER_PAGE
LONG = "x" * 20_000
LONG_ONES = 200
TABLES: dict[str, type[Document]] = {PROMPTS: Prompt, ARTIFACTS: Artifact, MEMORIES: Memory}

FILTERS: dict[str, list[dict[str, str]]] = {
    PROMPTS: [{}, {"status": "draft"}, {"labels": "even"}, {"status": "draft", "labels": "even,all"}],
    ARTIFACTS: [
        *({}, {"status": "active"}, {"type": "general"}, {"status": "active", "type": "general"}),
        *({"projectName": "acme/1"}, {"projectName": "acme/1", "type": "general", "status": "active"}),
    ],
    MEMORIES: [{}, {"projectName": "acme/1"}],
}
CASES = [(list_, query) for list_, queries in FILTERS.items() for query in queries]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    # Of its own, and so not among the tests of the API: a process has one database at a time.
    with serving(tmp_path_factory.mktemp("shelves")) as service:
        shelf, another = (Shelf(World(service)) for _ in range(2))
        for owner, list_ in (*((shelf, list_) for list_ in LISTS), (another, MEMORIES)):
            _fill(service, TABLES[list_], list(_rows(service, list_, owner.account_id)))
        yield shelf


def _rows(service: Service, list_: str, account_id: str) -> Iterator[dict[str, Any]]:
    start = int(service.clock.now * 1000)
    of_kind: dict[str, dict[str, Any]] = {
        PROMPTS: {"status": "draft", "title": "a title"},
        ARTIFACTS: {"status": "active", "type": "general", "title": "a title", "metadata": {}},
        MEMORIES: {"metadata": {}},
    }
    for number in range(ROWS):
        text = f"word{number} in common" + (LONG if number >= ROWS - LONG_ONES else "")
        fields = {"id": new_id(start + number), "account": account_id, "revision": 1, **of_kind[list_]}
        fields |= {"created_at": start + number, "updated_at": start + number}
        fields |= {"text": text} if list_ == MEMORIES else {"slug": f"slug-{number}", "content": text}
        if list_ == PROMPTS:
            fields["labels"] = ["all", "even" if number % 2 == 0 else "odd"]
        else:
            fields["project_name"] = f"acme/{number % 10}"
        yield fields


def _fill(service: Service, model: type[Document], rows: list[dict[str, Any]]) -> None:
    with service.services.db.atomic():
        for at in range(0, len(rows), 1_000):
            model.insert_many(rows[at : at + 1_000]).execute()


def _read(shelf: Shelf, list_: str, **query: Any) -> Any:
    answer = shelf.list(list_, limit=PER_PAGE, **query)
    assert answer.status == 200, answer.body
    return answer


def _plans(shelf: Shelf, list_: str, **query: Any) -> list[list[str]]:
    """How the table's rows are counted, then how those of the page are found."""
    db = shelf.world.services.db
    statements = statements_of(db, partial(_read, shelf, list_, **query))
    table = f'"{TABLES[list_]._meta.table_name}"'
    return [plan(db, *statement) for statement in statements if table in statement[0]]


@pytest.mark.parametrize(("list_", "query"), CASES, ids=name_of)
def test_a_page_is_found_in_an_index_and_only_its_rows_are_read(
    shelf: Shelf, list_: str, query: dict[str, str]
) -> None:
    table = TABLES[list_]._meta.table_name
    for page in (1, PAGES if not query else 2):
        counted, (rows, *found) = _plans(shelf, list_, page=page, **query)

        assert rows == f"SEARCH t1 USING INDEX {table}_id (id=?)"
        assert found.pop() == "USE TEMP B-TREE FOR ORDER BY"  # of the page's rows
        others = ("LIST SUBQUERY", "CORRELATED SCALAR SUBQUERY", "SCAN each")
        reads = [step for step in counted + found if not step.startswith(others)]
        assert len(reads) == 2
        assert all(f"USING COVERING INDEX {table}_account_id" in step for step in reads), reads


@pytest.mark.parametrize("list_", LISTS, ids=name_of)
def test_the_last_page_costs_what_the_first_does_and_the_middle_no_more_than_both(
    shelf: Shelf, list_: str
) -> None:
    first, last, middle = (
        steps_of(shelf.world.services.db, partial(_read, shelf, list_, page=page))
        for page in (1, PAGES, PAGES // 2)
    )
    assert abs(last - first) < first / 20
    assert middle < first + last


@pytest.mark.parametrize(("list_", "query"), CASES, ids=name_of)
def test_what_is_found_is_right(shelf: Shelf, list_: str, query: dict[str, str]) -> None:
    share = {"labels": 2, "projectName": 10}
    total = ROWS // max((share.get(name, 1) for name in query), default=1)

    answer = _read(shelf, list_, page=2, **query)

    assert answer.json["meta"]["total"] == total
    assert len(answer.data) == PER_PAGE


@pytest.mark.parametrize("list_", LISTS, ids=name_of)
def test_a_search_looks_up_its_words_and_then_the_documents_that_have_them(shelf: Shelf, list_: str) -> None:
    table = TABLES[list_]._meta.table_name
    counted, found = _plans(shelf, list_, search="word4711")
    for steps in (counted, found):
        (looked_up,) = [step for step in steps if f"SCAN {table}_words" in step]
        assert "VIRTUAL TABLE INDEX 0:M" in looked_up
        assert not [step for step in steps if re_scan(step, table)]

    one, all_of_them = _read(shelf, list_, search="word4711"), _read(shelf, list_, search="common wor")

    assert one.json["meta"]["total"] == 1
    assert all_of_them.json["meta"]["total"] == ROWS
    db = shelf.world.services.db
    for word in ("word4711", "common"):
        assert steps_of(db, partial(_read, shelf, list_, search=word)) < 30 * ROWS


def re_scan(step: str, table: str) -> bool:
    """Whether a step goes through a whole table."""
    return step in ("SCAN t1", f"SCAN {table}")


@pytest.mark.parametrize("list_", LISTS, ids=name_of)
def test_a_page_of_long_documents_is_short(shelf: Shelf, list_: str) -> None:
    answer = _read(shelf, list_)

    assert len(answer.body) < PER_PAGE * 1_000
    assert json.loads(answer.body)["meta"]["total"] == ROWS
