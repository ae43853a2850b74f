"""The routes of `/api/v1/prompts`, `/api/v1/artifacts` and `/api/v1/memories`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.registry.examples import ARTIFACT_ID, MEMORY_ID, PROMPT_ID
from app.registry.route import CHANGE_ERRORS, MAX_BYTES, PERSONAL, Example, Route, one, page

ARTIFACT_MAX_BYTES = 8 * 1024 * 1024
"""How large the body of an artifact may be: its content can be several times as long once it is JSON."""

_TIMES = {"createdAt": "2026-11-26T09:50:00.000Z", "updatedAt": "2026-11-26T09:50:00.000Z"}
_LATER = {"updatedAt": "2026-11-26T10:12:00.000Z"}

_PROMPT: dict[str, Any] = {
    "id": PROMPT_ID,
    "slug": "review-a-change",
    "title": "Review a change",
    "content": "Read the diff. Name each fault with file and line, the worst first.",
    "description": "For pull requests",
    "status": "published",
    "labels": ["review", "code"],
    **_TIMES,
}
_ARTIFACT: dict[str, Any] = {
    "id": ARTIFACT_ID,
    "projectName": "acme/website",
    "slug": "week-48",
    "title": "Week 48",
    "content": "# Done\n\n- The filter is kept when a deal is opened.\n",
    "description": "What was done in the last week of November",
    "type": "work_reports",
    "status": "active",
    "metadata": {"author": "claude-code"},
    **_TIMES,
}
_MEMORY: dict[str, Any] = {
    "id": MEMORY_ID,
    "projectName": "acme/website",
    "text": "Prices are stored in cents.",
    "metadata": {"source": "review"},
    **_TIMES,
}


def _routes(
    kind: str,
    plural: str,
    item_path: str,
    *,
    example: Mapping[str, Any],
    path: Mapping[str, str],
    path_notes: Mapping[str, str] = {},
    query: Mapping[str, str],
    body: tuple[str, ...],
    change: Mapping[str, Any],
    max_bytes: int = MAX_BYTES,
    errors: tuple[str, ...] = (),
) -> tuple[Route, ...]:
    """List, create, read, change, delete. `body` names what of the example is sent to make it."""
    everywhere: dict[str, Any] = {"types": PERSONAL, "integrations": frozenset({"ai_tools", "cli"})}
    on_list = {**everywhere, "path": f"/api/v1/{plural}"}
    on_item = {**everywhere, "path": f"/api/v1/{plural}/{item_path}", "path_notes": path_notes}
    name, names = kind.capitalize(), plural.capitalize()
    return (
        Route(
            **on_list,
            method="GET",
            operation_id=f"list{names}",
            summary=f"list the account's {plural}",
            example=Example(query=query, answer=page(example)),
        ),
        Route(
            **on_list,
            method="POST",
            operation_id=f"create{name}",
            summary=f"keep a new {kind}",
            errors=(*CHANGE_ERRORS, *errors),
            max_bytes=max_bytes,
            tagged=True,
            example=Example(body={member: example[member] for member in body}, answer=one(example)),
        ),
        Route(
            **on_item,
            method="GET",
            operation_id=f"get{name}",
            summary=f"single {kind}",
            errors=("ENTITY_NOT_FOUND",),
            tagged=True,
            example=Example(path=path, answer=one(example)),
        ),
        Route(
            **on_item,
            method="PUT",
            operation_id=f"update{name}",
            summary=f"change what is sent of a {kind}",
            errors=(*CHANGE_ERRORS, "ENTITY_NOT_FOUND", "PRECONDITION_FAILED", *errors),
            max_bytes=max_bytes,
            tagged=True,
            example=Example(path=path, body=change, answer=one({**example, **change, **_LATER})),
        ),
        Route(
            **on_item,
            method="DELETE",
            operation_id=f"delete{name}",
            summary=f"delete a {kind}",
            errors=("VALIDATION_ERROR", "ENTITY_NOT_FOUND", "PRECONDITION_FAILED"),
            example=Example(path=path, answer=one({"id": example["id"], "deleted": True})),
        ),
    )


ROUTES: tuple[Route, ...] = (
    *_routes(
        "prompt",
        "prompts",
        "{id}",
        example=_PROMPT,
        path={"id": PROMPT_ID},
        path_notes={"id": "`id` or `slug` of an item of `GET /api/v1/prompts`."},
        query={"status": "published", "labels": "review,code", "search": "diff"},
        body=("title", "content", "description", "status", "labels"),
        change={"status": "draft"},
    ),
    *_routes(
        "artifact",
        "artifacts",
        "{project}/{slug}",
        example=_ARTIFACT,
        path={"project": "acme/website", "slug": "week-48"},
        path_notes={
            "project": "`projectName` of an item of `GET /api/v1/artifacts`; its slashes may stay slashes.",
            "slug": "`slug` of the same item.",
        },
        query={"projectName": "acme/website", "type": "work_reports", "status": "active"},
        body=("projectName", "slug", "title", "content", "description", "type", "status", "metadata"),
        change={"status": "expired"},
        max_bytes=ARTIFACT_MAX_BYTES,
        errors=("SLUG_TAKEN",),
    ),
    *_routes(
        "memory",
        "memories",
        "{id}",
        example=_MEMORY,
        path={"id": MEMORY_ID},
        query={"projectName": "acme/website", "search": "prices"},
        body=("text", "projectName", "metadata"),
        change={"metadata": {"source": "review", "checked": True}},
    ),
)
