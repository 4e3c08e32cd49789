"""Python's poplib: reading, UIDL, deletion only at QUIT."""

from __future__ import annotations

import contextlib
import poplib
import ssl
from collections.abc import Iterator

import pytest

from support.mailing import append, body_of, deliver, sample
from support.server import Account, MailServer

pytestmark = pytest.mark.interop


@contextlib.contextmanager
def _pop(server: MailServer, account: Account) -> Iterator[poplib.POP3]:
    client = poplib.POP3(server.host, server.ports.pop3, timeout=30)
    client.user(account.login)
    client.pass_(account.password)
    try:
        yield client
    finally:
        with contextlib.suppress(poplib.error_proto, OSError, AttributeError):
            client.quit()  # AttributeError: the test closed it


def test_read(mail_server: MailServer, account: Account) -> None:
    messages = [sample(number) for number in range(3)]
    deliver(mail_server, account, *messages)
    with _pop(mail_server, account) as client:
        count, octets = client.stat()
        assert count == 3
        sizes = [int(row.split()[1]) for row in client.list()[1]]
        assert sum(sizes) == octets
        for number, message in enumerate(messages, 1):
            _, lines, size = client.retr(number)
            whole = b"\r\n".join(lines) + b"\r\n"
            assert body_of(whole) == body_of(message)
            assert len(whole) == sizes[number - 1]
            assert size >= len(whole)


def test_top(mail_server: MailServer, account: Account) -> None:
    append(mail_server, account, "INBOX", sample(1))
    with _pop(mail_server, account) as client:
        lines = client.top(1, 1)[1]
        assert b"Subject: sample 1" in lines
        assert lines[-2:] == [b"", b"This is the text of sample 1."]
        assert client.top(1, 0)[1][-1] == b""


def test_uidl_is_stable_and_unique(mail_server: MailServer, account: Account) -> None:
    append(mail_server, account, "INBOX", *[sample(number) for number in range(4)])
    with _pop(mail_server, account) as client:
        before = [row.split()[1] for row in client.uidl()[1]]
        client.dele(2)
    with _pop(mail_server, account) as client:
        after = [row.split()[1] for row in client.uidl()[1]]
    assert len(set(before)) == 4
    assert after == [before[0], *before[2:]]


def test_deletion_waits_for_quit(mail_server: MailServer, account: Account) -> None:
    append(mail_server, account, "INBOX", sample(1), sample(2))
    with _pop(mail_server, account) as client:
        client.dele(1)
        with pytest.raises(poplib.error_proto):
            client.retr(1)
        client.rset()
        assert client.stat()[0] == 2
        client.dele(1)
        client.close()  # cut off: RFC 1939 §6 wants nothing deleted
    with _pop(mail_server, account) as client:
        assert client.stat()[0] == 2
        client.dele(2)
    with _pop(mail_server, account) as client:
        assert client.stat()[0] == 1
        assert b"Subject: sample 1" in client.retr(1)[1]


def test_capabilities(mail_server: MailServer, account: Account) -> None:
    client = poplib.POP3(mail_server.host, mail_server.ports.pop3, timeout=30)
    offered = client.capa()
    assert {"TOP", "UIDL", "STLS", "PIPELINING", "RESP-CODES", "SASL"} <= offered.keys()
    client.quit()


def test_stls(mail_server: MailServer, account: Account) -> None:
    context = ssl.create_default_context(cafile=str(mail_server.certificate))
    client = poplib.POP3(mail_server.tls_host, mail_server.ports.pop3, timeout=30)
    client.stls(context)
    assert "STLS" not in client.capa()
    client.user(account.login)
    client.pass_(account.password)
    assert client.stat() == (0, 0)
    client.quit()


def test_implicit_tls(mail_server: MailServer, account: Account) -> None:
    context = ssl.create_default_context(cafile=str(mail_server.certificate))
    client = poplib.POP3_SSL(
        mail_server.tls_host, mail_server.ports.pop3s, context=context, timeout=30
    )
    client.user(account.login)
    client.pass_(account.password)
    assert client.list()[1] == []
    client.quit()


def test_wrong_password(mail_server: MailServer, account: Account) -> None:
    client = poplib.POP3(mail_server.host, mail_server.ports.pop3, timeout=30)
    client.user(account.login)
    with pytest.raises(poplib.error_proto, match="AUTH"):
        client.pass_("wrong")
    client.close()
