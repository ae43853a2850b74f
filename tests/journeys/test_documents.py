"""A tool and a person share an account's documents over HTTP: long texts, odd names, and edits that cross."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from app.json_body import MAX_BYTES
from app.registry.documents import ARTIFACT_MAX_BYTES
from app.schemas.artifact import CONTENT_BYTES
from tests.journeys.processes import Holder, Installation, running

OWNER = "developer@example.test"
ARTIFACTS, PROMPTS = "/api/v1/artifacts", "/api/v1/prompts"
PROJECT = "Проект/50 %/a.b"
REPORT = "€" * (CONTENT_BYTES // 3)
"""As JSON of ASCII alone it is twice as long."""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("documents")
    with running(folder / "state") as installation:
        installation.command("accounts", "create", "--email", OWNER, "--tier", "pro")
        yield installation


@pytest.fixture
def tool(installation: Installation) -> Holder:
    return installation.holder("personal", OWNER, "--integration", "ai_tools")


def test_a_report_is_kept_read_edited_by_two_found_and_deleted(
    installation: Installation, tool: Holder
) -> None:
    person = installation.holder("personal", OWNER, "--integration", "cli")
    body = {"projectName": PROJECT, "title": "Report für KW 48", "content": REPORT, "type": "work_reports"}
    kept = tool.call("POST", ARTIFACTS, body)
    assert kept.status == 201
    assert kept.data["slug"] == "report-fur-kw-48"

    for path in (quote(PROJECT), quote(PROJECT, safe="")):
        read = person.call("GET", f"{ARTIFACTS}/{path}/{kept.data['slug']}")
        assert read.data == kept.data
        assert read.headers["ETag"] == kept.headers["ETag"]
    where = f"{ARTIFACTS}/{quote(PROJECT)}/{kept.data['slug']}"
    shortened = {"content": "Nothing was done."}
    edited = person.call("PUT", where, shortened, **{"If-Match": read.headers["ETag"]})
    assert edited.data["content"] == "Nothing was done."
    late = tool.call("PUT", where, {"content": "Everything was done."}, **{"If-Match": kept.headers["ETag"]})
    assert (late.status, late.code) == (412, "PRECONDITION_FAILED")
    assert tool.call("GET", where).data == edited.data

    found = tool.call("GET", f"{ARTIFACTS}?{_query(search='nothing', projectName=PROJECT)}")
    assert [item["id"] for item in found.data] == [kept.data["id"]]
    assert tool.call("DELETE", where).data == {"id": kept.data["id"], "deleted": True}
    assert person.call("GET", where).code == "ENTITY_NOT_FOUND"


@pytest.mark.parametrize(
    ("path", "most"), [(ARTIFACTS, ARTIFACT_MAX_BYTES), (PROMPTS, MAX_BYTES)], ids=["artifacts", "prompts"]
)
@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
def test_the_largest_body_is_taken_and_one_that_is_larger_is_refused(
    installation: Installation, path: str, most: int, chunked: bool
) -> None:
    key = installation.command(
        *("keys", "create", "--type", "personal", "--owner", OWNER, "--name", "a", "--integration", "cli")
    )["rawKey"]
    fields = {"title": "a", "content": "b"} | ({"projectName": "p"} if path == ARTIFACTS else {})
    statuses = []
    for size in (most, most + 1, most + 5_000):
        body = json.dumps(fields).encode().ljust(size)
        connection = http.client.HTTPConnection("127.0.0.1", installation.service.port, timeout=30)
        headers = {"X-Api-Key": key, "Content-Type": "application/json"}
        sent = (body[at : at + 100_000] for at in range(0, size, 100_000)) if chunked else body
        connection.request("POST", path, sent, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
        connection.close()

    assert statuses == [201, 413, 413]


def _query(**values: str) -> str:
    return "&".join(f"{name}={quote(value)}" for name, value in values.items())
