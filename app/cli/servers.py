"""`vibekeys servers`: the servers of portal keys, for when their own key cannot be used any more."""

from __future__ import annotations

import click

from app.cli.output import json_option, print_json, print_one, print_table
from app.cli.session import key_named, opened, operator

_COLUMNS = ("id", "name", "keyId", "portal", "createdAt")


@click.group()
def servers() -> None:
    """List the servers of portal keys, and delete them."""


@servers.command("list")
@click.option("--key", "key_id", metavar="ID", help="Only the servers of this key and its lineage.")
@json_option
def list_(key_id: str | None, as_json: bool) -> None:
    """List servers, the newest first."""
    with opened(redis="none") as services:
        from app.models import Portal, Server
        from app.schemas.server import server_answers
        from app.servers import newest_keys

        chosen = Server.select(Server, Portal).join(Portal)
        if key_id is not None:
            chosen = chosen.where(Server.lineage_id == key_named(key_id).lineage_id)
        with services.db.atomic():  # a server and the key that it names, as they were at one time
            found = list(chosen.order_by(Server.created_at.desc(), Server.id.desc()))
            answers = server_answers(found, newest_keys(chosen.select(Server.lineage_id)))
        if as_json:
            print_json(answers)
        else:
            rows = [{**answer, "portal": it.portal.domain} for answer, it in zip(answers, found, strict=True)]
            print_table(_COLUMNS, [[row[column] for column in _COLUMNS] for row in rows])


@servers.command("delete")
@click.argument("server_id", metavar="ID")
@json_option
def delete(server_id: str, as_json: bool) -> None:
    """Forget a server; after the last one its key can be deleted."""
    with opened() as services:
        from app.models import Server

        services.servers.delete(operator(), Server.select(), server_id)
        print_one({"id": server_id, "deleted": True}, as_json)
