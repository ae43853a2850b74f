"""Q7: no request that is generated from the OpenAPI document, good or bad, gets an answer outside of it."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import ValkeyServer
from tests.faults.callers import issue_one_of_each_type
from tests.faults.crowd import in_a_process
from tests.faults.drawing import for_each_drawn
from tests.faults.figures import Figures
from tests.faults.service import Installation, installation

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
WITH_WHAT_IS_GENERATED = 0.05
WITH_A_KEY_OF_ANY_TYPE = 0.2
OF_WHAT_EXISTS = 0.5


class Client:
    """Sends what is generated, with a key of any type, and often about something that exists."""

    def __init__(self, made: Installation, keys: dict[str, str], chance: random.Random) -> None:
        self._keys, self._chance, self._portal = keys, chance, made.made["portal"]
        self._base_url = f"http://127.0.0.1:{made.servers[0].port}"
        self._session = requests.Session()
        self._made: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.wrong: list[str] = []

    def document(self) -> Any:
        return self._session.get(f"{self._base_url}/docs/openapi.json").json()

    def send(self, case: Case) -> None:
        """Send a case and judge the answer."""
        self._direct(case)
        try:
            response = case.call(base_url=self._base_url, session=self._session)
        except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
            return  # the library refuses to send it; raw bytes have a test of their own
        self.statuses[response.status_code] += 1
        self.slowest = max(self.slowest, response.elapsed)
        try:
            case.validate_response(response, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            self.wrong.append(f"{case.as_curl_command()} {response.status_code} {failure}")
        if response.status_code == 201:
            made = json.loads(response.content)["data"]
            self._made[_collection(case)].append({**made, "project": made.get("projectName")})

    def close(self) -> None:
        self._session.close()

    def _direct(self, case: Case) -> None:
        if self._chance.random() > WITH_WHAT_IS_GENERATED:
            served = case.operation.definition.raw.get("x-key-types", self._keys)
            types = self._keys if self._chance.random() < WITH_A_KEY_OF_ANY_TYPE else served
            case.headers.pop("Authorization", None)
            case.headers["X-Api-Key"] = self._keys[self._chance.choice(sorted(types))]
        made = self._made[_collection(case)]
        if case.path_parameters and made and self._chance.random() < OF_WHAT_EXISTS:
            known = self._chance.choice(made)
            case.path_parameters = {name: known[name] for name in case.path_parameters}
        for place in (case.query, case.body):
            if isinstance(place, dict) and "portalId" in place and self._chance.random() < OF_WHAT_EXISTS:
                place["portalId"] = self._portal


def _collection(case: Case) -> str:
    return case.path.partition("/{")[0].removesuffix("/rotate")


def test_no_generated_request_gets_what_the_document_does_not_promise(
    tmp_path: Path, valkey_server: ValkeyServer, figures: Figures, soak: bool
) -> None:
    wanted = 100_000 if soak else 2_500
    with installation(tmp_path, valkey_server, servers=1, portal_keys=0) as made:
        keys = in_a_process(issue_one_of_each_type, made.environ, made.made)
        client = Client(made, keys, random.Random(figures.seed))
        schema = schemathesis.openapi.from_dict(client.document())
        operations = [found.ok() for found in schema.get_all_operations()]
        asking = [operation for operation in operations if operation.path.startswith(("/v1/", "/api/"))]
        assert len(asking) > 10
        strategies = [
            *(operation.as_strategy(generation_mode=GenerationMode.POSITIVE) for operation in operations),
            *(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) for operation in asking),
        ]
        for seed in itertools.count(figures.seed * 1000):
            if client.statuses.total() >= wanted:
                break
            for strategy in strategies:
                for_each_drawn(strategy, wanted // len(asking) // 2 + 1, seed, client.send)
        client.close()
    sent = client.statuses.total()
    shown = ", ".join(f"{status} {number}" for status, number in sorted(client.statuses.items()))
    worst = f"slowest {client.slowest:.2f} s; {shown}"
    figures.add("Q7", "answers outside the OpenAPI document", len(client.wrong), sent, worst)
    assert client.wrong[:5] == []
    assert {200, 201, 400, 401, 403, 404} <= set(client.statuses)
