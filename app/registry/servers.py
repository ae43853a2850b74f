"""The routes of `/v1/infra/servers`."""

from __future__ import annotations

from app.registry.examples import KEY_ID, SERVER_ID
from app.registry.route import CHANGE_ERRORS, PORTAL, Example, Route, one, page

_ID = {"id": SERVER_ID}
_SERVER = {
    "id": SERVER_ID,
    "name": "report-runner",
    "status": "ACTIVE",
    "keyId": KEY_ID,
    "createdAt": "2026-11-26T09:30:00.000Z",
}


def _servers(
    method: str, path: str, operation_id: str, summary: str, *errors: str, example: Example
) -> Route:
    return Route(
        method=method,
        path=path,
        operation_id=operation_id,
        summary=summary,
        types=PORTAL,
        scope="vibe:infra",
        errors=errors,
        example=example,
    )


ROUTES: tuple[Route, ...] = (
    _servers(
        "GET",
        "/v1/infra/servers",
        "listServers",
        "list the servers of this key's lineage",
        example=Example(answer=page(_SERVER)),
    ),
    _servers(
        "POST",
        "/v1/infra/servers",
        "createServer",
        "register a server under this key; the key cannot be deleted while it has one",
        *CHANGE_ERRORS,
        example=Example(body={"name": "report-runner"}, answer=one(_SERVER)),
    ),
    _servers(
        "GET",
        "/v1/infra/servers/{id}",
        "getServer",
        "single server",
        "ENTITY_NOT_FOUND",
        "WRONG_KEY",
        example=Example(path=_ID, answer=one(_SERVER)),
    ),
    _servers(
        "DELETE",
        "/v1/infra/servers/{id}",
        "deleteServer",
        "delete a server",
        "ENTITY_NOT_FOUND",
        "WRONG_KEY",
        example=Example(path=_ID, answer=one({"id": SERVER_ID, "deleted": True})),
    ),
)
