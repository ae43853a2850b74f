"""The routes by which a key learns what it is and what there is."""

from __future__ import annotations

from app.registry.examples import GUIDE, LIMITS, OPENAPI, PORTAL_CARD
from app.registry.route import ANY_TYPE, Example, Route, one

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/me",
        operation_id="getMe",
        summary="this key's own description",
        types=ANY_TYPE,
        example=Example(
            answer=one(
                {
                    "type": "management",
                    "keyPrefix": "vibe_live_4f2a91",
                    "keySuffix": "c07e",
                    "name": "Key automation",
                    "expiresAt": None,
                    "scopes": ["vibe:mgmt:keys", "vibe:mgmt:portals"],
                    "integrations": [],
                    "limits": LIMITS,
                    "rotation": None,
                    "portals": [PORTAL_CARD],
                    "totalAppKeys": 1,
                }
            )
        ),
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
