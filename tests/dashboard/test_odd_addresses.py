"""Addresses that are none, in what a browser says of where it is or wants to go."""

from __future__ import annotations

import pytest

from tests.api.world import World
from tests.dashboard.browser import Browser
from tests.dashboard.conftest import SignedIn

ODD = ("//[", "http://[", "//[::1", "//\u2100")


@pytest.mark.parametrize("odd", ODD)
def test_where_to_go_after_signing_in_is_the_overview(service: object, world: World, odd: str) -> None:
    stranger = Browser(world.service)
    assert stranger.get("/dashboard/sign-in", query_string={"next": odd}).status == 200
    assert stranger.post("/dashboard/sign-in", {"email": "x", "password": "x", "next": odd}).status == 400


@pytest.mark.parametrize("odd", ODD[:3])
@pytest.mark.parametrize("header", ["HX-Current-URL", "Referer"])
def test_where_one_is_counts_as_not_said(world: World, signed_in: SignedIn, header: str, odd: str) -> None:
    headers = {"HX-Request": "true", header: odd}
    assert Browser(world.service).get("/dashboard/keys", headers=headers).status == 401
    assert signed_in(world.new_tenant().account).get("/dashboard/keys", headers=headers).status == 200
