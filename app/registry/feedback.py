"""The routes of `/v1/feedback`."""

from __future__ import annotations

from typing import Any

from app.registry.examples import ACCOUNT_ID, COMMENT_ID, PORTAL_ID, REPLY_ID, TICKET_ID
from app.registry.route import CHANGE_ERRORS, MANAGEMENT, PORTAL, Example, Route, one, page

_SCOPE = "vibe:mgmt:feedback"
_ID = {"id": TICKET_ID}

_TICKET: dict[str, Any] = {
    "id": TICKET_ID,
    "portalId": PORTAL_ID,
    "authorId": ACCOUNT_ID,
    "category": "BUG",
    "status": "NEW",
    "title": "The deal list forgets its filter",
    "description": "After opening a deal and going back, the filter is empty again.",
    "context": {"page": "/crm/deal/"},
    "resolution": None,
    "createdAt": "2026-11-26T09:20:00.000Z",
    "updatedAt": "2026-11-26T09:20:00.000Z",
}
_QUESTION = "Does it also happen in a private window?"
_ASKED: dict[str, Any] = {**_TICKET, "status": "AWAITING_USER", "updatedAt": "2026-11-26T09:42:00.000Z"}
_COMMENT: dict[str, Any] = {
    "id": COMMENT_ID,
    "author": "TEAM",
    "text": _QUESTION,
    "status": "AWAITING_USER",
    "createdAt": "2026-11-26T09:42:00.000Z",
}

_ANSWERED: dict[str, Any] = {
    **_TICKET,
    "status": "NEEDS_REVIEW",
    "updatedAt": "2026-11-26T10:03:00.000Z",
    "comments": [
        _COMMENT,
        {
            "id": REPLY_ID,
            "author": "USER",
            "text": "Yes, there too.",
            "status": "NEEDS_REVIEW",
            "createdAt": "2026-11-26T10:03:00.000Z",
        },
    ],
}

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/v1/feedback",
        operation_id="createTicket",
        summary="report a problem or suggest something",
        types=PORTAL,
        errors=CHANGE_ERRORS,
        example=Example(
            body={name: _TICKET[name] for name in ("category", "title", "description", "context")},
            answer=one(_TICKET),
        ),
    ),
    Route(
        method="GET",
        path="/v1/feedback",
        operation_id="listTickets",
        summary="list feedback tickets: a management key sees all of the platform, a portal key its owner's",
        types=MANAGEMENT | PORTAL,
        management_scope=_SCOPE,
        example=Example(query={"status": "NEW", "category": "BUG"}, answer=page(_TICKET)),
    ),
    Route(
        method="GET",
        path="/v1/feedback/{id}",
        operation_id="getTicket",
        summary="feedback details including comment thread",
        types=MANAGEMENT | PORTAL,
        management_scope=_SCOPE,
        errors=("ENTITY_NOT_FOUND",),
        example=Example(path=_ID, answer=one({**_ASKED, "comments": [_COMMENT]})),
    ),
    Route(
        method="PATCH",
        path="/v1/feedback/{id}",
        operation_id="updateTicket",
        summary="update status or resolution",
        types=MANAGEMENT,
        management_scope=_SCOPE,
        errors=(*CHANGE_ERRORS, "ENTITY_NOT_FOUND"),
        example=Example(
            path=_ID,
            body={"status": "RESOLVED", "resolution": "Mended in release 4.2."},
            answer=one({**_ASKED, "status": "RESOLVED", "resolution": "Mended in release 4.2."}),
        ),
    ),
    Route(
        method="POST",
        path="/v1/feedback/{id}/comments",
        operation_id="commentTicket",
        summary="comment on a ticket: the team with a new status, the author with a reply",
        types=MANAGEMENT | PORTAL,
        management_scope=_SCOPE,
        errors=(*CHANGE_ERRORS, "ENTITY_NOT_FOUND", "TICKET_ARCHIVED", "TICKET_FULL"),
        example=Example(
            path=_ID,
            body={"text": _QUESTION, "status": "AWAITING_USER"},
            answer=one({**_ASKED, "comments": [_COMMENT]}),
        ),
        other_example=Example(path=_ID, body={"text": "Yes, there too."}, answer=one(_ANSWERED)),
    ),
)
