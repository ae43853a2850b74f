"""Settings: what each accepts, what it becomes, and the one line that a bad value is refused with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.config import Config, ConfigError


def read(**environ: str) -> Config:
    return Config.from_env(environ)


def test_an_empty_environment_gives_the_defaults() -> None:
    here = Path.cwd()
    assert read() == Config(
        database_url=f"sqlite:///{here}/var/vibekeys.db",
        database_path=here / "var/vibekeys.db",
        state_dir=here / "var",
        redis_url="",
        host="127.0.0.1",
        port=8000,
        web_concurrency=2,
        threads=4,
        public_url="http://127.0.0.1:8000",
        secret_key=(),
        trusted_proxies=(),
        redis_down="local",
        redis_timeout_ms=50,
        tier_free_hourly=1_000,
        tier_pro_hourly=10_000,
        rotation_grace_hours=24.0,
        auth_failures_per_minute=300,
        usage_hours_kept_days=90,
        usage_days_kept_days=None,
        smtp_url="",
        mail_from="vibekeys@[127.0.0.1]",
        support_url="",
        oidc_issuer="",
        oidc_client_id="",
        oidc_client_secret="",
        log_format="",
        metrics_token="",
    )


def test_an_empty_value_counts_as_not_set() -> None:
    names = [name.upper() for name in Config.__dataclass_fields__]
    assert read(**dict.fromkeys(names, "")) == read()


ACCEPTED: list[tuple[str, str, Any]] = [
    ("DATABASE_URL", "sqlite:////srv/keys.db", "sqlite:////srv/keys.db"),
    ("STATE_DIR", "/srv/state", Path("/srv/state")),
    ("REDIS_URL", "redis://:p,w@cache:6379/3", None),
    ("REDIS_URL", "rediss://user:pw@[::1]:6380", None),
    ("REDIS_URL", "unix:///run/my redis/redis.sock", None),
    ("REDIS_URL", "redis+cluster://a:7000,b:7001", None),
    ("REDIS_URL", "redis+sentinel://a,b:26379/main", None),
    ("HOST", "::1", None),
    ("HOST", "localhost", None),
    ("PORT", "65535", 65535),
    ("PUBLIC_URL", "https://keys.example.com/base/", "https://keys.example.com/base"),
    ("SECRET_KEY", "new, old", ("new", "old")),
    ("TRUSTED_PROXIES", "10.1.2.3/8, 192.0.2.7", ("10.0.0.0/8", "192.0.2.7/32")),
    ("TRUSTED_PROXIES", "::ffff:10.0.0.0/104,2001:DB8::1", ("10.0.0.0/8", "2001:db8::1/128")),
    ("TRUSTED_PROXIES", "10.0.0.0/8,10.9.9.9/8", ("10.0.0.0/8",)),
    ("REDIS_DOWN", "closed", None),
    ("REDIS_TIMEOUT_MS", "1", 1),
    ("TIER_FREE_HOURLY", "1000000000", 1_000_000_000),
    ("ROTATION_GRACE_HOURS", "0.5", 0.5),
    ("ROTATION_GRACE_HOURS", "0", 0.0),
    ("AUTH_FAILURES_PER_MINUTE", "0", 0),
    ("USAGE_DAYS_KEPT_DAYS", "365", 365),
    ("SMTP_URL", "smtps://user:pw@mail.example.com:465", None),
    ("SMTP_URL", "smtp://keys%40example.com:p%20w@mail", None),
    ("SMTP_URL", "smtp://[::1]:2525/", None),
    ("MAIL_FROM", "Keys <keys@example.com>", None),
    ("MAIL_FROM", '"Ключи, Ltd" <keys+no-reply@example.com>', None),
    ("SUPPORT_URL", "https://example.com/help", None),
    ("LOG_FORMAT", "text", None),
    ("METRICS_TOKEN", "t0ken~!", None),
]


@pytest.mark.parametrize(("name", "value", "expected"), ACCEPTED)
def test_accepted(name: str, value: str, expected: Any) -> None:
    """``None`` stands for the value as it was given."""
    assert getattr(read(**{name: value}), name.lower()) == (value if expected is None else expected)


REFUSED: list[tuple[str, str]] = [
    ("DATABASE_URL", "vibekeys.db"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "sqlite:///folder/"),
    ("DATABASE_URL", "sqlite:///a.db?mode=ro"),
    ("DATABASE_URL", "postgresql://keys:hunter2@db/keys"),
    ("DATABASE_URL", "mysql://db/keys"),
    ("REDIS_URL", "cache:6379"),
    ("REDIS_URL", "http://:hunter2@cache"),
    ("REDIS_URL", "redis://"),
    ("REDIS_URL", "redis://cache:99999"),
    ("REDIS_URL", "redis://cache:port"),
    ("REDIS_URL", "redis://cache/name"),
    ("REDIS_URL", "redis://a,b"),
    ("REDIS_URL", "unix://"),
    ("REDIS_URL", "redis+sentinel://a,b"),
    ("REDIS_URL", "redis+cluster://a,,b"),
    ("HOST", "[::1]"),
    ("HOST", "unix:/run/keys.sock"),
    ("HOST", "a b"),
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "80 "),
    ("PORT", "8_000"),
    ("PORT", "+8000"),
    ("PORT", "٨٠٠٠"),
    ("PORT", "9" * 5_000),
    ("WEB_CONCURRENCY", "0"),
    ("THREADS", "-1"),
    ("PUBLIC_URL", "keys.example.com"),
    ("PUBLIC_URL", "ftp://keys.example.com"),
    ("PUBLIC_URL", "https://keys.example.com?x"),
    ("PUBLIC_URL", "https://a\nb"),
    ("PUBLIC_URL", "https://[::1"),
    ("PUBLIC_URL", "https://ü..example"),
    ("PUBLIC_URL", "https://faß.example"),
    ("SECRET_KEY", "hunter2,"),
    ("TRUSTED_PROXIES", "10.0.0.0/33"),
    ("TRUSTED_PROXIES", "*"),
    ("TRUSTED_PROXIES", "10.0.0.1,,10.0.0.2"),
    ("TRUSTED_PROXIES", "fe80::1%eth0"),
    ("REDIS_DOWN", "LOCAL"),
    ("REDIS_DOWN", "maybe"),
    ("REDIS_TIMEOUT_MS", "0"),
    ("REDIS_TIMEOUT_MS", "0.5"),
    ("TIER_FREE_HOURLY", "0"),
    ("TIER_PRO_HOURLY", "1000000001"),
    ("ROTATION_GRACE_HOURS", "-1"),
    ("ROTATION_GRACE_HOURS", "nan"),
    ("ROTATION_GRACE_HOURS", "inf"),
    ("ROTATION_GRACE_HOURS", "1e3"),
    ("ROTATION_GRACE_HOURS", "24h"),
    ("AUTH_FAILURES_PER_MINUTE", "off"),
    ("USAGE_HOURS_KEPT_DAYS", "0"),
    ("USAGE_DAYS_KEPT_DAYS", "forever"),
    ("SMTP_URL", "mail.example.com:hunter2"),
    ("SMTP_URL", "smtp://mail:0"),
    ("SMTP_URL", "smtp://hunter2@mail"),
    ("SMTP_URL", "smtp://:hunter2@mail"),
    ("SMTP_URL", "smtp://keys:hunter2%C3%BC@mail"),
    ("SMTP_URL", "smtp://keys:hunter2%0D%0A@mail"),
    ("SMTP_URL", "smtp://mail/hunter2"),
    ("SMTP_URL", "smtp://mail?password=hunter2"),
    ("SMTP_URL", "smtp://a,b"),
    ("SMTP_URL", "http://mail"),
    ("MAIL_FROM", "keys"),
    ("MAIL_FROM", "keys@faß.example"),
    ("MAIL_FROM", "keys@a@example.com"),
    ("MAIL_FROM", "Keys <keys@a@example.com>"),
    ("MAIL_FROM", "keys@example.com, more@example.com"),
    ("MAIL_FROM", "keys@example.com> <more@example.com"),
    ("MAIL_FROM", "keys@example.com\nBcc: b@example.com"),
    ("PUBLIC_URL", "https://keys:hunter2@keys.example.com"),
    ("PUBLIC_URL", "https://hunter2@keys.example.com"),
    ("PUBLIC_URL", "keys:hunter2@keys.example.com"),
    ("SUPPORT_URL", "https://keys:hunter2@example.com"),
    ("OIDC_ISSUER", "https://keys:hunter2@accounts.example.com"),
    ("SUPPORT_URL", "javascript:alert(1)"),
    ("OIDC_ISSUER", "accounts.example.com"),
    ("LOG_FORMAT", "yaml"),
    ("METRICS_TOKEN", "hunter2 hunter2"),
    ("METRICS_TOKEN", "hünter2"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_refused_with_one_line_that_begins_with_the_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(**{name: value})
    line = str(refused.value)
    assert line.startswith(f"{name}: ")
    assert line.isprintable()
    assert len(line) < 250
    assert "hunter2" not in line


def test_an_issuer_needs_its_client_id() -> None:
    with pytest.raises(ConfigError, match="OIDC_CLIENT_ID: "):
        read(OIDC_ISSUER="https://accounts.example.com")


def test_the_folder_of_the_database_is_the_state_dir_unless_that_is_set() -> None:
    assert read(DATABASE_URL="sqlite:////srv/keys/a.db").state_dir == Path("/srv/keys")
    assert read(DATABASE_URL="sqlite:////srv/keys/a.db", STATE_DIR="/run/keys").state_dir == Path("/run/keys")


def test_paths_do_not_move_when_the_process_changes_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    config = read(DATABASE_URL="sqlite:///data/a.db")
    monkeypatch.chdir("/")
    assert config.database_path == tmp_path / "data/a.db"
    assert config.redis_socket == tmp_path / "data/redis.sock"


def test_public_url_follows_host_and_port() -> None:
    assert read(HOST="::1", PORT="8443").public_url == "http://[::1]:8443"


@pytest.mark.parametrize(
    ("public_url", "address"),
    [
        ("https://keys.example.com/base", "vibekeys@keys.example.com"),
        ("https://ключи.example", "vibekeys@xn--h1add2c8a.example"),
        ("http://192.0.2.7:8000", "vibekeys@[192.0.2.7]"),
        ("http://[2001:db8::1]", "vibekeys@[IPv6:2001:db8::1]"),
    ],
)
def test_mail_comes_from_the_host_of_the_public_url_unless_said_otherwise(
    public_url: str, address: str
) -> None:
    assert read(PUBLIC_URL=public_url).mail_from == address


def test_what_a_config_shows_of_itself_has_no_secret() -> None:
    shown = repr(
        read(
            REDIS_URL="redis://:hunter2@cache",
            SECRET_KEY="hunter2",
            SMTP_URL="smtp://keys:hunter2@mail",
            OIDC_CLIENT_SECRET="hunter2",
            METRICS_TOKEN="hunter2",
        )
    )
    assert "hunter2" not in shown
