"""The conversation with a real SMTP server: TLS, credentials, and what is said of failures."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.mail.message import Letter
from app.mail.smtp import Mailer, Rejected, Relay, Unavailable
from tests.certificates import self_signed
from tests.mail.server import MailServer

LETTER = Letter("keys@example.com", "ada@example.com", b"Subject: News\r\n\r\nText.\r\n")
LOGIN = ("keys", "planted secret")
IN_THE_URL = "keys:planted%20secret@"

Starts = Callable[..., MailServer]


@pytest.fixture
def start() -> Iterator[Starts]:
    """Starts mail servers, which are ended with the test."""
    with ExitStack() as servers:

        def start(*arguments: object, **options: object) -> MailServer:
            server = MailServer(*arguments, **options)  # type: ignore[arg-type]
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path, "127.0.0.1")


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """What a server with the certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is one that OpenSSL trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@contextmanager
def mailer(relay: Relay) -> Iterator[Mailer]:
    with closing(Mailer(relay, "here.example", 5, 5)) as made:
        yield made


def send(relay: Relay) -> None:
    with mailer(relay) as made:
        made.send(LETTER)


def refusal(relay: Relay) -> str:
    """Why no mail gets through; never with the password in it."""
    with pytest.raises(Unavailable) as refused:
        send(relay)
    assert "planted" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert str(refused.value).startswith(f"{relay}: ")
    return str(refused.value).removeprefix(f"{relay}: ")


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://mail.example", Relay("mail.example", 25)),
        ("smtp://mail.example:587/", Relay("mail.example", 587)),
        ("smtps://mail.example", Relay("mail.example", 465, tls_at_once=True, demands_tls=True)),
        (
            "smtp://a%40b.example:p%3Aw%2F@mail.example",
            Relay("mail.example", 25, demands_tls=True, user="a@b.example", password="p:w/"),
        ),
        ("smtp://u:p@localhost:2525", Relay("localhost", 2525, user="u", password="p")),
        ("smtp://u:p@[::1]", Relay("::1", 25, user="u", password="p")),
    ],
)
def test_the_url_says_where_how_and_as_whom(url: str, relay: Relay) -> None:
    assert Relay.from_url(url) == relay


def test_the_password_is_in_no_form_of_a_relay() -> None:
    relay = Relay.from_url("smtp://keys:planted@[::1]:2525")
    assert "planted" not in f"{relay!r} {relay}"
    assert str(relay) == "[::1]:2525"


def test_the_envelope_and_the_text_arrive_as_they_are(start: Starts) -> None:
    server = start()
    send(Relay.from_url(server.url()))

    (mail,) = server.received
    assert (mail.sender, mail.recipient, mail.raw) == (LETTER.sender, LETTER.recipient, LETTER.content)
    assert mail.greeted_as == "here.example"


def test_one_conversation_takes_several_mails_and_begins_again_after_it_was_ended(start: Starts) -> None:
    server = start()
    with mailer(Relay.from_url(server.url())) as made:
        made.send(LETTER)
        made.send(LETTER)
        made.close()
        made.send(LETTER)

    assert (len(server.received), server.conversations) == (3, 2)


def test_a_mail_that_is_refused_does_not_end_the_conversation(start: Starts) -> None:
    server = start()
    server.at_recipient = lambda address: "550 no"
    with mailer(Relay.from_url(server.url())) as made:
        with pytest.raises(Rejected, match="550 no"):
            made.send(LETTER)
        server.at_recipient = lambda address: "250 ok"
        made.send(LETTER)

    assert server.conversations == 1


def test_a_server_that_went_away_ends_the_conversation(start: Starts) -> None:
    server = start()
    with mailer(Relay.from_url(server.url())) as made:
        made.send(LETTER)
        server.stop()
        with pytest.raises(Unavailable):
            made.send(LETTER)
        server.start()
        made.send(LETTER)

    assert len(server.received) == 2


def test_tls_is_taken_up_where_it_is_offered_whoever_signed_the_certificate(
    start: Starts, tls: ssl.SSLContext
) -> None:
    server = start(tls)
    send(Relay.from_url(server.url()))

    assert server.received[0].tls


def test_where_tls_is_offered_and_refused_mails_go_without_it(start: Starts, tls: ssl.SSLContext) -> None:
    server = start(tls)
    server.at_starttls = "454 4.7.0 TLS not available"
    with capture_logs() as lines:
        send(Relay.from_url(server.url()))

    assert [mail.tls for mail in server.received] == [False]
    assert server.conversations == 2
    (line,) = (line for line in lines if line["event"] == "mail.without_tls")
    assert line["reason"] == server.at_starttls


def test_where_no_handshake_succeeds_mails_go_without_tls(start: Starts) -> None:
    server = start(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # it has no certificate
    with mailer(Relay.from_url(server.url())) as made:
        made.send(LETTER)
        made.send(LETTER)

    assert [mail.tls for mail in server.received] == [False, False]


def test_where_tls_is_demanded_and_refused_nothing_is_sent(start: Starts, tls: ssl.SSLContext) -> None:
    server = start(tls, login=LOGIN)
    server.at_starttls = "454 4.7.0 TLS not available"
    relay = replace(Relay.from_url(server.url(IN_THE_URL)), demands_tls=True)

    assert refusal(relay) == server.at_starttls
    assert (server.logins, server.conversations) == ([], 1)


def test_credentials_are_sent_on_loopback_without_tls(start: Starts) -> None:
    server = start(login=LOGIN)
    send(Relay.from_url(server.url(IN_THE_URL)))

    assert (server.received[0].user, server.received[0].tls) == ("keys", False)


def test_credentials_are_not_sent_elsewhere_without_tls(start: Starts) -> None:
    server = start(login=LOGIN)
    relay = replace(Relay.from_url(server.url(IN_THE_URL)), demands_tls=True)

    assert "offers no TLS" in refusal(relay)
    assert server.logins == []


def test_credentials_are_not_sent_to_whom_nobody_vouches_for(start: Starts, tls: ssl.SSLContext) -> None:
    server = start(tls, login=LOGIN)
    relay = replace(Relay.from_url(server.url(IN_THE_URL)), demands_tls=True)

    assert "its certificate is not valid: self-signed certificate" in refusal(relay)
    assert server.logins == []


def test_nor_to_another_host_than_the_certificate_names(
    start: Starts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_another = self_signed(tmp_path, "192.0.2.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(of_another)
    monkeypatch.setenv("SSL_CERT_FILE", str(of_another))
    server = start(context, login=LOGIN)
    relay = replace(Relay.from_url(server.url(IN_THE_URL)), demands_tls=True)

    assert "its certificate is not valid: IP address mismatch" in refusal(relay)
    assert server.logins == []


@pytest.mark.usefixtures("trusted")
def test_credentials_are_sent_over_verified_tls(start: Starts, tls: ssl.SSLContext) -> None:
    server = start(tls, login=LOGIN)
    send(replace(Relay.from_url(server.url(IN_THE_URL)), demands_tls=True))

    assert (server.received[0].user, server.received[0].tls) == ("keys", True)


@pytest.mark.usefixtures("trusted")
def test_smtps_is_tls_from_the_first_byte(start: Starts, tls: ssl.SSLContext) -> None:
    server = start(tls, at_once=True, login=LOGIN)
    send(Relay.from_url(server.url(IN_THE_URL, scheme="smtps")))

    assert (server.received[0].user, server.received[0].tls) == ("keys", True)


def test_smtps_wants_a_certificate_that_is_valid(start: Starts, tls: ssl.SSLContext) -> None:
    server = start(tls, at_once=True)

    assert "certificate is not valid" in refusal(Relay.from_url(server.url(scheme="smtps")))


def test_smtps_at_a_server_without_tls_is_a_failure(start: Starts) -> None:
    server = start()

    assert refusal(Relay.from_url(server.url(scheme="smtps")))


def test_wrong_credentials_are_told_without_them_or_the_answer_to_them(start: Starts) -> None:
    server = start(login=(LOGIN[0], "another"))

    assert refusal(Relay.from_url(server.url(IN_THE_URL))) == "it refuses the credentials (535)"
    assert server.received == []


@pytest.mark.parametrize("code", [421, 451, 550])
def test_a_password_that_the_server_quotes_later_is_not_told(start: Starts, code: int) -> None:
    server = start(login=LOGIN)
    server.at_recipient = lambda address: f"{code} not for keys:{LOGIN[1]}, later"
    with pytest.raises((Rejected, Unavailable)) as raised:
        send(Relay.from_url(server.url(IN_THE_URL)))
    assert str(raised.value).endswith(f"{code} not for keys:***, later")


def test_a_server_that_takes_no_credentials_is_told(start: Starts) -> None:
    server = start()

    assert "credentials" in refusal(Relay.from_url(server.url(IN_THE_URL)))
