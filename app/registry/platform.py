"""The routes by which a key learns what it is and what there is."""

from __future__ import annotations

from typing import Any

from app.registry.examples import FEEDBACK, GUIDE, HOST, KEY, LIMITS, OPENAPI, PORTAL_CARD, SELF_DESCRIPTION
from app.registry.quickstart import quickstart_lines
from app.registry.route import ANY_TYPE, Example, Route, one

_OF_A_PORTAL_KEY: dict[str, Any] = {
    **{name: KEY[name] for name in SELF_DESCRIPTION},
    "limits": {**LIMITS, "second": {"limit": 5, "remaining": 4, "resetsAt": "2026-11-26T09:41:07.000Z"}},
}
_OF_A_MANAGEMENT_KEY: dict[str, Any] = {
    "type": "management",
    "keyPrefix": "vibe_live_4f2a91",
    "keySuffix": "c07e",
    "name": "Key automation",
    "expiresAt": None,
    "scopes": ["vibe:mgmt:keys", "vibe:mgmt:portals"],
    "integrations": [],
    "limits": LIMITS,
    "rotation": None,
    "capabilities": [
        f"GET {HOST}/v1/guide — full API reference (portal-agnostic)",
        f"POST {HOST}/v1/keys — create APP key (requires portalId in body)",
        f"GET {HOST}/v1/portals — list your portals",
    ],
    "portals": [PORTAL_CARD],
    "totalAppKeys": 1,
    "quickstart": quickstart_lines(HOST),
    "docs": f"{HOST}/docs/management-keys",
    "feedback": FEEDBACK,
}

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/me",
        operation_id="getMe",
        summary="this key's own description",
        types=ANY_TYPE,
        example=Example(answer=one(_OF_A_MANAGEMENT_KEY)),
        other_example=Example(answer=one(_OF_A_PORTAL_KEY)),
    ),
    Route(
        method="GET",
        path="/v1/guide",
        operation_id="getGuide",
        summary="the API reference: all of it for a management key, for others what their scopes open",
        types=ANY_TYPE,
        example=Example(answer=one(GUIDE)),
    ),
    Route(
        method="GET",
        path="/v1/openapi.json",
        operation_id="getOpenapi",
        summary="OpenAPI 3.1 document of this API",
        types=ANY_TYPE,
        example=Example(answer=OPENAPI),
    ),
)
