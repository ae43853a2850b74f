"""Who a client is, in names of a bounded set: the tool that it says it is, and the network that it is in."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from gateway.address import parse_address

OTHER = "other"
"""Whatever has no name of its own."""

_LONGEST_USER_AGENT = 256
_PREFIX_LENGTHS = {4: 24, 6: 48}

# The first that is found counts: tools that name the browser or library that they are made of come before it.
_TOOLS: tuple[tuple[str, str], ...] = (
    ("Claude Code", r"claude[-_ ]?(code|cli)\b"),
    ("Claude", r"\bclaude"),
    ("Cursor", r"\bcursor\b"),
    ("VibeXP CLI", r"\bvibexp"),
    ("vibekeys", r"\bvibekeys\b"),
    ("GitHub Actions", r"\bgithub[-_ ]?actions?\b|^actions/"),
    ("GitHub Copilot", r"copilot"),
    ("Codex", r"\bcodex"),
    ("Gemini CLI", r"\bgemini[-_ ]?cli\b"),
    ("Windsurf", r"\bwindsurf\b"),
    ("VS Code", r"\b(vscode|visual studio code)\b|\bcode/\d"),
    ("JetBrains", r"\b(jetbrains|intellij|pycharm|webstorm)\b"),
    ("Postman", r"\bpostman"),
    ("Insomnia", r"\binsomnia\b"),
    ("Bruno", r"\bbruno"),
    ("k6", r"\bk6/"),
    ("GitLab Runner", r"\bgitlab[-_ ]?runner\b"),
    ("Jenkins", r"\bjenkins\b"),
    ("Terraform", r"\bterraform\b"),
    ("curl", r"^curl/|\bpycurl/|\blibcurl/"),
    ("Wget", r"^wget"),
    ("HTTPie", r"\bhttpie/"),
    ("PowerShell", r"\b(windows)?powershell/"),
    ("python-requests", r"\bpython-requests/"),
    ("httpx", r"\b(python-)?httpx2?/"),
    ("aiohttp", r"\baiohttp/"),
    ("urllib3", r"\b(python-)?urllib3/"),
    ("urllib", r"\bpython-urllib/"),
    ("axios", r"\baxios/"),
    ("undici", r"\bundici\b"),
    ("node-fetch", r"\bnode-fetch\b"),
    ("got", r"^got[ /(]"),
    ("Deno", r"\bdeno/"),
    ("Bun", r"\bbun/"),
    ("Node.js", r"^node(\.js)?(/|$)"),
    ("Go", r"\bgo-http-client/|\bgo-resty/"),
    ("OkHttp", r"\bokhttp/"),
    ("Apache HttpClient", r"\bapache-httpclient/"),
    ("Java", r"^java([-/ ]|$)"),
    ("Guzzle", r"\bguzzlehttp/"),
    ("PHP", r"^php\b|\bsymfony httpclient\b"),
    ("Ruby", r"^ruby\b|\bfaraday\b|^rest-client/|\bhttparty\b"),
    ("Rust", r"\breqwest/|\bureq/|\bhyper/"),
    (".NET", r"\brestsharp/|^\.net\b|\bdotnet\b"),
    ("Dart", r"^dart/"),
    ("Apple", r"\bcfnetwork/"),
    ("Electron", r"\belectron/"),
    ("Edge", r"\bedg(e|a|ios)?/"),
    ("Opera", r"\bopr/|\bopera\b"),
    ("Firefox", r"\b(firefox|fxios)/"),
    ("Chrome", r"\b(chrome|chromium|crios)/"),
    ("Safari", r"\bsafari/"),
    ("Python", r"^python\b"),
)
TOOLS = (*(name for name, _ in _TOOLS), OTHER)
"""Every name that `tool_of` can give."""

_PATTERNS = [(name, re.compile(pattern)) for name, pattern in _TOOLS]


def tool_of(user_agent: str) -> str:
    """Return the name of the tool that sent this `User-Agent`."""
    return _tool_of(user_agent[:_LONGEST_USER_AGENT])


@lru_cache(maxsize=1024)
def _tool_of(user_agent: str) -> str:
    text = user_agent.lower()
    return next((name for name, pattern in _PATTERNS if pattern.search(text)), OTHER)


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """Return the network of a client as CIDR: of IPv4 the /24, of IPv6 the /48."""
    parsed = parse_address(address)
    if parsed is None:
        return OTHER
    return str(ipaddress.ip_network((parsed, _PREFIX_LENGTHS[parsed.version]), strict=False))


@lru_cache(maxsize=1024)
def source_of(address: str) -> str:
    """Return what wrong keys are counted under: an IPv4 address itself, of IPv6 the /64.

    The same as `gateway.address_failures.network_of`, but in words.
    """
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return OTHER if parsed is None else str(parsed)
