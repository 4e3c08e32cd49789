"""Plain ways in and out of a server for tests whose subject is another client.

Delivery is by smtplib, looking is by imaplib: both are tested on their own.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

from support.server import Account, MailServer, wait_until

SENDER = "carol@example.net"


def sample(
    number: int = 1,
    subject: str | None = None,
    text: str | None = None,
    *,
    sender: str | None = None,
) -> bytes:
    """A small text message with the fields that sorting and searching use; CRLF throughout."""
    lines = [
        f"From: Carol Example {number} <{sender or f'carol{number}@example.net'}>",
        "To: alice@example.org",
        f"Subject: {subject or f'sample {number}'}",
        f"Date: Mon, 02 Nov 2026 {number // 60 % 24:02}:{number % 60:02}:00 +0000",
        f"Message-ID: <sample-{number}@example.net>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        text or f"This is the text of sample {number}.",
        ".a line that begins with a dot",
        "..and one with two",
        "",
    ]
    return "\r\n".join(lines).encode()


def attached(subject: str = "with parts") -> bytes:
    """multipart/mixed with an alternative and an attachment, for fetching by part."""
    message = EmailMessage()
    message["From"] = "Carol <carol@example.net>"
    message["To"] = "alice@example.org"
    message["Subject"] = subject
    message["Date"] = "Tue, 03 Nov 2026 10:00:00 +0000"
    message["Message-ID"] = f"<parts-{abs(hash(subject))}@example.net>"
    message.set_content("plain words")
    message.add_alternative("<p>marked-up words</p>", subtype="html")
    message.add_attachment(
        bytes(range(256)) * 8, maintype="application", subtype="octet-stream", filename="all.bin"
    )
    return message.as_bytes(policy=SMTP_POLICY)


def deliver(server: MailServer, account: Account, *messages: bytes) -> None:
    """Hand messages to port 25 and wait until they can be read.

    Pillarbox answers 250 only then; the reference queues first, so there we wait.
    """
    before = count(server, account)
    with smtplib.SMTP(server.host, server.ports.smtp, timeout=30) as client:
        for sent, message in enumerate(messages, 1):
            client.sendmail(SENDER, [account.address], message, mail_options=["BODY=8BITMIME"])
            if not server.is_pillarbox:  # its queue would change their order
                expect_count(server, account, before + sent)
    expect_count(server, account, before + len(messages))


def append(server: MailServer, account: Account, mailbox: str, *messages: bytes) -> None:
    """Put messages into a mailbox by IMAP APPEND."""
    with imap(server, account) as client:
        for message in messages:
            assert client.append(mailbox, "", "", message)[0] == "OK"


def expect_count(server: MailServer, account: Account, wanted: int, mailbox: str = "INBOX") -> None:
    """Assert that the mailbox has so many messages: at once, or soon for the reference."""
    if server.is_pillarbox:
        assert count(server, account, mailbox) == wanted
    else:
        wait_until(lambda: count(server, account, mailbox) == wanted, what=f"{wanted} messages")


def count(server: MailServer, account: Account, mailbox: str = "INBOX") -> int:
    """How many messages STATUS says there are."""
    with imap(server, account) as client:
        typ, data = client.status(_quoted(mailbox), "(MESSAGES)")
        assert typ == "OK", data
        found = re.search(rb"MESSAGES (\d+)", b" ".join(data))
        assert found is not None, data
        return int(found[1])


def contents(server: MailServer, account: Account, mailbox: str = "INBOX") -> list[bytes]:
    """The octets of every message in order; \\Seen is left alone."""
    with imap(server, account) as client:
        typ, data = client.select(_quoted(mailbox), readonly=True)
        assert typ == "OK", data
        if data == [b"0"]:
            return []
        typ, rows = client.fetch("1:*", "(BODY.PEEK[])")
        assert typ == "OK", rows
        return [row[1] for row in rows if isinstance(row, tuple)]


def flags(server: MailServer, account: Account, mailbox: str = "INBOX") -> list[set[str]]:
    """The flags of every message in order, without \\Recent."""
    with imap(server, account) as client:
        typ, data = client.select(_quoted(mailbox), readonly=True)
        assert typ == "OK", data
        if data == [b"0"]:
            return []
        _, rows = client.fetch("1:*", "(FLAGS)")
        return [
            {flag.decode() for flag in imaplib.ParseFlags(row)} - {"\\Recent"}
            for row in rows
            if isinstance(row, bytes)
        ]


@contextlib.contextmanager
def imap(server: MailServer, account: Account) -> Iterator[imaplib.IMAP4]:
    """A signed-in imaplib connection without TLS."""
    client = imaplib.IMAP4(server.host, server.ports.imap, timeout=30)
    try:
        client.login(account.login, account.password)
        yield client
    finally:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            client.logout()


def body_of(message: bytes) -> bytes:
    """What stands behind the header: a server may put trace fields on top, never touch this."""
    return message.partition(b"\r\n\r\n")[2]


def header_of(message: bytes, name: str) -> str:
    """One unfolded header field, or an empty string."""
    found = re.search(
        rb"(?im)^" + name.encode() + rb":[ \t]*([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)",
        message.partition(b"\r\n\r\n")[0],
    )
    return "" if found is None else found[1].replace(b"\r\n", b"").decode().strip()


def _quoted(mailbox: str) -> str:
    return '"' + mailbox.replace("\\", "\\\\").replace('"', '\\"') + '"'
