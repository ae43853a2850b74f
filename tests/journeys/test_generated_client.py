"""A client that a generator makes from the OpenAPI document, used against the service that served it."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from importlib import import_module
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from openapi_python_client import Config, MetaType, generate
from openapi_python_client.config import ConfigFile

from tests.conftest import ValkeyServer
from tests.faults.service import Installation, installation

PACKAGE = "generated_client"


class Generated:
    """The generated package, and clients of it."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._opened = ExitStack()
        self.models = import_module(f"{PACKAGE}.models")

    def client(self, raw_key: str, **how: str) -> Any:
        """A client that has this key."""
        made = _part("client").AuthenticatedClient(
            base_url=self._base_url, token=raw_key, raise_on_unexpected_status=True, **how
        )
        return self._opened.enter_context(made)

    def call(self, operation: str, client: Any, *path: Any, **given: Any) -> tuple[HTTPStatus, Any]:
        """Call an operation, named by its tag and id, and return status and parsed answer."""
        response = _part(f"api.{operation}").sync_detailed(*path, client=client, **given)
        return response.status_code, response.parsed

    def forget(self) -> None:
        """Close the clients, and leave no trace of the package."""
        self._opened.close()
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]


def _part(name: str) -> ModuleType:
    return import_module(f"{PACKAGE}.{name}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    valkey = ValkeyServer()
    with installation(tmp_path_factory.mktemp("served"), valkey, servers=1, portal_keys=1) as made:
        yield made
    valkey.close()


@pytest.fixture(scope="module")
def generated(served: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    base_url, folder = f"http://127.0.0.1:{served.servers[0].port}", tmp_path_factory.mktemp("made")
    document = folder / "openapi.json"
    with urllib.request.urlopen(f"{base_url}/docs/openapi.json") as answer:
        document.write_bytes(answer.read())
    settings = Config.from_sources(
        ConfigFile(post_hooks=[], package_name_override=PACKAGE),
        MetaType.NONE,
        document_source=document,
        file_encoding="utf-8",
        overwrite=False,
        output_path=folder / PACKAGE,
    )
    assert generate(config=settings) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        package = Generated(base_url)
        yield package
        package.forget()


def test_it_lists_makes_changes_rotates_and_deletes(served: Installation, generated: Generated) -> None:
    models, call = generated.models, generated.call
    client = generated.client(served.made["management_key"])

    status, portals = call("portals.list_portals", client)
    assert (status, portals.meta.total) == (200, 1)
    (portal,) = portals.data
    assert portal.role is models.PortalAnswerRole.ADMIN

    wanted = models.CreateKey(portal_id=portal.id, name="till", scopes=[models.CreateKeyScopesItem.CRM])
    status, created = call("keys.create_key", client, body=wanted, idempotency_key="till-1")
    _, again = call("keys.create_key", client, body=wanted, idempotency_key="till-1")
    assert (status, again.data.raw_key) == (201, created.data.raw_key)
    key_id: UUID = created.data.id

    status, key = call("keys.get_key", client, key_id)
    assert (status, key.data.name, key.data.rotation) == (200, "till", None)
    status, changed = call("keys.update_key", client, key_id, body=models.ChangePortalKey(rate_limit=50))
    assert (status, changed.data.rate_limit) == (200, 50)

    status, rotated = call("keys.rotate_key", client, key_id, body=models.RotateKey(grace_hours=1))
    assert (status, rotated.data.rotation.predecessor_id) == (201, key_id)
    status, listed = call("keys.list_keys", client, portal_id=portal.id)
    assert (status, listed.data[0].id) == (200, rotated.data.id)

    for one in (key_id, rotated.data.id):
        status, deleted = call("keys.delete_key", client, one)
        assert (status, deleted.data.id, deleted.data.deleted) == (200, one, True)


def test_it_works_with_a_portal_key_in_either_header(served: Installation, generated: Generated) -> None:
    models, call = generated.models, generated.call
    (raw_key,) = served.made["keys"]
    by_bearer = generated.client(raw_key)
    by_api_key = generated.client(raw_key, prefix="", auth_header_name="X-Api-Key")

    wanted = models.CreateTicket(
        category=models.CreateTicketCategory.BUG, title="The filter", description="It forgets."
    )
    status, made = call("feedback.create_ticket", by_bearer, body=wanted)
    assert (status, made.data.status) == (201, models.TicketAnswerStatus.NEW)
    status, tickets = call("feedback.list_tickets", by_api_key)
    assert (status, [ticket.id for ticket in tickets.data]) == (200, [made.data.id])
    status, me = call("me.get_me", by_api_key)
    assert (status, me.data.type_, me.data.limits.second) == (200, models.MeAnswerType.API, None)
    assert call("guide.get_guide", by_bearer)[1].data.endpoints
    assert call("openapi.get_openapi", by_bearer)[1].to_dict() == document_of(generated, by_bearer)


def test_its_refusals_are_read_too(served: Installation, generated: Generated) -> None:
    models, call = generated.models, generated.call
    client = generated.client(served.made["management_key"])

    status, refusal = call("keys.list_keys", client, portal_id=UUID(int=1), name="x" * 256)
    assert (status, type(refusal)) == (400, models.ErrorAnswer)
    assert (refusal.success, refusal.error.code) == (False, models.ErrorBodyCode.VALIDATION_ERROR)
    assert refusal.error.details["name"] == ["Must be 0 to 255 characters."]

    status, refusal = call("keys.get_key", client, UUID(int=1))
    assert (status, refusal.error.code) == (404, models.ErrorBodyCode.ENTITY_NOT_FOUND)
    status, refusal = call("me.get_me", generated.client("vxk_mistyped"))
    assert (status, refusal.error.code) == (401, models.ErrorBodyCode.INVALID_API_KEY)


def document_of(generated: Generated, client: Any) -> Any:
    return json.loads(client.get_httpx_client().get("/docs/openapi.json").content)
