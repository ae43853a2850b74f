"""Editors of one document at once, in two workers: nobody's words are lost, and no name is given twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ValkeyServer
from tests.faults.callers import issue_one_of_each_type
from tests.faults.crowd import in_a_process
from tests.faults.service import Answer, Caller, installation

EDITORS = 8
ROUNDS = 5
LIST = "/api/v1/artifacts"
NEW = {"projectName": "acme/website", "title": "Notes", "content": "begun"}


class Editors:
    """Clients with one key, each with a connection of its own."""

    def __init__(self, callers: list[Caller], key: str) -> None:
        self._callers, self._key = callers, key

    def call(
        self, method: str, path: str, body: Any = None, tag: str | None = None, editor: int = 0
    ) -> Answer:
        headers = {} if tag is None else {"If-Match": tag}
        return self._callers[editor].call(method, path, self._key, body, headers)

    def at_once(self, do: Callable[[int], Any]) -> list[Any]:
        """Let each editor do it, all from the same moment on."""
        start = threading.Barrier(EDITORS)

        def one(editor: int) -> Any:
            start.wait()
            return do(editor)

        with ThreadPoolExecutor(EDITORS) as pool:
            return list(pool.map(one, range(EDITORS)))

    def post(self, body: Any, editor: int = 0) -> Answer:
        return self.call("POST", LIST, body, editor=editor)

    def new(self) -> str:
        """The path of a new artifact."""
        made = self.post(NEW).json["data"]
        return f"{LIST}/{made['projectName']}/{made['slug']}"


@pytest.fixture(scope="module")
def editors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editors]:
    valkey = ValkeyServer()
    folder: Path = tmp_path_factory.mktemp("editors")
    with installation(folder, valkey, servers=1, portal_keys=0, WEB_CONCURRENCY="2") as made:
        keys = in_a_process(issue_one_of_each_type, made.environ, made.made)
        callers = [made.servers[0].caller() for _ in range(EDITORS)]
        yield Editors(callers, keys["personal"])
        for caller in callers:
            caller.close()
    valkey.close()


def test_of_all_who_have_read_the_same_one_changes_it_and_the_others_are_told(editors: Editors) -> None:
    for _ in range(ROUNDS):
        path = editors.new()
        tag = editors.call("GET", path).headers["ETag"]

        def change(editor: int, path: str = path, tag: str = tag) -> Answer:
            return editors.call("PUT", path, {"content": f"of editor {editor}"}, tag, editor)

        answers = editors.at_once(change)

        assert Counter(answer.code for answer in answers) == {"ok": 1, "PRECONDITION_FAILED": EDITORS - 1}
        (winner,) = (answer for answer in answers if answer.code == "ok")
        now = editors.call("GET", path)
        assert now.json["data"] == winner.json["data"]
        assert now.headers["ETag"] == winner.headers["ETag"] != tag


def test_who_reads_again_loses_nothing(editors: Editors) -> None:
    path = editors.new()

    def add_a_line(editor: int) -> int:
        for attempt in range(1, 100):
            read = editors.call("GET", path, editor=editor)
            body = {"content": read.json["data"]["content"] + f"\nline of {editor}"}
            if editors.call("PUT", path, body, read.headers["ETag"], editor).status == 200:
                return attempt
        raise AssertionError("never its turn")

    editors.at_once(add_a_line)

    lines = editors.call("GET", path).json["data"]["content"].splitlines()
    assert sorted(lines) == sorted(["begun", *(f"line of {editor}" for editor in range(EDITORS))])


def test_who_change_different_fields_need_no_tag(editors: Editors) -> None:
    changes: list[dict[str, Any]] = [
        *({"title": "new"}, {"content": "new"}, {"description": "new"}, {"type": "work_reports"}),
        *({"status": "expired"}, {"metadata": {"new": True}}, {}, {}),
    ]
    for _ in range(ROUNDS):
        path = editors.new()

        def change(editor: int, path: str = path) -> Answer:
            return editors.call("PUT", path, changes[editor], editor=editor)

        assert {answer.status for answer in editors.at_once(change)} == {200}

        wanted = {name: value for fields in changes for name, value in fields.items()}
        now = editors.call("GET", path).json["data"]
        assert {name: now[name] for name in wanted} == wanted


def test_a_slug_is_given_once(editors: Editors) -> None:
    for number in range(ROUNDS):
        answers = editors.at_once(partial(editors.post, {**NEW, "slug": f"given-{number}"}))
        assert Counter(answer.code for answer in answers) == {"ok": 1, "SLUG_TAKEN": EDITORS - 1}

        answers = editors.at_once(partial(editors.post, {**NEW, "projectName": f"project-{number}"}))
        slugs = {answer.json["data"]["slug"] for answer in answers}
        assert slugs == {"notes", *(f"notes-{suffix}" for suffix in range(2, EDITORS + 1))}


def test_of_a_change_and_a_deletion_with_one_tag_one_is_done(editors: Editors) -> None:
    for _ in range(ROUNDS):
        path = editors.new()
        tag = editors.call("GET", path).headers["ETag"]

        def change_or_delete(editor: int, path: str = path, tag: str = tag) -> Answer:
            if editor % 2:
                return editors.call("DELETE", path, tag=tag, editor=editor)
            return editors.call("PUT", path, {"content": f"of editor {editor}"}, tag, editor)

        codes = Counter(answer.code for answer in editors.at_once(change_or_delete))

        assert codes["ok"] == 1
        assert set(codes) <= {"ok", "PRECONDITION_FAILED", "ENTITY_NOT_FOUND"}
