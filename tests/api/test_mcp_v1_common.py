"""/mcp/v1/common: takes OAuth 2.1 and no API key, and until that is built answers 401."""

from __future__ import annotations

import pytest

from tests.api.world import PUBLIC_URL, World

PATH = "/mcp/v1/common"


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
)
@pytest.mark.parametrize("with_key", [True, False])
def test_401_says_where_the_metadata_will_be(still_world: World, method: str, with_key: bool) -> None:
    key = still_world.personal_key(integrations=["mcp_server"]).raw_key if with_key else None

    answer = still_world.service.call(method, PATH, key)

    assert answer.status == 401
    where = f"{PUBLIC_URL}/.well-known/oauth-protected-resource{PATH}"
    assert answer.headers["WWW-Authenticate"] == f'Bearer resource_metadata="{where}"'
    assert answer.headers["Content-Type"] == "application/json"
    if method != "HEAD":
        assert answer.code == "OAUTH_REQUIRED"
        assert answer.error["requestId"] == answer.headers["X-Request-Id"]


def test_401_whatever_is_sent(still_world: World) -> None:
    for body in (
        {"json": {"jsonrpc": "2.0", "method": "initialize", "id": 1}},
        {"data": b"\xff" * 2_000_000},
    ):
        assert still_world.service.call("POST", PATH, **body).code == "OAUTH_REQUIRED"


def test_400_a_key_in_the_url(still_world: World) -> None:
    raw_key = still_world.personal_key().raw_key
    assert still_world.service.call("POST", PATH, query_string={"key": raw_key}).code == "KEY_IN_URL"


def test_401_is_counted_on_no_key(world: World) -> None:
    issued = world.personal_key(hourly_limit=2)
    headers = {"Authorization": f"Bearer {issued.raw_key}"}
    for _ in range(5):
        answer = world.service.call("POST", PATH, headers=headers)
        assert "RateLimit" not in answer.headers
    assert world.call("GET", "/v1/me", issued.raw_key).data["limits"]["key"]["remaining"] == 1


@pytest.mark.parametrize("path", [f"{PATH}/", f"{PATH}/x", "/mcp/v1", "/mcp/v1/other"])
def test_other_paths_need_a_key(still_world: World, path: str) -> None:
    assert still_world.service.call("GET", path).code == "MISSING_API_KEY"
