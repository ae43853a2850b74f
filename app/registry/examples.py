"""What the examples of several routes speak of: one portal, one key, one ticket, one server …"""

from __future__ import annotations

from typing import Any

HOST = "https://keys.example.com"

ACCOUNT_ID = "0199a3c0-5b1e-7c44-9d0a-3f6b1c2d4e10"
PORTAL_ID = "0199a3c0-7d52-7f0e-8a61-52c4b7e9d013"
KEY_ID = "0199a3c2-11f8-7b35-b1c9-84e2d6a7f025"
NEW_KEY_ID = "0199a3d7-2b64-7c81-a0f3-5d18e6c49b32"
SUCCESSOR_ID = "0199a3d9-40aa-7e17-a7d2-19b5c3e8f138"
TICKET_ID = "0199a3e1-6c90-7ad6-9e43-c8f1b2d7a04b"
COMMENT_ID = "0199a3e5-02b7-7d59-8f14-6ab3e9c5d15e"
REPLY_ID = "0199a3ea-7e15-7f20-b39d-e84c50a6d279"
SERVER_ID = "0199a3f0-93de-7168-bc25-7d4ec1f6a26f"
PROMPT_ID = "0199a3f4-2b17-7c80-a4d9-51e0c7f3b871"
ARTIFACT_ID = "0199a3f6-8e05-7dd2-b630-0f4a9c2d7e92"
MEMORY_ID = "0199a3f9-d1c4-71ab-8c5f-e37b60a8d4a3"
EVENT_ID = "0199a3fc-40d8-7b6e-8d21-95ac07e4f1b4"
ALERT_ID = "0199a3ff-1c5e-7f20-a37b-6e9d0b84c2d6"
HOOK_ID = "0199a3fd-77a1-7e02-b9c3-2d80f61e5ac5"

PORTAL_CARD: dict[str, Any] = {
    "id": PORTAL_ID,
    "domain": "company.bitrix24.com",
    "status": "ACTIVE",
    "linked": True,
    "role": "ADMIN",
    "appKeyCount": 1,
}

KEY: dict[str, Any] = {
    "id": KEY_ID,
    "type": "api",
    "name": "Nightly report",
    "keyPrefix": "vibe_api_8e195d",
    "keySuffix": "77ab",
    "portalId": PORTAL_ID,
    "ownerId": ACCOUNT_ID,
    "scopes": ["crm", "task"],
    "integrations": [],
    "status": "ACTIVE",
    "ipWhitelist": ["192.0.2.0/24"],
    "rateLimit": 5,
    "hourlyLimit": None,
    "expiresAt": None,
    "metadata": {},
    "createdAt": "2026-11-26T09:15:00.000Z",
    "lastUsedAt": None,
    "lastUsedIp": None,
    "requestCount": 0,
    "isLegacy": False,
    "rotationRecommended": False,
    "rotation": None,
}

SELF_DESCRIPTION = (
    "type",
    "keyPrefix",
    "keySuffix",
    "name",
    "expiresAt",
    "scopes",
    "integrations",
    "rotation",
)
"""What `GET /v1/me` says of a key as the other routes do."""

RAW_KEY = "vibe_api_<64 characters, shown only in this answer>"

LIMITS: dict[str, Any] = {
    "second": None,
    "key": None,
    "tier": {"limit": 10000, "remaining": 9999, "resetsAt": "2026-11-26T10:00:00.000Z"},
}

USAGE: dict[str, Any] = {
    "keyId": KEY_ID,
    "lineage": False,
    "since": "2026-11-25T00:00:00.000Z",
    "until": "2026-11-27T00:00:00.000Z",
    "bucket": "day",
    "requestCount": 1211,
    "lastUsedAt": "2026-11-26T09:41:12.087Z",
    "lastUsedIp": "192.0.2.7",
    "series": [
        {"start": "2026-11-25T00:00:00.000Z", "requestCount": 860},
        {"start": "2026-11-26T00:00:00.000Z", "requestCount": 351},
    ],
    "tools": [{"name": "python-requests", "count": 1200}, {"name": "curl", "count": 11}],
    "actions": [{"name": "GET /v1/me", "count": 1211}],
    "statuses": [{"name": "2xx", "count": 1211}],
    "networks": [{"name": "192.0.2.0/24", "count": 1211}],
    "refusals": [{"name": "RATE_LIMITED", "count": 4}],
}

QUESTION: dict[str, Any] = {"address": "198.51.100.7", "method": "GET", "path": "/v1/me"}

EXPLANATION: dict[str, Any] = {
    "keyId": KEY_ID,
    "at": "2026-11-26T09:41:12.087Z",
    **QUESTION,
    "route": "GET /v1/me",
    "verdict": "IP_NOT_ALLOWED",
    "status": 403,
    "checks": [
        {"check": "url", "verdict": "PASSED"},
        {
            "check": "credential",
            "verdict": "UNKNOWN",
            "message": "One key, in one header: only the request itself shows that.",
        },
        {
            "check": "form",
            "verdict": "UNKNOWN",
            "message": "The key whole and as it was made: only the raw key shows that, and nobody keeps it.",
        },
        *(
            {"check": name, "verdict": "PASSED"}
            for name in ("known", "status", "account", "portal", "member")
        ),
        {
            "check": "address",
            "verdict": "REFUSED",
            "code": "IP_NOT_ALLOWED",
            "message": "The API key may not be used from this address.",
            "details": {"address": "198.51.100.7"},
        },
        *(
            {"check": name, "verdict": "NOT_REACHED"}
            for name in ("rateLimit", "type", "route", "restriction", "scope", "integration")
        ),
    ],
    "limits": [
        {
            "scope": "tier",
            "limit": 10000,
            "window": 3600,
            "used": 351,
            "remaining": 9649,
            "resetsAt": "2026-11-26T10:00:00.000Z",
        }
    ],
    "mode": None,
}

FEEDBACK: dict[str, Any] = {
    "endpoints": [
        f"GET {HOST}/v1/feedback — list ALL platform feedback (management key sees everything)",
        f"POST {HOST}/v1/feedback/:id/comments — post a team comment, changes status",
    ],
    "statuses": {
        "RESOLVED": {
            "meaning": "The fix is published in the production environment, the user has been notified",
            "setBy": ["commentTicket (team)", "updateTicket (team)"],
            "mailsAuthor": True,
        },
    },
    "transitions": {"authorComment": {"AWAITING_USER": "NEEDS_REVIEW", "ARCHIVED": None}},
    "categories": ["BUG", "SUGGESTION", "DOCS"],
    "paging": {"order": "newest first"},
    "workflow": [
        {
            "goal": "Ask the author what is missing",
            "method": "POST",
            "url": f"{HOST}/v1/feedback/{{id}}/comments",
            "body": {"text": "<your question>", "status": "AWAITING_USER"},
            "note": "The author is mailed the text. The reply makes the ticket NEEDS_REVIEW.",
        },
    ],
}
"""Some of what a management key is told of tickets."""

GUIDE: dict[str, Any] = {
    "baseUrl": HOST,
    "authentication": {
        "headers": ["X-Api-Key: <key>"],
        "rule": "One key in one header, never in a URL.",
        "keyTypes": [{"type": "management", "prefix": "vibe_live_", "boundTo": "all portals of its owner"}],
    },
    "conventions": {"formats": "Names are camelCase, ids are UUIDs, times are ISO-8601 in UTC with Z."},
    "scopes": [
        {"name": "vibe:mgmt:portals", "meaning": "Portals: list", "keyTypes": ["management"], "held": True}
    ],
    "quickstart": {
        "how": "Make the calls in order.",
        "steps": [
            {
                "step": 1,
                "operationId": "listPortals",
                "method": "GET",
                "path": "/v1/portals",
                "does": "Find a portal that is ACTIVE and linked.",
                "key": None,
                "pathParameters": {},
                "query": {},
                "body": None,
            }
        ],
    },
    "endpoints": [
        {
            "operationId": "listPortals",
            "method": "GET",
            "path": "/v1/portals",
            "summary": "list your portals",
            "keyTypes": ["management"],
            "managementScope": "vibe:mgmt:portals",
            "scope": None,
            "integrations": [],
            "parameters": [
                {
                    "name": "page",
                    "in": "query",
                    "required": False,
                    "type": "integer",
                    "description": "Which page, counted from 1.",
                    "limits": {"minimum": 1, "default": 1},
                }
            ],
            "example": {
                "request": {
                    "method": "GET",
                    "url": f"{HOST}/v1/portals",
                    "headers": {"X-Api-Key": "<your key>"},
                    "body": None,
                },
                "answer": {
                    "status": 200,
                    "body": {
                        "success": True,
                        "data": [PORTAL_CARD],
                        "meta": {"page": 1, "limit": 50, "total": 1, "hasMore": False},
                    },
                },
            },
            "errors": ["MANAGEMENT_SCOPE_REQUIRED"],
        }
    ],
    "entities": [
        {
            "name": "deals",
            "path": "/v1/deals",
            "scope": "crm",
            "actions": [{"action": "list", "operationId": "listDeals"}],
            "fields": [
                {
                    "name": "title",
                    "type": "string",
                    "access": "write",
                    "filter": True,
                    "order": True,
                }
            ],
        }
    ],
    "operators": [{"name": "$contains", "meaning": "has the value within", "types": ["string"]}],
    "commonErrors": ["MISSING_API_KEY"],
    "errors": {
        "MISSING_API_KEY": {"status": 401, "message": "An API key is required."},
        "MANAGEMENT_SCOPE_REQUIRED": {
            "status": 403,
            "message": "The management key lacks the scope for this endpoint.",
        },
    },
    "feedback": FEEDBACK,
}

OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "vibekeys", "version": "1"},
    "paths": {},
}
