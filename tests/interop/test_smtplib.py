"""Python's smtplib: port 25, submission with and without implicit TLS, LMTP."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.message import EmailMessage

import pytest

from support.mailing import (
    SENDER,
    body_of,
    contents,
    count,
    deliver,
    expect_count,
    header_of,
    sample,
)
from support.server import Account, MailServer

pytestmark = pytest.mark.interop


def _tls(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.certificate))


def test_delivered_octets_are_kept(mail_server: MailServer, account: Account) -> None:
    message = sample(1, text="long " * 150 + "\r\n\r\n.\r\n..\r\nend")
    deliver(mail_server, account, message)
    (kept,) = contents(mail_server, account)
    assert body_of(kept) == body_of(message)
    assert header_of(kept, "Return-Path") == f"<{SENDER}>"
    assert account.address.split("@")[0] in header_of(kept, "Delivered-To") + kept.decode()


def test_extensions_are_offered(mail_server: MailServer) -> None:
    with smtplib.SMTP(mail_server.host, mail_server.ports.smtp, timeout=30) as client:
        assert client.ehlo()[0] == 250
        for keyword in ("size", "8bitmime", "pipelining", "enhancedstatuscodes", "starttls"):
            assert client.has_extn(keyword), keyword
        assert client.has_extn("smtputf8")
        assert client.has_extn("chunking")
        assert client.has_extn("dsn")


def test_one_message_to_several(mail_server: MailServer) -> None:
    people = [mail_server.new_account() for _ in range(5)]
    with smtplib.SMTP(mail_server.host, mail_server.ports.smtp, timeout=30) as client:
        refused = client.sendmail(SENDER, [person.address for person in people], sample(2))
    assert refused == {}
    for person in people:
        expect_count(mail_server, person, 1)


def test_starttls_then_deliver(mail_server: MailServer, account: Account) -> None:
    with smtplib.SMTP(mail_server.tls_host, mail_server.ports.smtp, timeout=30) as client:
        assert client.starttls(context=_tls(mail_server))[0] == 220
        assert client.ehlo()[0] == 250
        assert not client.has_extn("starttls")
        client.sendmail(SENDER, [account.address], sample(3))
    expect_count(mail_server, account, 1)


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_submission_by_mechanism(mail_server: MailServer, account: Account, mechanism: str) -> None:
    with smtplib.SMTP(mail_server.tls_host, mail_server.ports.submission, timeout=30) as client:
        client.starttls(context=_tls(mail_server))
        client.ehlo()
        client.user, client.password = account.login, account.password
        code, said = client.auth(mechanism, getattr(client, f"auth_{mechanism}"))
        assert code == 235, said
        own = sample(4, sender=account.address)
        client.sendmail(account.address, [account.address], own)
    expect_count(mail_server, account, 1)


def test_submission_with_implicit_tls(mail_server: MailServer, account: Account) -> None:
    message = EmailMessage()
    message["From"] = account.address
    message["To"] = account.address
    message["Subject"] = "Grüße aus der Ferne"
    message.set_content("Zwölf Boxkämpfer jagen Viktor\n")
    with smtplib.SMTP_SSL(
        mail_server.tls_host, mail_server.ports.submissions, context=_tls(mail_server), timeout=30
    ) as client:
        client.login(account.login, account.password)
        client.send_message(message)
    expect_count(mail_server, account, 1)
    if mail_server.is_pillarbox:
        (kept,) = contents(mail_server, account)
        assert header_of(
            kept, "Message-ID"
        )  # RFC 6409 §8: a submission server adds what is missing
        assert header_of(kept, "Date")


def test_submission_with_a_stranger_in_from(mail_server: MailServer, account: Account) -> None:
    if not mail_server.is_pillarbox:
        pytest.skip("the reference does not compare From with the login")
    context = _tls(mail_server)
    with (
        smtplib.SMTP_SSL(
            mail_server.tls_host, mail_server.ports.submissions, context=context, timeout=30
        ) as client,
        pytest.raises(smtplib.SMTPDataError) as caught,
    ):
        client.login(account.login, account.password)
        client.sendmail(account.address, [account.address], sample(5, sender="eve@example.net"))
    assert caught.value.smtp_code == 550
    assert count(mail_server, account) == 0


def test_submission_wants_a_login(mail_server: MailServer, account: Account) -> None:
    with (
        smtplib.SMTP(mail_server.host, mail_server.ports.submission, timeout=30) as client,
        pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused)),
    ):
        client.sendmail(account.address, [account.address], sample(5))


def test_wrong_password(mail_server: MailServer, account: Account) -> None:
    with smtplib.SMTP(mail_server.tls_host, mail_server.ports.submission, timeout=30) as client:
        client.starttls(context=_tls(mail_server))
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            client.login(account.login, "not the password")
        assert caught.value.smtp_code == 535


def test_no_relay(mail_server: MailServer) -> None:
    with (
        smtplib.SMTP(mail_server.host, mail_server.ports.smtp, timeout=30) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused) as caught,
    ):
        client.sendmail(SENDER, ["someone@elsewhere.example"], sample(6))
    (code, said) = caught.value.recipients["someone@elsewhere.example"]
    assert 550 <= code <= 554, said


def test_unknown_user_is_refused_at_rcpt(mail_server: MailServer, account: Account) -> None:
    if not mail_server.is_pillarbox:
        pytest.skip("the reference Postfix is not told who exists")
    with smtplib.SMTP(mail_server.host, mail_server.ports.smtp, timeout=30) as client:
        refused = client.sendmail(SENDER, [account.address, "nobody@example.org"], sample(7))
    assert refused["nobody@example.org"][0] == 550
    expect_count(mail_server, account, 1)


def test_declared_size_is_checked_at_mail(mail_server: MailServer, account: Account) -> None:
    with smtplib.SMTP(mail_server.host, mail_server.ports.smtp, timeout=30) as client:
        client.ehlo()
        code, said = client.mail(SENDER, ["SIZE=99999999999"])
        assert code == 552, said
        assert client.mail(SENDER, ["SIZE=1000"])[0] == 250


def test_smtputf8(mail_server: MailServer, account: Account) -> None:
    if not mail_server.is_pillarbox:
        pytest.skip("Dovecot's LMTP has no SMTPUTF8")
    message = sample(8, subject="déjà vu")
    with smtplib.SMTP(mail_server.host, mail_server.ports.smtp, timeout=30) as client:
        client.sendmail(
            "zoë@example.net", [account.address], message, ["SMTPUTF8", "BODY=8BITMIME"]
        )
    expect_count(mail_server, account, 1)
    assert "Subject: déjà vu".encode() in contents(mail_server, account)[0]


def test_plus_addressing(mail_server: MailServer, account: Account) -> None:
    local, _, domain = account.address.partition("@")
    with smtplib.SMTP(mail_server.host, mail_server.ports.smtp, timeout=30) as client:
        client.sendmail(SENDER, [f"{local}+shopping@{domain}"], sample(9))
    expect_count(mail_server, account, 1)


def test_lmtp(mail_server: MailServer, account: Account) -> None:
    # One recipient: smtplib reads a single reply after the data, whatever RFC 2033 says.
    with smtplib.LMTP(mail_server.host, mail_server.ports.lmtp, timeout=30) as client:
        assert client.sendmail(SENDER, [account.address], sample(10)) == {}
    assert count(mail_server, account) == 1  # LMTP is final: no queue in between


def test_a_connection_cut_in_data_delivers_nothing(
    mail_server: MailServer, account: Account
) -> None:
    peer = socket.create_connection((mail_server.host, mail_server.ports.smtp), timeout=30)
    with peer, peer.makefile("rwb") as stream:
        stream.readline()
        for command in (
            "HELO x",
            f"MAIL FROM:<{SENDER}>",
            f"RCPT TO:<{account.address}>",
            "DATA",
        ):
            stream.write(command.encode() + b"\r\n")
            stream.flush()
            stream.readline()
        stream.write(b"Subject: cut\r\n\r\nhalf a mess")
        stream.flush()
    deliver(mail_server, account, sample(11))
    assert len(contents(mail_server, account)) == 1
