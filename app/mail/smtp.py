"""Handing mails in at an SMTP server (RFC 5321): one conversation, which takes any number of them.

SMTP_URL is `smtp://[user:password@]host[:port]` or `smtps://…`. `smtps` is TLS from the first byte, with a
certificate that is verified. `smtp` takes up TLS where the server offers it. With credentials and beyond
loopback it has to, with a certificate that is verified, or they are not sent. Else the certificate is not
looked at, and what goes wrong with TLS is logged and mail goes without it, as it would to a server that does
not offer it: whoever can disturb the one could as well leave out the other (RFC 7435).

What is said of a failure never holds the credentials, nor what the server answers to them, since some repeat
what they got.
"""

from __future__ import annotations

import contextlib
import ipaddress
import smtplib
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import structlog

from app.mail.message import Letter

OPENING_SECONDS = 10.0
"""For each answer of the server until it takes mails."""
SENDING_SECONDS = 60.0
"""For each answer from then on. Long, since some servers search a mail before they answer: who leaves before
that does not know whether it was taken, and sends it again."""

_PORTS = {"smtp": 25, "smtps": 465}
_SERVICE_CLOSES = 421

log = structlog.get_logger(__name__)


class Unavailable(Exception):
    """No mail gets through just now; the text says why and holds no secret."""


class Rejected(Exception):
    """The server does not want this mail: for now, or for good. The text is its reason."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class Relay:
    """The server that mails are handed to."""

    host: str
    port: int
    tls_at_once: bool = False
    demands_tls: bool = False
    """Whether neither credentials nor mails are sent without a verified certificate."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> Relay:
        """Return the server of SMTP_URL, which `Config` has checked."""
        parts = urlsplit(url)
        host, tls_at_once = parts.hostname or "", parts.scheme == "smtps"
        return cls(
            host=host,
            port=parts.port or _PORTS[parts.scheme],
            tls_at_once=tls_at_once,
            demands_tls=tls_at_once or (bool(parts.username) and not _is_loopback(host)),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Mailer:
    """A conversation with a relay, which begins with the first mail and again after it was ended.

    `name` is how this host calls itself: a domain, or an address in brackets. Time limits are in seconds.
    """

    def __init__(
        self, relay: Relay, name: str, opening: float = OPENING_SECONDS, sending: float = SENDING_SECONDS
    ) -> None:
        self.relay = relay
        self._name = name
        self._opening, self._sending = opening, sending
        self._connection: smtplib.SMTP | None = None

    def send(self, letter: Letter) -> None:
        """Hand in one mail; on return the server has taken it.

        Raises `Rejected`; and `Unavailable`, which ends the conversation: whether the mail was taken may then
        be unknown.
        """
        connection = self.open()
        try:
            connection.sendmail(letter.sender, [letter.recipient], letter.content)
        except smtplib.SMTPRecipientsRefused as refused:
            raise self._rejected(*refused.recipients[letter.recipient]) from None
        except smtplib.SMTPDataError as refused:
            raise self._rejected(refused.smtp_code, refused.smtp_error) from None
        except (OSError, ValueError) as error:
            self._hang_up()
            raise self._unavailable(_reason(error)) from None

    def open(self) -> smtplib.SMTP:
        """Begin the conversation unless it has begun. Raises `Unavailable`."""
        if self._connection is not None:
            return self._connection
        try:
            connection = self._begin()
        except (OSError, ValueError) as error:
            self._hang_up()
            raise self._unavailable(_reason(error)) from None
        except Unavailable:
            self._hang_up()
            raise
        self._set_time_limit(self._sending)
        return connection

    def close(self) -> None:
        """End the conversation in good form, if the server plays its part."""
        if self._connection is not None:
            self._set_time_limit(self._opening)
            with contextlib.suppress(OSError, ValueError):
                self._connection.quit()
            self._hang_up()

    def _begin(self) -> smtplib.SMTP:
        relay, connection = self.relay, self._greet()
        if not relay.tls_at_once and connection.has_extn("starttls"):
            connection = self._with_tls(connection)
        elif not relay.tls_at_once and relay.demands_tls:
            raise self._unavailable("it offers no TLS, without which it gets no credentials")
        if relay.user:
            self._log_in(connection)
        return connection

    def _greet(self) -> smtplib.SMTP:
        self._connection = connection = self._connect()
        connection.ehlo_or_helo_if_needed()
        return connection

    def _connect(self) -> smtplib.SMTP:
        relay, context = self.relay, _tls(verified=self.relay.demands_tls)
        if relay.tls_at_once:
            return smtplib.SMTP_SSL(
                relay.host, relay.port, self._name, timeout=self._opening, context=context
            )
        return smtplib.SMTP(relay.host, relay.port, self._name, timeout=self._opening)

    def _with_tls(self, connection: smtplib.SMTP) -> smtplib.SMTP:
        """The conversation in TLS; or, where it is not demanded and goes wrong, another one without."""
        try:
            connection.starttls(context=_tls(verified=self.relay.demands_tls))
            connection.ehlo_or_helo_if_needed()
        except (OSError, ValueError) as error:
            if self.relay.demands_tls:
                raise
            reason = self._without_password(_reason(error))
            log.warning("mail.without_tls", relay=str(self.relay), reason=reason)
            self._hang_up()
            return self._greet()
        return connection

    def _log_in(self, connection: smtplib.SMTP) -> None:
        try:
            connection.login(self.relay.user, self.relay.password)
        except smtplib.SMTPAuthenticationError as refused:
            raise self._unavailable(f"it refuses the credentials ({refused.smtp_code})") from None
        except smtplib.SMTPNotSupportedError:
            raise self._unavailable("it takes no credentials") from None
        except (OSError, ValueError):
            raise self._unavailable("it does not answer to the credentials") from None

    def _rejected(self, code: int, reply: bytes | str) -> Rejected | Unavailable:
        reason = self._without_password(_reply(code, reply))
        if code == _SERVICE_CLOSES:
            self._hang_up()
            return self._unavailable(reason)
        return Rejected(reason, for_good=500 <= code <= 599)

    def _unavailable(self, reason: str) -> Unavailable:
        return Unavailable(f"{self.relay}: {self._without_password(reason)}")

    def _without_password(self, reply: str) -> str:
        # Some servers quote what they got, and not only in answer to it.
        return reply.replace(self.relay.password, "***") if self.relay.password else reply

    def _set_time_limit(self, seconds: float) -> None:
        # smtplib has one limit for the whole conversation, given at its start.
        if self._connection is not None and self._connection.sock is not None:
            self._connection.sock.settimeout(seconds)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _tls(*, verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return " ".join(str(getattr(error, "strerror", None) or error).split())


def _reply(code: int, reply: bytes | str) -> str:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())}"
