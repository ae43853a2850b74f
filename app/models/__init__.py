"""The tables, and no rules: those are in `app.keyring`, `app.portals`, `app.feedback` and their like."""

from __future__ import annotations

from app.models.account import Account
from app.models.activity import Event, Hook, HookRoom
from app.models.alert import Alert, AlertProgress, KnownNetwork, WebhookCall
from app.models.audit import Audit
from app.models.base import Base, new_id
from app.models.document import Artifact, Document, Memory, Prompt
from app.models.feedback import Ticket, TicketComment
from app.models.idempotency import Idempotency
from app.models.key import Key, Tombstone
from app.models.mail import Mail
from app.models.portal import Membership, Portal
from app.models.preferences import Preferences
from app.models.publication import Heads, Unpublished
from app.models.server import Server
from app.models.session import Session, SignInAttempts
from app.models.usage import (
    UsageAction,
    UsageDay,
    UsageHour,
    UsageKey,
    UsageSplitDay,
    UsageSplitHour,
    WrongKeys,
)

MODELS = (
    Account,
    Portal,
    Membership,
    Key,
    Tombstone,
    Unpublished,
    Heads,
    Audit,
    Idempotency,
    Ticket,
    TicketComment,
    Server,
    Mail,
    Prompt,
    Artifact,
    Memory,
    UsageKey,
    UsageHour,
    UsageDay,
    UsageSplitHour,
    UsageSplitDay,
    UsageAction,
    WrongKeys,
    Preferences,
    Event,
    Hook,
    HookRoom,
    Alert,
    KnownNetwork,
    AlertProgress,
    WebhookCall,
    Session,
    SignInAttempts,
)

__all__ = [
    "MODELS",
    "Account",
    "Alert",
    "AlertProgress",
    "Artifact",
    "Audit",
    "Base",
    "Document",
    "Event",
    "Heads",
    "Hook",
    "HookRoom",
    "Idempotency",
    "Key",
    "KnownNetwork",
    "Mail",
    "Membership",
    "Memory",
    "Portal",
    "Preferences",
    "Prompt",
    "Server",
    "Session",
    "SignInAttempts",
    "Ticket",
    "TicketComment",
    "Tombstone",
    "Unpublished",
    "UsageAction",
    "UsageDay",
    "UsageHour",
    "UsageKey",
    "UsageSplitDay",
    "UsageSplitHour",
    "WebhookCall",
    "WrongKeys",
    "new_id",
]
