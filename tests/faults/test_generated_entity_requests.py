"""Q7 for entities: what is generated reaches a Bitrix24, and no answer is outside the OpenAPI document.

In this process, since a served one would hold the calls to what a portal admits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import schemathesis
from schemathesis import Case, GenerationMode

from app.bitrix import throttle
from app.bitrix.sandbox import running
from app.registry import entities
from tests.api.described import Described
from tests.api.linked import Linked
from tests.api.world import Answer, World, serving
from tests.faults.drawing import for_each_drawn
from tests.faults.figures import Figures

SENT = ("method", "url", "headers", "params", "json", "data")


@pytest.fixture
def linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Linked]:
    monkeypatch.setattr(throttle, "_ONE", 0.001)
    with serving(tmp_path) as service, running() as sandbox:
        sandbox.portal.limits.enabled = False
        yield Linked(World(service), sandbox)


def test_no_generated_request_of_entities_gets_what_the_document_does_not_promise(
    linked: Linked, figures: Figures, soak: bool
) -> None:
    described = Described(linked.get("/v1/openapi.json").json)
    schema = schemathesis.openapi.from_dict(described.document)
    ours = {(route.method, route.path) for route in entities.ROUTES}
    operations = [found.ok() for found in schema.get_all_operations()]
    operations = [it for it in operations if (it.method.upper(), it.path) in ours]
    assert len(operations) == len(ours)
    statuses: Counter[int] = Counter()
    wrong: list[str] = []

    def send(case: Case) -> None:
        answer = _sent(linked, case)
        statuses[answer.status] += 1
        promised = described.operation(case.method, case.operation.path)["responses"]
        if str(answer.status) not in promised or answer.status == 500:
            wrong.append(f"{case.as_curl_command()} {answer.status} {answer.body!r}")
        else:
            flaws = described.flaws_of(case.method, case.operation.path, answer)
            wrong.extend(f"{case.as_curl_command()} {answer.status} {flaw}" for flaw in flaws)

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for operation in operations:
            for_each_drawn(
                operation.as_strategy(generation_mode=mode), 250 if soak else 3, figures.seed, send
            )
    shown = ", ".join(f"{status} {number}" for status, number in sorted(statuses.items()))
    figures.add("Q7", "entities: answers outside the OpenAPI document", len(wrong), statuses.total(), shown)
    assert wrong[:5] == []
    assert {200, 201, 400, 404} <= set(statuses)


def _sent(linked: Linked, case: Case) -> Answer:
    given = case.as_transport_kwargs(base_url="http://localhost")
    request = requests.Request(**{name: value for name, value in given.items() if name in SENT}).prepare()
    headers = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
    path = (request.url or "").removeprefix("http://localhost")
    return linked.call(request.method or "", path, data=request.body or b"", headers=headers)
