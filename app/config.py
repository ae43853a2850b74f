"""Every setting of the service, read from the environment once and checked.

``Config.from_env(os.environ)`` is called where a process starts: in ``wsgi.py``, the command line and
gunicorn's settings.  Everything else is handed the frozen result, so a test, or a second installation in one
process, needs no patched environment.

A variable that is set but empty counts as not set, as in ``PORT=`` of an env file.  A value that is not
understood is never guessed at: :class:`ConfigError` carries one line that begins with the variable's name and
says what would be right.  Values that may hold a password are not quoted in it.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast
from urllib.parse import SplitResult, unquote, urlsplit

from app.idn import ascii_domain
from gateway.address import parse_network

__all__ = ["Config", "ConfigError", "LogFormat", "RedisDown"]

RedisDown = Literal["local", "open", "closed"]
LogFormat = Literal["json", "text", ""]

_SQLITE = "sqlite:///"
_SQLITE_FILE = re.compile(_SQLITE + r"(?!:)([^?]*[^?/])")
_REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "redis+sentinel")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"[^<>@\x00-\x1f]*<{_ADDRESS}>|{_ADDRESS}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_ASCII = re.compile(r"[\x20-\x7e]+")
_HUNDRED_YEARS = 36_500
_BILLION = 1_000_000_000


class ConfigError(Exception):
    """A setting that the service cannot start with; the text is one line, ``NAME: what would be right``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one installation.  Paths are absolute; an optional setting that is absent is ``""``."""

    database_url: str
    database_path: Path
    state_dir: Path
    redis_url: str = field(repr=False)
    """Empty: the embedded server of ``vibekeys run``, on ``redis_socket``."""
    host: str
    port: int
    web_concurrency: int
    threads: int
    public_url: str
    """Without a trailing slash."""
    secret_key: tuple[str, ...] = field(repr=False)
    """The first seals, all open.  Empty: the key file in ``state_dir``."""
    trusted_proxies: tuple[str, ...]
    """Networks in CIDR form, host bits cleared, IPv4-mapped ones as IPv4."""
    redis_down: RedisDown
    redis_timeout_ms: int
    tier_free_hourly: int
    tier_pro_hourly: int
    rotation_grace_hours: float
    auth_failures_per_minute: int
    """0: no limit on refusals."""
    usage_hours_kept_days: int
    usage_days_kept_days: int | None
    """``None``: for ever."""
    smtp_url: str = field(repr=False)
    mail_from: str
    """``Name <local@domain>`` or an address alone; the domain may be an address in brackets."""
    support_url: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str = field(repr=False)
    log_format: LogFormat
    """Empty: ``json`` under gunicorn, else ``text``."""
    metrics_token: str = field(repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read and check every setting; raise :class:`ConfigError` for the first that is wrong."""
        read = _Reader(environ)
        database_path = read.database_path("DATABASE_URL", "sqlite:///var/vibekeys.db")
        host, port = read.host("HOST", "127.0.0.1"), read.integer("PORT", 8000, 1, 65_535)
        public_url = read.url("PUBLIC_URL", http_url(host, port), ("http", "https")).rstrip("/")
        issuer = read.url("OIDC_ISSUER", "", ("https", "http"))
        return cls(
            database_url=f"{_SQLITE}{database_path}",
            database_path=database_path,
            state_dir=Path(read.text("STATE_DIR", str(database_path.parent))).absolute(),
            redis_url=read.redis_url("REDIS_URL"),
            host=host,
            port=port,
            web_concurrency=read.integer("WEB_CONCURRENCY", 2, 1, 512),
            threads=read.integer("THREADS", 4, 1, 1_000),
            public_url=public_url,
            secret_key=read.secrets("SECRET_KEY"),
            trusted_proxies=read.networks("TRUSTED_PROXIES"),
            redis_down=cast(RedisDown, read.choice("REDIS_DOWN", "local", ("local", "open", "closed"))),
            redis_timeout_ms=read.integer("REDIS_TIMEOUT_MS", 50, 1, 60_000),
            tier_free_hourly=read.integer("TIER_FREE_HOURLY", 1_000, 1, _BILLION),
            tier_pro_hourly=read.integer("TIER_PRO_HOURLY", 10_000, 1, _BILLION),
            rotation_grace_hours=read.number("ROTATION_GRACE_HOURS", 24.0, 0.0, _HUNDRED_YEARS * 24.0),
            auth_failures_per_minute=read.integer("AUTH_FAILURES_PER_MINUTE", 300, 0, _BILLION),
            usage_hours_kept_days=read.integer("USAGE_HOURS_KEPT_DAYS", 90, 1, _HUNDRED_YEARS),
            usage_days_kept_days=read.optional_integer("USAGE_DAYS_KEPT_DAYS", 1, _HUNDRED_YEARS),
            smtp_url=read.smtp_url("SMTP_URL"),
            mail_from=read.matching("MAIL_FROM", _MAILBOX, "an address like keys@example.com")
            or f"vibekeys@{_mail_domain(public_url)}",
            support_url=read.url("SUPPORT_URL", "", ("http", "https")),
            oidc_issuer=issuer,
            oidc_client_id=read.required_with("OIDC_CLIENT_ID", "OIDC_ISSUER", issuer),
            oidc_client_secret=read.text("OIDC_CLIENT_SECRET", ""),
            log_format=cast(LogFormat, read.choice("LOG_FORMAT", "", ("json", "text"))),
            metrics_token=read.matching(
                "METRICS_TOKEN", _VISIBLE, "visible ASCII without spaces", secret=True
            ),
        )

    @property
    def tier_quotas(self) -> dict[str, int]:
        """Requests an hour of an account, by tier; other tiers have a limit of the account's own, or none."""
        return {"free": self.tier_free_hourly, "pro": self.tier_pro_hourly}

    @property
    def redis_socket(self) -> Path:
        """Where the embedded server listens; connect by ``app.valkey``, as the path may be too long."""
        return self.state_dir / "redis.sock"


def http_url(host: str, port: int) -> str:
    """The address of a listening host and port; an IPv6 host gets its brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Reader:
    """Reads one variable by each call; the variable's name is the first word of whatever it refuses."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "") or default

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        value = self.optional_integer(name, low, high)
        return default if value is None else value

    def optional_integer(self, name: str, low: int, high: int) -> int | None:
        text = self.text(name, "")
        if not text:
            return None
        # int() alone also takes "1_000", " 5" and digits of other scripts.
        if not re.fullmatch(r"[0-9]{1,19}", text) or not low <= int(text) <= high:
            raise ConfigError(f"{name}: {_quoted(text)} is not an integer from {low} to {high}")
        return int(text)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        text = self.text(name, str(default))
        value = float(text) if re.fullmatch(r"[0-9]{1,19}(\.[0-9]{1,19})?", text) else math.nan
        if not low <= value <= high:
            raise ConfigError(f"{name}: {_quoted(text)} is not a number from {low:g} to {high:.0f}")
        return value

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        text = self.text(name, default)
        if text != default and text not in choices:
            raise ConfigError(f"{name}: {_quoted(text)} is none of {', '.join(choices)}")
        return text

    def matching(self, name: str, form: re.Pattern[str], right: str, *, secret: bool = False) -> str:
        text = self.text(name, "")
        if text and not form.fullmatch(text):
            raise ConfigError(f"{name}: {'the value' if secret else _quoted(text)} is not {right}")
        return text

    def required_with(self, name: str, other: str, other_value: str) -> str:
        text = self.text(name, "")
        if other_value and not text:
            raise ConfigError(f"{name}: is needed as well when {other} is set")
        return text

    def host(self, name: str, default: str) -> str:
        text = self.text(name, default)
        if not _is_address(text) and not _HOST.fullmatch(text):
            raise ConfigError(f"{name}: {_quoted(text)} is not an address or host name to listen on")
        return text

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        """An address that everybody is shown, and so one without a user or password."""
        text = self.text(name, default)
        if not text:
            return ""
        parts = _split(text)
        if (
            not parts
            or parts.scheme not in schemes
            or not parts.hostname
            or "@" in parts.netloc
            or parts.query
            or parts.fragment
        ):
            forms = " or ".join(f"{scheme}://host" for scheme in schemes)
            shown = "the value" if "@" in text else _quoted(text)
            raise ConfigError(f"{name}: {shown} is not of the form {forms}, without user and password")
        return text

    def database_path(self, name: str, default: str) -> Path:
        text = self.text(name, default)
        if text.startswith(("postgresql:", "postgres:")):
            raise ConfigError(
                f"{name}: PostgreSQL is not supported by this version, use {_SQLITE}path/to/file.db"
            )
        found = _SQLITE_FILE.fullmatch(text)
        if not found or not Path(found[1]).name:
            raise ConfigError(f"{name}: must be of the form {_SQLITE}path/to/file.db")
        return Path(found[1]).absolute()

    def redis_url(self, name: str) -> str:
        text = self.text(name, "")
        if not text:
            return ""
        parts = _split(text)
        if not parts or parts.scheme not in _REDIS_SCHEMES or not _names_a_redis(parts):
            forms = "redis://host:port/number, rediss://…, unix:///path, redis+cluster://host:port"
            raise ConfigError(f"{name}: must be of the form {forms} or redis+sentinel://host,host/name")
        return text

    def smtp_url(self, name: str) -> str:
        text = self.text(name, "")
        if not text:
            return ""
        parts = _split(text)
        if not parts or parts.scheme not in ("smtp", "smtps") or not _names_a_mail_server(parts):
            form = "smtp://[user:password@]host[:port] or smtps://…"
            raise ConfigError(f"{name}: must be of the form {form}, special characters as %XX, ASCII only")
        return text

    def secrets(self, name: str) -> tuple[str, ...]:
        text = self.text(name, "")
        if not text:
            return ()
        keys = tuple(part.strip() for part in text.split(","))
        if not all(keys):
            raise ConfigError(
                f"{name}: has an empty item; right is one secret, or several with commas between"
            )
        return keys

    def networks(self, name: str) -> tuple[str, ...]:
        parts = [part.strip() for part in self.text(name, "").split(",")]
        if parts == [""]:
            return ()
        return tuple(dict.fromkeys(_network(name, part) for part in parts))


def _network(name: str, text: str) -> str:
    try:
        # A scoped address names an interface of one machine: ipaddress would take it, and never match it.
        return str(parse_network("" if "%" in text else text))
    except ValueError:
        raise ConfigError(f"{name}: {_quoted(text)} is not an address or CIDR like 10.0.0.0/8") from None


def _split(text: str) -> SplitResult | None:
    """The parts of an absolute URL; ``None`` if it has spaces, control characters or an impossible port."""
    if not text.isprintable() or (" " in text and not text.startswith("unix:")):
        return None
    try:
        parts = urlsplit(text)
        several_hosts = "," in parts.netloc
        return parts if several_hosts or parts.port != 0 else None
    except ValueError:
        return None


def _names_a_redis(parts: SplitResult) -> bool:
    """Is there a host (or path), and after it only what the scheme takes, like a database number?"""
    if parts.scheme == "unix":
        return parts.path not in ("", "/")
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if not all(_HOST_PORT.fullmatch(host) for host in hosts):
        return False
    if parts.scheme == "redis+sentinel":
        return parts.path not in ("", "/")
    if parts.scheme == "redis+cluster":
        return parts.path in ("", "/")
    return len(hosts) == 1 and re.fullmatch(r"(/[0-9]{0,5})?", parts.path) is not None


def _names_a_mail_server(parts: SplitResult) -> bool:
    """Is there a host, and before it nothing, or a user and a password that can be sent (ASCII only)?"""
    login, at, host = parts.netloc.rpartition("@")
    user, _, password = map(unquote, login.partition(":"))
    if at and not (_ASCII.fullmatch(user) and _ASCII.fullmatch(password)):
        return False
    return bool(_HOST_PORT.fullmatch(host)) and not (parts.path.strip("/") or parts.query or parts.fragment)


def _mail_domain(public_url: str) -> str:
    """The host of a URL as it stands in a mail address: an IP address in brackets (RFC 5321, 4.1.3)."""
    host = urlsplit(public_url).hostname or ""
    if ":" in host:
        return f"[IPv6:{host}]"
    if _is_address(host):
        return f"[{host}]"
    try:
        return ascii_domain(host)
    except ValueError:
        right = "a host name that everybody reads alike; write it in ASCII, as xn--…"
        raise ConfigError(f"PUBLIC_URL: {_quoted(host)} is not {right}") from None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
