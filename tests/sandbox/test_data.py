"""What the sandbox keeps in a file."""

from __future__ import annotations

import json
import os
import select
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from app.bitrix.sandbox import Sandbox, StoreError, running
from tests.sandbox.caller import PATIENCE, answer, result
from tests.serve.processes import eventually


def test_data_and_secret_outlive_it(tmp_path: Path) -> None:
    file = tmp_path / "bitrix.json"
    with running(Sandbox(data=file)) as sandbox:
        secret = sandbox.webhook_url.rpartition("/")[2]
        made = result(sandbox, "crm.item.add", entityTypeId=2, fields={"title": "Kept"})["item"]
        result(sandbox, "tasks.task.delete", taskId=90)
    with running(Sandbox(data=file)) as sandbox:
        assert sandbox.webhook_url.endswith(f"/rest/1/{secret}")
        assert result(sandbox, "crm.item.get", entityTypeId=2, id=made["id"])["item"] == made
        assert answer(sandbox, "tasks.task.list")[1]["total"] == 89
        new = result(sandbox, "tasks.task.add", fields={"TITLE": "Next", "RESPONSIBLE_ID": 1})["task"]
        assert new["id"] == "91", "no number is given twice"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["bitrix.json"]


def test_without_a_file_two_have_nothing_in_common() -> None:
    with running() as one, running() as other:
        result(one, "crm.item.delete", entityTypeId=2, id=1)
        assert answer(other, "crm.item.list", entityTypeId=2)[1]["total"] == 120
        assert one.webhook_url.rpartition("/")[2] != other.webhook_url.rpartition("/")[2]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"secret": "x", "newest": 1, "tables": {}}', "\xff"])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(content, "latin-1")
    with pytest.raises(StoreError, match=r"notes\.txt: not a file of this sandbox"):
        Sandbox(data=file)
    assert file.read_text("latin-1") == content


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        Sandbox(data=tmp_path / "none" / "bitrix.json")
    assert error.value.filename == str(tmp_path / "none" / "bitrix.json")


def test_it_is_written_soon_and_at_most_once_a_second(tmp_path: Path) -> None:
    file = tmp_path / "bitrix.json"
    with running(Sandbox(data=file)) as sandbox:
        sandbox.portal.limits.enabled = False
        began, written = time.monotonic(), {file.stat().st_mtime_ns}
        while len(written) < 3:
            number = result(sandbox, "crm.item.add", entityTypeId=2, fields={"title": "x"})["item"]["id"]
            written.add(file.stat().st_mtime_ns)
        assert time.monotonic() - began > 1.0
        eventually(lambda: str(number) in deals_in(file), "the last deal is in the file")


def test_nobody_waits_for_the_writing_and_what_could_not_be_written_is_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "bitrix.json"
    draft = tmp_path / f".bitrix.json.{os.getpid()}"
    with running(Sandbox(data=file)) as sandbox:
        # Who writes into a pipe waits for the reader, once the pipe is full.
        os.mkfifo(draft)
        reader = os.open(draft, os.O_RDONLY | os.O_NONBLOCK)
        result(sandbox, "crm.item.add", entityTypeId=2, fields={"title": "the first"})
        assert select.select([reader], [], [], PATIENCE)[0]
        for _ in range(5):
            result(sandbox, "crm.item.add", entityTypeId=2, fields={"title": "another"})
        draft.unlink()
        os.close(reader)
        eventually(lambda: "126" in deals_in(file), "all that was made is in the file")
    assert f"cannot be kept: [Errno 32] Broken pipe: '{file}'" in caplog.text


def deals_in(file: Path) -> Any:
    return json.loads(file.read_text())["tables"]["deals"]
