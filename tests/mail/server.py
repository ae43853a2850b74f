"""A real SMTP server on a loopback socket, in a thread of its own, that a test tells how to behave."""

from __future__ import annotations

import asyncio
import email
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

TAKEN = "250 taken"


@dataclass(frozen=True)
class Received:
    """A mail that the server has taken."""

    sender: str
    recipient: str
    raw: bytes
    tls: bool
    user: str
    greeted_as: str

    @property
    def message(self) -> Message:
        return email.message_from_bytes(self.raw)

    @property
    def subject(self) -> str:
        return str(make_header(decode_header(self.message["Subject"])))

    @property
    def body(self) -> str:
        payload = self.message.get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload.decode().replace("\r\n", "\n")


class MailServer:
    """Takes every mail, until `at_sender`, `at_recipient` or `at_end` answer something else.

    Each is called with the address, or the mail, and returns the reply. `at_starttls` is the reply to
    STARTTLS, in place of TLS. `hold_at` names one of these places,
    at which the server then falls silent, until `release`: `held` tells that somebody waits there.
    `answered_mails` counts those whose last reply has been sent.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        *,
        at_once: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.received: list[Received] = []
        self.conversations = 0
        self.answered_mails = 0
        self.logins: list[str] = []
        self.at_starttls = ""
        self.hold_at = ""
        self.held = threading.Event()
        self.at_sender: Callable[[str], str] = lambda address: "250 ok"
        self.at_recipient: Callable[[str], str] = lambda address: "250 ok"
        self.at_end: Callable[[Received], str] = lambda mail: TAKEN
        self._released = asyncio.Event()
        self._tls, self._at_once, self._login = tls, at_once, login
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.start()

    def url(self, login: str = "", scheme: str = "smtp") -> str:
        return f"{scheme}://{login}127.0.0.1:{self.port}"

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        listening = self._loop.create_server(
            lambda: _Protocol(self, self._starttls(), self._login),
            "127.0.0.1",
            self.port,
            ssl=self._tls if self._at_once else None,
        )
        self._server = self._loop.run_until_complete(listening)
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def stop(self) -> None:
        """Go away: connections are refused, those that stand are dropped."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def release(self) -> None:
        """Go on where the server fell silent."""
        self.hold_at = ""
        self._loop.call_soon_threadsafe(self._released.set)

    def recipients(self) -> list[str]:
        return [mail.recipient for mail in self.received]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.at_sender(address)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        await self._hold("recipient")
        return self.at_recipient(address)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content
        assert isinstance(content, bytes)
        user = session.auth_data.login.decode() if session.authenticated else ""
        mail = Received(
            envelope.mail_from or "",
            envelope.rcpt_tos[0],
            content,
            session.ssl is not None or self._at_once,
            user,
            session.host_name or "",
        )
        await self._hold("end")
        reply = self.at_end(mail)
        if reply == TAKEN:
            self.received.append(mail)
        return reply

    def check_login(self, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        user, password = data.login.decode(), data.password.decode()
        self.logins.append(user)
        if (user, password) == self._login:
            return AuthResult(success=True, auth_data=data)
        # As some servers do: they show what they got.
        return AuthResult(success=False, handled=False, message=f"535 5.7.8 not {user}:{password}")

    def _starttls(self) -> ssl.SSLContext | None:
        return None if self._at_once else self._tls

    async def _hold(self, place: str) -> None:
        if self.hold_at == place:
            self.held.set()
            await self._released.wait()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # the transports that were closed get their turn


class _Protocol(SMTP):
    def __init__(self, told: MailServer, tls: ssl.SSLContext | None, login: tuple[str, str] | None) -> None:
        super().__init__(
            told,
            hostname="mail.test",
            tls_context=tls,
            auth_require_tls=False,
            authenticator=lambda server, session, envelope, mechanism, data: told.check_login(data),
            auth_exclude_mechanism=[] if login else ["LOGIN", "PLAIN"],
        )
        self._told = told
        told.conversations += 1

    async def smtp_STARTTLS(self, arg: str) -> None:
        if self._told.at_starttls:
            await self.push(self._told.at_starttls)
        else:
            await super().smtp_STARTTLS(arg)

    async def push(self, status: str | bytes) -> None:
        await super().push(status)
        if status == TAKEN:
            self._told.answered_mails += 1


@contextmanager
def saying(greeting: bytes) -> Iterator[int]:
    """The port of something that says one thing to whoever calls, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)
