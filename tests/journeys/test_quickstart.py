"""The seed's quickstart: from a management key to a portal key at work, over HTTP alone."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.journeys.processes import running

OWNER = "owner@example.test"


def test_from_a_management_key_to_a_portal_key_at_work(tmp_path: Path) -> None:
    with running(tmp_path / "state") as installation:
        portal_id = installation.command("portals", "create", "--domain", "company.example.test")["id"]
        installation.account_on(portal_id, OWNER, "ADMIN")
        manager = installation.holder(
            "management", OWNER, "--scope", "vibe:mgmt:keys", "--scope", "vibe:mgmt:portals"
        )

        # What am I, and where do I begin?
        me = manager.call("GET", "/v1/me").data
        assert (me["type"], me["scopes"]) == ("management", ["vibe:mgmt:keys", "vibe:mgmt:portals"])
        assert list(me["quickstart"]) == ["step1", "step2", "step3", "step4"]

        # Step 1 and 2: the portals, and what keys there are.
        (portal,) = manager.call("GET", "/v1/portals").data
        assert (portal["id"], portal["role"], portal["appKeyCount"]) == (portal_id, "ADMIN", 0)
        assert manager.call("GET", f"/v1/keys?portalId={portal['id']}").data == []

        # Step 3: a key, also when the first answer was lost.
        wanted = {"portalId": portal["id"], "name": "till", "scopes": ["crm", "task", "vibe:infra"]}
        once = {"Idempotency-Key": str(uuid.uuid4())}
        lost, created = (manager.call("POST", "/v1/keys", wanted, **once) for _ in range(2))
        assert created.json == lost.json
        assert created.data["rawKey"].startswith(created.data["keyPrefix"])
        assert manager.call("GET", "/v1/portals").data[0]["appKeyCount"] == 1

        # Step 4: the key works where it should, and only there.
        till = installation.given(created.data["rawKey"])
        assert till.call("GET", "/v1/me").data["scopes"] == wanted["scopes"]
        assert till.call("GET", "/v1/keys").code == "MANAGEMENT_KEY_REQUIRED"
        assert manager.call("GET", "/v1/deals").code == "MANAGEMENT_KEY_NO_ENTITY_ACCESS"
        server = till.call("POST", "/v1/infra/servers", {"name": "till-1"}).data

        # Later: rotated. Both keys work, the server follows, and the old key says how long it has.
        path = f"/v1/keys/{created.data['id']}"
        rotated = manager.call("POST", f"{path}/rotate", {"graceHours": 1}).data
        successor = installation.given(rotated["rawKey"])
        grace = till.call("GET", "/v1/me")
        assert grace.status == 200
        assert grace.headers["X-Key-Grace-Ends-At"] == rotated["rotation"]["graceEndsAt"]
        (followed,) = successor.call("GET", "/v1/infra/servers").data
        assert (followed["id"], followed["keyId"]) == (server["id"], rotated["id"])

        # The end: the server first, then the keys.
        new_path = f"/v1/keys/{rotated['id']}"
        assert manager.call("DELETE", new_path).code == "KEY_HAS_ACTIVE_SERVERS"
        assert successor.call("DELETE", f"/v1/infra/servers/{server['id']}").data["deleted"] is True
        for each in (path, new_path):
            assert manager.call("DELETE", each).data["deleted"] is True
        assert [holder.call("GET", "/v1/me").code for holder in (till, successor)] == ["INVALID_API_KEY"] * 2
        assert manager.call("GET", f"/v1/keys?portalId={portal['id']}").data == []
