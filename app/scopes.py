"""What a key may open: every scope and integration there is, with a line of meaning.

A portal key carries Bitrix24's scopes (https://apidocs.bitrix24.com/api-reference/scopes/) and
`vibe:infra`, a management key `vibe:mgmt:…`, a personal key integrations.
"""

from __future__ import annotations

from collections.abc import Iterable

PORTAL_SCOPES = {
    "crm": "CRM: deals, contacts, companies, leads",
    "task": "Tasks, their check lists and comments",
    "tasks_extended": "Tasks: results, time tracking, favourites",
    "user": "Employees, with all their fields",
    "user_basic": "Employees, without contact data",
    "user_brief": "Employees: names and photos only",
    "user.userfield": "Custom fields of employees",
    "userfieldconfig": "Settings of custom fields",
    "userconsent": "Consents to the processing of personal data",
    "im": "Chats and notifications",
    "im.import": "Import of chat history",
    "imbot": "Chat bots",
    "imopenlines": "Open channels",
    "imconnector": "Connectors of open channels",
    "contact_center": "Contact centre",
    "disk": "Files and folders",
    "calendar": "Calendars and events",
    "calendarmobile": "Calendars in the mobile application",
    "department": "Company structure",
    "log": "News feed",
    "sonet_group": "Workgroups and projects",
    "socialnetwork": "Social network",
    "bizproc": "Business processes and automation rules",
    "sale": "Online store: orders, payments, shipments",
    "salescenter": "Sales centre",
    "catalog": "Product catalogue",
    "pay_system": "Payment systems",
    "cashbox": "Cash registers",
    "delivery": "Delivery services",
    "telephony": "Telephony",
    "call": "Calls",
    "lists": "Universal lists",
    "entity": "Data storage of applications",
    "landing": "Sites and landing pages",
    "landing_cloud": "Sites in the cloud",
    "timeman": "Work time",
    "mailservice": "Mail services",
    "messageservice": "Message providers (SMS)",
    "documentgenerator": "Documents from templates",
    "crm.documentgenerator": "CRM documents from templates",
    "forum": "Forums",
    "iblock": "Information blocks",
    "mobile": "Mobile application",
    "pull": "Push and pull messages",
    "pull_channel": "Channels of push and pull messages",
    "placement": "Places to embed widgets",
    "rpa": "Robotic process automation",
    "smile": "Smileys",
    "biconnector": "BI analytics",
    "ai_admin": "AI providers",
    "basic": "Application data",
    "vibe:infra": "Servers: /v1/infra/servers",
}

MANAGEMENT_SCOPES = {
    "vibe:mgmt:keys": "Keys: list, create, update, rotate, delete",
    "vibe:mgmt:portals": "Portals: list",
    "vibe:mgmt:feedback": "Feedback tickets of all tenants; granted by an operator only",
}
OPERATOR_SCOPES = frozenset({"vibe:mgmt:feedback"})

INTEGRATIONS = {
    "ai_tools": "Prompts, artifacts, memories and IDE hooks for AI tools",
    "cli": "Everything of the account, for the command line and automation",
    "mcp_server": "Nothing any more; kept on keys that have it",
}
LEGACY_INTEGRATIONS = frozenset({"mcp_server"})

_ALIASES = {"tasks": "task"}


def canonical(scopes: Iterable[str]) -> list[str]:
    """Return the scopes under the names that are stored (`tasks` is `task`), each once, in their order."""
    return list(dict.fromkeys(_ALIASES.get(scope, scope) for scope in scopes))
