"""The URL of a portal's incoming webhook: its form, where it may lead, and what may be shown of it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from app.bitrix.addresses import may_be_public
from app.errors import invalid

_WEBHOOK_URL = re.compile(r"(?i:https?)://[^\s/?#@]+/rest/[1-9][0-9]{0,9}/[A-Za-z0-9_-]+/?")
"""With the number of the user whom it acts for, a secret, and no method after that."""


def checked(text: str, domain: str) -> str:
    """Return a URL in the form in which it is kept. Raises VALIDATION_ERROR.

    The refusal does not quote it: it holds the portal's secret.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or not _WEBHOOK_URL.fullmatch(url):
        form = f"https://{domain}/rest/1/secret/"
        raise invalid(webhookUrl=f"Must be of the form {form}: a user's number, a secret, and no method.")
    return url.rstrip("/")


def needs_leave(url: str, domain: str) -> bool:
    """Tell whether a URL is of use only where it may lead to an address that is not public."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname != domain or not may_be_public(domain):
        return True
    try:
        ip_address(domain)
    except ValueError:
        return False
    return True


def masked(url: str) -> str:
    """Return a URL that was checked without its secret: `https://company.bitrix24.com/rest/1/***`."""
    return f"{url.rpartition('/')[0]}/***"
