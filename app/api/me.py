"""`GET /v1/me`: a key describes itself; a management key also says what can be done with it."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.api.answers import ApiBlueprint, answer
from app.api.spec import document
from app.auth import Principal, principal
from app.guide.feedback import feedback_reference
from app.instants import iso
from app.models import Key
from app.openapi import answer_of
from app.registry.capabilities import capabilities
from app.registry.quickstart import quickstart_lines
from app.schemas.key import rotation_of
from app.schemas.me import LimitsAnswer, MeAnswer
from app.schemas.portal import PortalAnswer
from app.services import services
from app.visible_portals import portal_rows
from gateway.limits import Usage

blueprint = ApiBlueprint("me", __name__, description="The calling key itself.")

_LIMITS_ANSWER = LimitsAnswer()


@blueprint.operation("GET", "/v1/me", gives=answer_of(MeAnswer))
def get_me() -> Response:
    """The calling key: its type, grants and limits."""
    caller = principal()
    data = _key_itself(caller)
    if caller.key.type == "management":
        data.update(_management(caller, services().config.public_url))
    return answer(data)


def _key_itself(caller: Principal) -> dict[str, Any]:
    record = caller.key
    place = Key.select(Key.id, Key.owner, Key.predecessor_id, Key.successor_id, Key.grace_ends_at)
    row = place.where(Key.id == record.key_id, Key.owner == record.account_id).first()
    return {
        "type": record.type,
        "keyPrefix": record.prefix,
        "keySuffix": record.suffix,
        "name": record.name,
        "expiresAt": None if record.expires_at is None else iso(round(record.expires_at * 1000)),
        "scopes": list(record.scopes),
        "integrations": list(record.integrations),
        "limits": _LIMITS_ANSWER.dump(_limits(caller.usages)),
        "rotation": None if row is None else rotation_of(row),  # deleted since it was admitted
    }


def _limits(usages: tuple[Usage, ...]) -> dict[str, dict[str, int] | None]:
    limits: dict[str, dict[str, int] | None] = {"second": None, "key": None, "tier": None}
    for usage in usages:
        limits[usage.limit.scope] = {
            "limit": usage.limit.quota,
            "remaining": usage.remaining,
            "resets_at": usage.resets_at * 1000,
        }
    return limits


def _management(caller: Principal, host: str) -> dict[str, Any]:
    now_ms = int(services().clock() * 1000)
    portals = PortalAnswer(many=True).dump(portal_rows(caller.account.account_id, now_ms))
    return {
        "capabilities": capabilities(host),
        "portals": portals,
        "totalAppKeys": sum(portal["appKeyCount"] for portal in portals),
        "quickstart": quickstart_lines(host),
        "docs": f"{host}/docs/management-keys",
        "feedback": feedback_reference(caller.key.type, document(), host),
    }
