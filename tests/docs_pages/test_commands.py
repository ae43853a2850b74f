"""The commands on the pages do what the pages say when they are pasted into a shell."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import click
import pytest
from werkzeug.serving import make_server

from app.bitrix.sandbox import Sandbox
from app.cli import cli
from app.docs import quickstart
from app.docs.calls import KEY_HEADERS, curl
from app.registry import ROUTE_OF, ROUTES, entities
from app.registry.examples import KEY_ID, PORTAL_ID
from app.registry.route import Example, Route
from tests.api.world import PUBLIC_URL, Service, World
from tests.docs_pages.parsed import Parsed

PASTES_A_KEY = re.compile(r"read -rs API_KEY .*")
ITS_OWN = {"id", "portalId", "ownerId", "keyPrefix", "keySuffix", "rawKey", "createdAt", "limits"}
"""What is another in the answer about every key."""
PASTES_THE_PORTAL = re.compile(r"PORTAL_ID= .*")
PASTES_THE_DEAL = re.compile(r"DEAL_ID= .*")


@pytest.fixture(scope="module")
def address(service: Service) -> Iterator[str]:
    """Where the service can be reached by a command."""
    server = make_server("127.0.0.1", 0, service.wsgi, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(command: str, address: str, variables: dict[str, str]) -> Any:
    """What a shell makes of a pasted command."""
    result = subprocess.run(
        ["bash", "-euc", command.replace(PUBLIC_URL, address)],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "NO_PROXY": "*", **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return json.loads(result.stdout)


def test_the_quickstart_pasted_line_by_line_ends_with_a_changed_deal(
    service: Service, pages: dict[str, Parsed], address: str, sandbox: Sandbox
) -> None:
    world = World(service)
    world.change_portal(world.portal, webhook_url=sandbox.webhook_url)
    variables: dict[str, str] = {}
    answers: list[Any] = []
    make_a_key, *commands = pages["/docs/quickstart"].commands
    assert make_a_key.startswith("vibekeys keys create")
    for command in commands:
        if PASTES_A_KEY.fullmatch(command):
            variables["API_KEY"] = answers[-1]["data"]["rawKey"] if answers else world.admin.management_key
        elif PASTES_THE_PORTAL.fullmatch(command):
            variables["PORTAL_ID"] = answers[-1]["data"][0]["id"]
        elif PASTES_THE_DEAL.fullmatch(command):
            variables["DEAL_ID"] = str(answers[-1]["data"]["id"])
        else:
            answers.append(run(command, address, variables))

    assert [answer["success"] for answer in answers] == [True] * 8
    portals, keys, made, me, deals, deal, read, changed = (answer["data"] for answer in answers)
    assert [portal["id"] for portal in portals] == [world.portal.id]
    assert keys == []
    assert (made["portalId"], made["scopes"]) == (world.portal.id, ["crm"])
    assert (me["type"], me["keySuffix"]) == ("api", made["rawKey"][-4:])
    assert [set(deal) for deal in deals] == [{"id", "title", "opportunity"}] * 5
    assert read == deal
    assert (changed["id"], changed["title"], changed["opportunity"]) == (deal["id"], "Order 17", 1750)

    shown = [call.answer for call in quickstart.calls(PUBLIC_URL)]
    assert [text for text in shown if text not in pages["/docs/quickstart"].codes] == []
    shown_key, shown_me, _, *shown_deals = (json.loads(text)["data"] for text in shown[2:])
    assert without(shown_key, ITS_OWN) == without(made, ITS_OWN)
    assert without(shown_me, ITS_OWN) == without(me, ITS_OWN)
    assert shown_me["keyPrefix"] == shown_key["keyPrefix"]
    for answered, of_it in zip((deal, read, changed), shown_deals, strict=True):
        assert answered.items() >= without(of_it, {"id"}).items()


def without(answer: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in names}


def test_every_command_for_a_management_key_is_understood(
    service: Service, pages: dict[str, Parsed], address: str
) -> None:
    world = World(service)
    desk = world.issue("management", world.admin.account, scopes=["vibe:mgmt:feedback"]).raw_key
    author = world.portal_key().raw_key
    ticket = {"category": "BUG", "title": "A title", "description": "What happened."}
    variables = {
        "PORTAL_ID": world.portal.id,
        "KEY_ID": world.portal_key().key.id,
        "TICKET_ID": world.call("POST", "/v1/feedback", author, json=ticket).data["id"],
    }
    first, *commands = pages["/docs/management-keys"].commands
    assert PASTES_A_KEY.fullmatch(first)
    # A revoked key cannot be rotated, a deleted one not even be revoked.
    in_order = sorted(commands, key=lambda command: ["-X DELETE" in command, "-X PATCH" in command])
    for command in in_order:
        api_key = desk if "/v1/feedback" in command else world.admin.management_key
        answer = run(command, address, {**variables, "API_KEY": api_key})
        assert answer.get("success") or "openapi" in answer, (command, answer)


def test_every_command_for_entities_does_what_it_says(
    service: Service, pages: dict[str, Parsed], address: str, sandbox: Sandbox
) -> None:
    world = World(service)
    world.change_portal(world.portal, webhook_url=sandbox.webhook_url)
    variables = {"API_KEY": world.portal_key(scopes=["crm", "task", "user"]).raw_key}
    first, *commands = pages["/docs/entities"].commands
    assert PASTES_A_KEY.fullmatch(first)
    assert len(commands) == len(entities.ROUTES)
    for command in commands:
        assert run(command, address, variables)["success"], command


@pytest.mark.parametrize(("page", "headers"), [("/docs", 1), ("/docs/keys-and-authorization", 2)])
def test_the_first_calls_are_the_routes_own(
    pages: dict[str, Parsed], service: Service, address: str, page: str, headers: int
) -> None:
    variables = {"API_KEY": World(service).admin.management_key}
    paste_a_key, *calls = pages[page].commands
    assert PASTES_A_KEY.fullmatch(paste_a_key)
    me = ROUTE_OF["GET", "/v1/me"]
    assert calls == [curl(me, PUBLIC_URL, key_header=header) for header in KEY_HEADERS[:headers]]
    for call in calls:
        assert run(call, address, variables)["data"]["type"] == "management"


def test_a_command_takes_the_text_of_an_example_as_it_is(service: Service, address: str) -> None:
    world = World(service)
    odd = "$HOME `id` \\ \" ' $(id) !! é"
    body = {"portalId": PORTAL_ID, "name": odd, "scopes": ["crm"], "metadata": {"of": KEY_ID}}
    route = Route(
        method="POST",
        path="/v1/keys",
        operation_id="createKey",
        summary="",
        types=frozenset(),
        example=Example(query={}, body=body, answer={}),
    )
    variables = {"API_KEY": world.admin.management_key, "PORTAL_ID": world.portal.id, "KEY_ID": "of $another"}
    made = run(curl(route, PUBLIC_URL), address, variables)["data"]
    assert (made["name"], made["metadata"]) == (odd, {"of": "of $another"})


def test_a_command_takes_the_address_of_the_service_as_it_is() -> None:
    me = next(route for route in ROUTES if route.operation_id == "getMe")
    host = 'https://example.test/$(id)`id`"$HOME\\'
    echo = curl(me, host).replace("curl ", "printf '%s\\n' ")
    printed = subprocess.run(
        ["bash", "-euc", echo], env={"API_KEY": "key"}, capture_output=True, text=True, check=True
    ).stdout
    assert printed.splitlines() == [f"{host}/v1/me", "-H", "X-Api-Key: key"]


def test_the_operators_command_is_one_that_the_command_line_has(pages: dict[str, Parsed]) -> None:
    program, *words = shlex.split(pages["/docs/quickstart"].commands[0].replace("\\\n", ""))
    assert program == "vibekeys"
    group, name, *options = words
    keys = cli.commands[group]
    assert isinstance(keys, click.Group)
    with keys.commands[name].make_context(name, options) as context:
        assert context.params["scopes"] == ("vibe:mgmt:keys", "vibe:mgmt:portals")
