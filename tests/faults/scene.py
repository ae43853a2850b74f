"""A running service in which secrets are planted wherever there is a place for them."""

from __future__ import annotations

from pathlib import Path

from tests.api.upstream import Webhook
from tests.faults.planted import Haul, Operator, Wire
from tests.mail.server import MailServer
from tests.serve.processes import Service

ADA, BOB = "ada@example.com", "bob@example.com"


class Scene:
    """The service, who talks to it, and the keys that they have."""

    def __init__(self, folder: Path, haul: Haul, hook: Webhook, mail: MailServer) -> None:
        self.haul, self.hook, self.mail = haul, hook, mail
        settings = {
            "SECRET_KEY": haul.secret("SECRET_KEY"),
            "METRICS_TOKEN": haul.secret("METRICS_TOKEN"),
            "OIDC_ISSUER": "https://sign-in.example.com",
            "OIDC_CLIENT_ID": "vibekeys",
            "OIDC_CLIENT_SECRET": haul.secret("OIDC_CLIENT_SECRET"),
            "SMTP_URL": mail.url(f"keys:{haul.secret('the SMTP password')}@"),
            "TRUSTED_PROXIES": "127.0.0.1",
            "AUTH_FAILURES_PER_MINUTE": "3",
        }
        self.service = Service(folder / "state", {**settings, "LOG_FORMAT": "json"})
        self.service.start()
        self.database = self.service.folder / "vibekeys.db"
        self.operator = Operator(haul, self.database, settings)
        self.wire = Wire(haul, self.service.port)
        self._found_tenants()

    def _found_tenants(self) -> None:
        operator, haul = self.operator, self.haul
        for email in (ADA, BOB):
            password = haul.secret(f"the password of {email}")
            operator.json("accounts", "create", "--email", email, "--password-stdin", stdin=f"{password}\n")
        hook = f"http://127.0.0.1:{self.hook.server_port}/rest/1/{haul.secret('the webhook of a portal')}"
        self.portal = operator.json(
            *("portals", "create", "--domain", "company.bitrix24.com", "--webhook-url", "-"),
            stdin=f"{hook}\n",
        )["id"]
        for email in (ADA, BOB):
            operator.json("portals", "add-member", self.portal, "--email", email, "--role", "ADMIN")
        scopes = [
            word for name in ("keys", "portals", "feedback") for word in ("--scope", f"vibe:mgmt:{name}")
        ]
        of_portal = ("--portal", self.portal, "--scope", "vibe:infra")
        _, self.management = operator.issue("management", "management", ADA, *scopes)
        _, self.little = operator.issue(
            "little management", "management", ADA, "--scope", "vibe:mgmt:portals"
        )
        self.api_id, self.api = operator.issue("api", "api", ADA, *of_portal)
        _, self.other_api = operator.issue("another api", "api", ADA, *of_portal)
        _, self.no_infra = operator.issue("crm only", "api", ADA, "--portal", self.portal, "--scope", "crm")
        _, self.authorization = operator.issue("authorization", "authorization", BOB, *of_portal)
        self.personal_id, self.personal = operator.issue("personal", "personal", BOB, "--integration", "cli")
        _, self.ai_tools = operator.issue("AI tools", "personal", BOB, "--integration", "ai_tools")

    def end(self) -> None:
        self.service.stop()
