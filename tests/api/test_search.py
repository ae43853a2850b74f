"""`search` in the lists of prompts, artifacts and memories: words, and nothing that a search could mean."""

from __future__ import annotations

import pytest

from tests.api.shelf import ARTIFACTS, LISTS, LONG_TEXT, MEMORIES, PROMPTS, Shelf, name_of, path_of

of_every_kind = pytest.mark.parametrize("list_", LISTS, ids=name_of)

TEXTS = {
    "deploy": "Deployment of the web-site: run `make deploy-all` (twice).",
    "accents": "Crème brûlée, naïve façade, Straße, ΑΘΗΝΑ",
    "scripts": "日本語のテキスト и немного русского",
    "code": "if (a < b) { x_y = 'OR 1=1'; } -- C++ & C# 3.14 $100 50%",
    "words": "AND OR NOT NEAR title content account_id text rank rowid",
    "marks": '"quoted" *starred* ^caret {braces} col:umn a+b -minus',
}
FOUND = {
    "deploy": ["deploy"],
    "DEPLOY": ["deploy"],
    "deployment web": ["deploy"],
    "dep": ["deploy"],
    "web-site": ["deploy"],
    "web-si": ["deploy"],
    "site web": ["deploy"],
    "site-web": [],
    "eploy": [],
    "deployments": [],
    "creme brulee": ["accents"],
    "strasse": ["accents"],
    "CRÈME": ["accents"],
    "facade naive": ["accents"],
    "αθηνα": ["accents"],
    "日本": ["scripts"],
    "本語": [],
    "РУССКОГО": ["scripts"],
    "x_y C++": ["code"],
    "c# 3.14": ["code"],
    "x_y": ["code"],
    "'OR 1=1'": ["code"],
    "50%": ["code"],
    "deploy !!! ???": ["deploy"],
    "AND": ["words"],
    "NOT deploy": [],
    "deploy OR accents": [],
    "NEAR": ["words"],
    "account_id": ["words"],
    '"quoted"': ["marks"],
    '"quoted': ["marks"],
    'quo"ted': [],
    "star*": ["marks"],
    "*starred": ["marks"],
    "^caret": ["marks"],
    "{braces}": ["marks"],
    "col:umn": ["marks"],
    "col : umn": ["marks"],
    "a+b": ["marks", "code"],
    "-minus": ["marks"],
    "content:deployment": [],
    "text : deployment": [],
    "words NEAR(a b, 5)": [],
}


@pytest.fixture(scope="module", params=LISTS, ids=name_of)
def library(request: pytest.FixtureRequest, still_shelf: Shelf) -> tuple[Shelf, str, dict[str, str]]:
    """Documents of one kind, by what they are about; the same ones again in another account."""
    list_ = request.param
    another = Shelf(still_shelf.world)
    ids = {}
    for name, text in TEXTS.items():
        ids[still_shelf.keep(list_, **{LONG_TEXT[list_]: text})["id"]] = name
        another.keep(list_, **{LONG_TEXT[list_]: text})
    return still_shelf, list_, ids


@pytest.mark.parametrize("search", ["", " ", "\u200b"])
def test_200_an_empty_search_is_none(library: tuple[Shelf, str, dict[str, str]], search: str) -> None:
    shelf, list_, ids = library
    assert [ids[found] for found in shelf.found(list_, search=search)] == list(TEXTS)[::-1]


@pytest.mark.parametrize("search", ["%", "--", '* ^ - : ( ) { } + "', '"' * 200, "🙂"], ids=name_of)
def test_400_a_search_without_a_letter_or_digit(
    library: tuple[Shelf, str, dict[str, str]], search: str
) -> None:
    shelf, list_, _ = library

    answer = shelf.list(list_, search=search)

    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert answer.json["error"]["details"] == {"search": ["Must have a letter or digit."]}


@pytest.mark.parametrize("search", FOUND)
def test_200_finds_what_has_every_word(library: tuple[Shelf, str, dict[str, str]], search: str) -> None:
    shelf, list_, ids = library

    assert [ids[found] for found in shelf.found(list_, search=search)] == FOUND[search]


def test_200_finds_all_that_has_it_newest_first_in_pages(shelf: Shelf) -> None:
    kept = [shelf.keep(MEMORIES, text=f"the same word, number {number}")["id"] for number in range(7)]
    shelf.keep(MEMORIES, text="another")

    pages = [shelf.list(MEMORIES, search="same", page=page, limit=3) for page in (1, 2, 3, 4)]

    assert [item["id"] for page in pages for item in page.data] == kept[::-1]
    assert {page.json["meta"]["total"] for page in pages} == {7}


@pytest.mark.parametrize("list_", [PROMPTS, ARTIFACTS], ids=name_of)
def test_200_looks_into_title_description_and_content_at_once(shelf: Shelf, list_: str) -> None:
    document = shelf.keep(list_, title="Alpha", description="Beta", content="Gamma")

    for search in ("alpha", "beta", "gamma", "gamma alpha", "beta gamma alpha"):
        assert shelf.found(list_, search=search) == [document["id"]]
    assert shelf.found(list_, search="alpha delta") == []


@pytest.mark.parametrize(
    ("list_", "fields", "search"),
    [
        (PROMPTS, {"labels": ["unseen"]}, "unseen"),
        (PROMPTS, {"status": "published"}, "published"),
        (ARTIFACTS, {"metadata": {"k": "unseen"}}, "unseen"),
        (ARTIFACTS, {"projectName": "unseen"}, "unseen"),
        (MEMORIES, {"projectName": "unseen", "metadata": {"unseen": 1}}, "unseen"),
    ],
    ids=name_of,
)
def test_200_looks_into_nothing_else(
    shelf: Shelf, list_: str, fields: dict[str, object], search: str
) -> None:
    document = shelf.keep(list_, **fields)

    assert shelf.found(list_, search=search) == []
    assert shelf.found(list_, search=shelf.account_id) == []
    assert shelf.found(list_, search=shelf.account_id[:8]) == []
    assert shelf.found(list_) == [document["id"]]


@of_every_kind
def test_200_finds_what_is_there_now(shelf: Shelf, list_: str) -> None:
    document = shelf.keep(list_, **{LONG_TEXT[list_]: "first"})
    path = path_of(list_, document)

    shelf.put(path, **{LONG_TEXT[list_]: "second"})
    assert [len(shelf.found(list_, search=word)) for word in ("first", "second")] == [0, 1]
    if list_ == PROMPTS:
        shelf.put(path, status="published", labels=["a"])
        assert len(shelf.found(list_, search="second")) == 1

    shelf.delete(path)
    assert shelf.found(list_, search="second") == []


@of_every_kind
@pytest.mark.parametrize(
    "search", ["a " * 100, "ab" * 100, '"' * 199 + "a", "(" * 199 + "a", "NOT " * 50, "é" * 200], ids=name_of
)
def test_200_the_longest_search_is_understood(still_shelf: Shelf, list_: str, search: str) -> None:
    assert still_shelf.list(list_, search=search.strip()).status == 200


@of_every_kind
def test_200_long_texts_are_left_out_of_lists_and_found_all_the_same(shelf: Shelf, list_: str) -> None:
    name = LONG_TEXT[list_]
    texts = ["é" * 4_999 + "xx", "é" * 5_000, "end " + "x" * 9_996, "x" * 10_001 + " end"]
    documents = [shelf.keep(list_, **{name: text}) for text in texts]

    listed = {item["id"]: item for item in shelf.list(list_).data}

    for document, text in zip(documents, texts, strict=True):
        shown = text if len(text.encode()) <= 10_000 else None
        assert listed[document["id"]] == {**document, name: shown}
        assert shelf.call("GET", path_of(list_, document)).data == document
    assert shelf.found(list_, search="end") == [documents[3]["id"], documents[2]["id"]]
