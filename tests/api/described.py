"""The OpenAPI document as a test asks it: is this answer one of those that it promises?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from tests.api.world import Answer

OF_EVERY_HTTP_ANSWER = {"content-type", "content-length", "connection", "date", "server"}
"""Headers that OpenAPI leaves out, or that are no concern of an API."""


class Described:
    """One document, with its references followed."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def operation(self, method: str, path: str) -> Any:
        return self.document["paths"][path][method.lower()]

    def operations(self) -> Iterator[tuple[str, str, Any]]:
        """Method, path and operation, with the parameters that stand beside it."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method != "parameters":
                    parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
                    yield method.upper(), path, {**operation, "parameters": parameters}

    def response(self, method: str, path: str, status: int) -> Any:
        return self.follow(self.operation(method, path)["responses"][str(status)])

    def follow(self, described: Any) -> Any:
        """What is described, or what a reference to it names."""
        while "$ref" in described:
            found = self.document
            for step in described["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            described = found
        return described

    def flaws(self, schema: Any, value: Any) -> list[str]:
        """What the schema has against the value."""
        whole = {**schema, "components": self.document["components"]}
        checker = Draft202012Validator.FORMAT_CHECKER
        validator = Draft202012Validator(whole, format_checker=checker)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def flaws_of(self, method: str, path: str, answer: Answer) -> list[str]:
        """What the document has against an answer to this operation: status, headers, body."""
        response = self.response(method, path, answer.status)
        described = {name.lower(): self.follow(header) for name, header in response["headers"].items()}
        sent = {name.lower(): value for name, value in answer.headers.items()}
        lacking = [name for name, header in described.items() if header["required"] and name not in sent]
        unknown = sorted(set(sent) - set(described) - OF_EVERY_HTTP_ANSWER)
        media_type = sent["content-type"].partition(";")[0]
        body = answer.json if media_type == "application/json" else answer.body.decode()
        return [
            *(f"{name} is lacking" for name in lacking),
            *(f"{name} is not described" for name in unknown),
            *(flaw for name in set(sent) & set(described) for flaw in _of(self, described[name], sent[name])),
            *self.flaws(response["content"][media_type]["schema"], body),
        ]


def _of(described: Described, header: Any, value: str) -> list[str]:
    is_integer = header["schema"]["type"] == "integer"
    return described.flaws(header["schema"], int(value) if is_integer else value)
