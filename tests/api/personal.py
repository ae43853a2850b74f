"""An account's personal keys, as the tests of `/api/v1` hold them."""

from __future__ import annotations

from typing import Any

from app.keyring import Issued
from tests.api.world import Answer, World

PATH = "/api/v1/api-keys"
BOTH = ("ai_tools", "cli")


class Holder:
    """Calls with a personal key of the admin that has both integrations."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.own = world.personal_key(integrations=BOTH)

    def call(self, method: str, path: str = "", key: str | None = None, **kwargs: Any) -> Answer:
        """Send a request below `/api/v1/api-keys`."""
        return self.world.call(method, PATH + path, key or self.own.raw_key, **kwargs)

    def key(self, **fields: Any) -> Issued:
        """Another personal key of the account, for both unless `fields` say otherwise."""
        return self.world.personal_key(**{"integrations": BOTH, **fields})

    def works(self, raw_key: str) -> bool:
        return self.world.call("GET", "/v1/me", raw_key).status == 200


def lacks(answer: Answer, *integrations: str, held: tuple[str, ...] = ("cli",)) -> None:
    """The answer says that the calling key, which holds `held`, lacks these integrations."""
    assert (answer.status, answer.code) == (403, "INTEGRATION_REQUIRED")
    wanted = {"requiredIntegrations": list(integrations), "integrations": list(held)}
    assert answer.error["details"] == wanted
