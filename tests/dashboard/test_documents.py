"""Prompts, artifacts and memories: their lists and their forms."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from app.models import Artifact, Memory, Prompt
from tests.api.world import UNKNOWN_ID, Answer, Tenant, World
from tests.dashboard.browser import PROBES, Browser
from tests.dashboard.conftest import SignedIn

MODELS: dict[str, Any] = {"prompts": Prompt, "artifacts": Artifact, "memories": Memory}
FORMS: dict[str, dict[str, str]] = {
    "prompts": {"title": "Review a change", "content": "Read the diff.", "status": "draft"},
    "artifacts": {
        "projectName": "acme/website",
        "title": "Week 48",
        "content": "# Done",
        "type": "general",
        "status": "active",
    },
    "memories": {"text": "The tests need a real server."},
}
each_section = pytest.mark.parametrize("section", list(MODELS))


def made(browser: Browser, section: str, **fields: str) -> str:
    """The id of a new document, made by its form."""
    answer = browser.post(f"/dashboard/{section}/new", {**FORMS[section], **fields})
    assert answer.status == 303, answer.body
    return str(answer.headers["Location"].rpartition("/")[2])


def form_in(page: Answer) -> dict[str, str]:
    """What stands in the form of a page, as a browser would send it back."""
    text = page.body.decode()
    fields = dict(re.findall(r'<input [^>]*?name="(\w+)"[^>]*? value="([^"]*)"', text, re.S))
    fields |= re.findall(r'<textarea [^>]*?name="(\w+)"[^>]*>\n(.*?)</textarea>', text, re.S)
    for name, options in re.findall(r'<select [^>]*?name="(\w+)"[^>]*>(.*?)</select>', text, re.S):
        fields[name] = re.findall(r'<option value="(\w+)" selected>', options)[0]
    return {
        name: html.unescape(value).replace("\n", "\r\n")
        for name, value in fields.items()
        if name != "csrf_token"
    }


@each_section
def test_what_is_made_is_in_the_list_and_in_its_form(browser: Browser, section: str) -> None:
    id = made(browser, section)
    listed, one = browser.get(f"/dashboard/{section}"), browser.get(f"/dashboard/{section}/{id}")
    assert f"/dashboard/{section}/{id}" in listed.body.decode()
    assert FORMS[section].items() <= form_in(one).items()


@each_section
def test_an_empty_list_says_how_to_begin(browser: Browser, section: str) -> None:
    page = browser.get(f"/dashboard/{section}").body.decode()
    assert f"There are no {section} yet" in page
    assert f"/dashboard/{section}/new" in page


@each_section
def test_what_is_only_opened_and_saved_stays_as_it_is(browser: Browser, section: str) -> None:
    long_text = "text" if section == "memories" else "content"
    extra = {"prompts": {"labels": "code, review"}, "artifacts": {"metadata": '{"a": [1, "ü"]}'}}
    id = made(browser, section, **{long_text: "\r\n two\r\n\r\nlines \r\n"}, **extra.get(section, {}))
    before = MODELS[section].get(MODELS[section].id == id).__data__
    assert before[long_text] == "\n two\n\nlines \n"
    assert (
        browser.post(f"/dashboard/{section}/{id}", form_in(browser.get(f"/dashboard/{section}/{id}"))).status
        == 303
    )
    assert MODELS[section].get(MODELS[section].id == id).__data__ == before


@each_section
def test_a_form_that_is_refused_keeps_what_was_typed_and_says_why(browser: Browser, section: str) -> None:
    wrong = {name: "" for name in FORMS[section] if name in ("title", "text")}
    answer = browser.post(
        f"/dashboard/{section}/new", {**FORMS[section], **wrong, "metadata": "kept as typed"}
    )
    page = answer.body.decode()
    assert answer.status == 400
    assert 'aria-invalid="true"' in page
    assert all(html.escape(text) in page for name, text in FORMS[section].items() if name not in wrong)
    assert ("kept as typed" in page) == (section != "prompts")


@each_section
def test_of_two_editors_the_second_is_told_and_loses_nothing(browser: Browser, section: str) -> None:
    path = f"/dashboard/{section}/{made(browser, section)}"
    long_text = "text" if section == "memories" else "content"
    first, second = form_in(browser.get(path)), form_in(browser.get(path))
    assert browser.post(path, first | {long_text: "The first one's."}).status == 303
    refused = browser.post(path, second | {long_text: "The second one's."})
    assert refused.status == 412
    assert "changed elsewhere" in refused.body.decode()
    kept = form_in(refused)
    assert kept[long_text] == "The second one's."
    assert form_in(browser.get(path))[long_text] == "The first one's."
    assert browser.post(path, kept).status == 303
    assert form_in(browser.get(path))[long_text] == "The second one's."


@each_section
def test_it_is_deleted_once_its_name_was_typed(browser: Browser, section: str) -> None:
    id = made(browser, section)
    path = f"/dashboard/{section}/{id}"
    word = {"prompts": "review-a-change", "artifacts": "week-48", "memories": "delete"}[section]
    assert word in browser.get(f"{path}/delete").body.decode()
    assert browser.post(f"{path}/delete", {"confirm": "yes"}).status == 400
    assert browser.get(path).status == 200
    assert browser.post(f"{path}/delete", {"confirm": word}).status == 303
    assert browser.get(path).status == 404


@each_section
def test_anothers_is_none(browser: Browser, world: World, signed_in: SignedIn, section: str) -> None:
    id, stranger = made(browser, section), signed_in(world.new_tenant().account)
    for path in ("", "/delete"):
        theirs, unknown = (stranger.get(f"/dashboard/{section}/{one}{path}") for one in (id, UNKNOWN_ID))
        assert theirs.status == unknown.status == 404
        assert id not in theirs.body.decode()
        assert (
            stranger.post(f"/dashboard/{section}/{id}{path}", {**FORMS[section], "confirm": "delete"}).status
            == 404
        )
    assert browser.get(f"/dashboard/{section}/{id}").status == 200
    assert id not in stranger.get(f"/dashboard/{section}").body.decode()


@each_section
@pytest.mark.parametrize("probe", PROBES)
def test_what_is_typed_is_shown_as_text(browser: Browser, section: str, probe: str) -> None:
    texts = dict.fromkeys(("title", "content", "description", "text", "projectName"), probe)
    fields = {name: text for name, text in texts.items() if name in FORMS[section] or name == "description"}
    if section == "memories":
        fields |= {"projectName": "<b>", "metadata": json.dumps({"a": probe})}
        del fields["description"]
    if section == "prompts":
        fields["labels"] = probe
    id = made(browser, section, **fields)
    pages = [browser.get(f"/dashboard/{section}{path}") for path in ("", f"/{id}", f"/{id}/delete")]
    pages += [
        browser.get(
            f"/dashboard/{section}", query_string={"search": probe, "labels": probe, "projectName": probe}
        )
    ]
    pages.append(
        browser.post(f"/dashboard/{section}/new", {**FORMS[section], **fields, "title": "", "text": ""})
    )
    for page in pages:
        text = page.body.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert ">49<" not in text
    assert html.escape(probe).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in pages[1].body.decode()


def test_words_labels_and_a_status_narrow_the_list(browser: Browser) -> None:
    ids = {
        name: made(browser, "prompts", title=name, labels=labels, status=status)
        for name, labels, status in (("Alpha", "a, b", "draft"), ("Beta", "b", "published"))
    }
    found = {
        query: [
            name for name, id in ids.items() if id in browser.get(f"/dashboard/prompts?{query}").body.decode()
        ]
        for query in (
            "search=alp",
            "labels=b",
            "labels=a,b",
            "status=published",
            "status=none",
            "search=gamma",
        )
    }
    assert found == {
        "search=alp": ["Alpha"],
        "labels=b": ["Alpha", "Beta"],
        "labels=a,b": ["Alpha"],
        "status=published": ["Beta"],
        "status=none": ["Alpha", "Beta"],
        "search=gamma": [],
    }


def test_a_slug_that_is_taken_is_refused(browser: Browser) -> None:
    made(browser, "artifacts", slug="report")
    answer = browser.post("/dashboard/artifacts/new", {**FORMS["artifacts"], "slug": "report"})
    assert answer.status == 409
    assert 'value="report"' in answer.body.decode()


def test_metadata_that_is_no_json_is_told_at_its_field(browser: Browser) -> None:
    answer = browser.post("/dashboard/memories/new", {**FORMS["memories"], "metadata": "{'a': 1}"})
    assert answer.status == 400
    assert 'id="metadata-wrong">Not valid JSON.' in answer.body.decode()


def test_the_largest_artifact_passes_through_its_form(browser: Browser) -> None:
    largest = "я" * 500_000
    id = made(browser, "artifacts", content=largest)
    assert Artifact.get(Artifact.id == id).content == largest
    refused = browser.post("/dashboard/artifacts/new", {**FORMS["artifacts"], "content": largest + "!"})
    assert refused.status == 400


@each_section
@pytest.mark.parametrize("status", ["RESTRICTED", "SUSPENDED"])
def test_an_account_that_may_not_change_anything_sees_its_documents(
    browser: Browser, world: World, tenant: Tenant, section: str, status: str
) -> None:
    id = made(browser, section)
    world.change_account(tenant, status=status)
    page = browser.get(f"/dashboard/{section}/{id}")
    assert page.status == 200
    assert ">Save<" not in page.body.decode()
    answer = browser.post(f"/dashboard/{section}/{id}", {**form_in(page), "title": "x", "text": "x"})
    assert answer.status == 403
    assert MODELS[section].get(MODELS[section].id == id).revision == 1


@pytest.mark.parametrize(("section", "name"), [("prompts", "content"), ("memories", "text")])
def test_what_the_api_could_not_take_back_is_refused(browser: Browser, section: str, name: str) -> None:
    typed = "x" * (1024 * 1024)
    refused = browser.post(f"/dashboard/{section}/new", {**FORMS[section], name: typed})
    assert refused.status == 400
    assert typed in refused.body.decode()
    made(browser, section, **{name: typed[:-1000]})
