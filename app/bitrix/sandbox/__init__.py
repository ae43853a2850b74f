"""A stand-in for a Bitrix24 portal: a real HTTP server that speaks its REST protocol, for development and
tests.

It keeps data, answers as Bitrix24's documentation says (https://apidocs.bitrix24.com), oddities included,
holds callers to the same limits, and can be told to misbehave. It is written from that documentation alone
and shares no code with the client, so that a mistake of the one is not hidden by the other.

From Python::

    with running() as sandbox:
        call(sandbox.webhook_url, ...)
        sandbox.faults.add("cut", where="after", method="crm.item.add")

Over HTTP, at ``/sandbox`` beside ``/rest``, the same can be said by any program: see `control`.

What Bitrix24 does and this does not: OAuth, answers in XML, events, files, rights of single users, and
every method that `methods` does not list.
"""

from __future__ import annotations

from app.bitrix.sandbox.server import Sandbox, running
from app.bitrix.sandbox.store import StoreError

__all__ = ["Sandbox", "StoreError", "running"]
