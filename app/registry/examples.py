"""What the examples of several routes speak of: one portal, one key, one ticket, one server."""

from __future__ import annotations

from typing import Any

ACCOUNT_ID = "0199a3c0-5b1e-7c44-9d0a-3f6b1c2d4e10"
PORTAL_ID = "0199a3c0-7d52-7f0e-8a61-52c4b7e9d013"
KEY_ID = "0199a3c2-11f8-7b35-b1c9-84e2d6a7f025"
SUCCESSOR_ID = "0199a3d9-40aa-7e17-a7d2-19b5c3e8f138"
TICKET_ID = "0199a3e1-6c90-7ad6-9e43-c8f1b2d7a04b"
COMMENT_ID = "0199a3e5-02b7-7d59-8f14-6ab3e9c5d15e"
SERVER_ID = "0199a3f0-93de-7168-bc25-7d4ec1f6a26f"

PORTAL_CARD: dict[str, Any] = {
    "id": PORTAL_ID,
    "domain": "company.bitrix24.com",
    "status": "ACTIVE",
    "linked": True,
    "role": "ADMIN",
    "appKeyCount": 3,
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

OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "vibekeys", "version": "1"},
    "paths": {},
}
