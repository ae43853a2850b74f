"""The one page that shows a raw key: the answer to the form that made it, which can't be asked for again."""

from __future__ import annotations

from flask import Response

from app.dashboard.key_facts import home_of, rotation_of
from app.dashboard.page import render
from app.keyring import Issued
from app.models import Key
from app.services import services


def show_issued(issued: Issued) -> Response:
    """Return the page; after a rotation it shows the old key beside the new one."""
    key = issued.key
    section, home = home_of(key)
    return render(
        "keys/issued.html",
        title="Save your new key",
        section=section,
        status=201,
        key=key,
        raw_key=issued.raw_key,
        command=_command(issued),
        home=home,
        rotation=rotation_of(key),
    )


def _command(issued: Issued) -> str:
    header = "Authorization: Bearer" if issued.key.type == "personal" else "X-Api-Key:"
    url = services().config.public_url + _first_path(issued.key)
    return f'curl -H "{header} {issued.raw_key}" \\\n  {url}'


def _first_path(key: Key) -> str:
    """Return a path that the key opens whatever else is there."""
    if "cli" in key.integrations:
        return "/api/v1/account"
    return "/api/v1/prompts" if "ai_tools" in key.integrations else "/v1/me"
