"""The pages, in the order in which they are listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.api.spec import document
from app.bitrix.conditions import EMPTY, OPERATORS
from app.docs import reference
from app.docs.calls import KEY_HEADERS, curl, indented
from app.docs.page import page
from app.docs.quickstart import FIRST_WITH_A_PORTAL_KEY
from app.docs.quickstart import calls as quickstart_calls
from app.feedback import CATEGORIES, STATUSES
from app.guide.batch import ROOM
from app.guide.words import BOUND_TO
from app.registry import ROUTE_OF
from app.registry.entities import BATCH
from app.schemas.listing import MAX_LIMIT
from app.scopes import INTEGRATIONS, MANAGEMENT_SCOPES, PORTAL_SCOPES
from app.services import services
from gateway import keys


@page("/docs", "Documentation", "What there is to read.")
def index() -> dict[str, Any]:
    """The list of the pages, and a first call."""
    return {"first_call": next(_first_calls())}


@page(
    "/docs/quickstart",
    "Quickstart",
    "From a management key to a portal key, and with it to the first deals, in a few minutes.",
)
def quickstart() -> dict[str, Any]:
    """Calls to paste one after the other."""
    calls = quickstart_calls(services().config.public_url)
    return {"calls": calls, "with_portal_key": FIRST_WITH_A_PORTAL_KEY}


@page(
    "/docs/management-keys",
    "Management keys",
    "Keys that administer: portal keys, portals, feedback tickets.",
)
def management_keys() -> dict[str, Any]:
    """Everything that a management key opens."""
    return {
        "bound_to": BOUND_TO,
        "scopes": reference.grants(MANAGEMENT_SCOPES),
        "endpoints": reference.endpoints("management", document(), services().config.public_url),
        "statuses": STATUSES,
        "categories": CATEGORIES,
    }


@page(
    "/docs/keys-and-authorization",
    "Keys and authorization",
    "The types of key, how to send one, what is checked, limits, rotation, safe keeping.",
)
def keys_and_authorization() -> dict[str, Any]:
    """The life of a key."""
    return {
        "keys": keys,
        "first_calls": _first_calls(),
        "bound_to": BOUND_TO,
        "places": reference.places,
        "checks": reference.CHECKS,
        "windows": reference.windows(services().config),
        "grace_hours": services().config.rotation_grace_hours,
    }


@page("/docs/scopes", "Scopes", "Every scope and integration, what it opens, and how to choose.")
def scopes() -> dict[str, Any]:
    """The tables of `app.scopes`, with the endpoints."""
    return {
        "management": reference.grants(MANAGEMENT_SCOPES),
        "portal": reference.grants(PORTAL_SCOPES),
        "integrations": reference.grants(INTEGRATIONS),
        "free": reference.free(),
    }


@page(
    "/docs/entities",
    "Entities and batch",
    "Deals, contacts, tasks and so on: lists, filters, changes, batches.",
)
def entities() -> dict[str, Any]:
    """The table of `app.bitrix.entities`."""
    host = services().config.public_url
    return {
        "entities": reference.entities(host),
        "operators": OPERATORS,
        "empty": EMPTY,
        "room": ROOM,
        "batch": reference.one_call(BATCH, host),
        "most": MAX_LIMIT,
    }


@page("/docs/error-codes", "Error codes", "Every code, when it is answered, and what to do about it.")
def error_codes() -> dict[str, Any]:
    """The table of `app.errors`."""
    return {"codes": reference.codes(), "refusal": indented(reference.refusal())}


@page("/docs/api", "API reference", "Every endpoint with its fields, to be tried from the page.")
def api() -> dict[str, Any]:
    """Swagger UI, showing the OpenAPI document."""
    return {}


def _first_calls() -> Iterator[str]:
    """The call that every key may make, in each of the two ways to send the key."""
    for header in KEY_HEADERS:
        yield curl(ROUTE_OF["GET", "/v1/me"], services().config.public_url, key_header=header)
