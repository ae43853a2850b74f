"""A portal whose webhook leads to a stand-in Bitrix24, both of the test's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.bitrix.sandbox import Sandbox
from app.registry import Route, entities
from tests.api.world import Answer, World

ENTITY_SCOPES = ("crm", "task", "user")


class Linked:
    """The portal, with a key that opens every entity; `calls` are what its Bitrix24 was asked."""

    def __init__(self, world: World, sandbox: Sandbox) -> None:
        self.world, self.sandbox = world, sandbox
        world.change_portal(world.portal, webhook_url=sandbox.webhook_url)
        self.key = world.portal_key(scopes=ENTITY_SCOPES).raw_key

    def call(self, method: str, path: str, key: str | None = None, **kwargs: Any) -> Answer:
        """Send a request, with the key that opens everything unless another is given."""
        return self.world.call(method, path, key or self.key, **kwargs)

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Answer:
        return self.call("GET", path, query_string=query or {})

    def post(self, path: str, body: Any) -> Answer:
        return self.call("POST", path, json=body)

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Every call that left: its method and parameters."""
        return [(call.method, call.params) for call in self.sandbox.calls]

    @property
    def methods(self) -> list[str]:
        """The methods of the calls that left."""
        return [method for method, _ in self.calls]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What the portal holds."""
        return self.sandbox.portal._store.rows(table)

    def examples(self) -> Iterator[tuple[Route, Answer]]:
        """Send the example of every route of entities, about an item that there is."""
        for route in entities.ROUTES:
            path = route.path.replace("{id}", "2")
            body, query = route.example.body, route.example.parameters
            yield route, self.call(route.method, path, json=body, query_string=query)
