"""An account that keeps documents, and a key that opens them: what the tests of documents stand on."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.api.world import Answer, Tenant, World

PROMPTS, ARTIFACTS, MEMORIES = "/api/v1/prompts", "/api/v1/artifacts", "/api/v1/memories"
LISTS = (PROMPTS, ARTIFACTS, MEMORIES)

BODIES: dict[str, dict[str, Any]] = {
    PROMPTS: {"title": "Review a change", "content": "Read the diff."},
    ARTIFACTS: {"projectName": "acme/website", "title": "Week 48", "content": "Done."},
    MEMORIES: {"text": "Prices are in cents."},
}
"""The fewest fields that a new document needs."""

FIELDS = {
    PROMPTS: ["id", "slug", "title", "content", "description", "status", "labels", "createdAt", "updatedAt"],
    ARTIFACTS: [
        *("id", "projectName", "slug", "title", "content", "description", "type", "status", "metadata"),
        *("createdAt", "updatedAt"),
    ],
    MEMORIES: ["id", "projectName", "text", "metadata", "createdAt", "updatedAt"],
}
LONG_TEXT = {PROMPTS: "content", ARTIFACTS: "content", MEMORIES: "text"}


def name_of(value: Any) -> str:
    """A short name for a parameter of a test."""
    return value.rpartition("/")[2] if value in LISTS else repr(value)[:24]


def path_of(list_: str, document: Any) -> str:
    """Where one document is, with everything encoded that can be."""
    if list_ == ARTIFACTS:
        return f"{list_}/{quote(document['projectName'], safe='')}/{quote(document['slug'], safe='')}"
    return f"{list_}/{document['id']}"


class Shelf:
    """The documents of one account, as one of its keys reaches them."""

    def __init__(self, world: World, owner: Tenant | None = None) -> None:
        self.world = world
        account = (owner or world.new_tenant(tier="enterprise", hourly_limit=None)).account
        self.account_id = account.id
        self.key = world.issue("personal", account, integrations=["ai_tools"]).raw_key

    def call(self, method: str, path: str, **kwargs: Any) -> Answer:
        return self.world.call(method, path, self.key, **kwargs)

    def post(self, list_: str, **fields: Any) -> Answer:
        """Send a new document: what it needs, and `fields`."""
        self.world.service.clock.now += 0.002  # documents of one millisecond have no order
        return self.call("POST", list_, json={**BODIES[list_], **fields})

    def keep(self, list_: str, **fields: Any) -> Any:
        """A new document, as it was answered."""
        answer = self.post(list_, **fields)
        assert answer.status == 201, answer.body
        return answer.data

    def list(self, list_: str, **query: Any) -> Answer:
        return self.call("GET", list_, query_string=query)

    def found(self, list_: str, **query: Any) -> list[str]:
        """The ids of what is listed, from the newest on."""
        answer = self.list(list_, **{"limit": 100, **query})
        assert answer.status == 200, answer.body
        ids = [item["id"] for item in answer.data]
        assert answer.json["meta"]["total"] == len(ids)
        return ids

    def put(self, path: str, if_match: str | None = None, **fields: Any) -> Answer:
        self.world.service.clock.now += 0.002
        return self.call("PUT", path, json=fields, headers=_headers(if_match))

    def delete(self, path: str, if_match: str | None = None) -> Answer:
        return self.call("DELETE", path, headers=_headers(if_match))


def _headers(if_match: str | None) -> dict[str, str]:
    return {} if if_match is None else {"If-Match": if_match}
