"""A whole server judges: real sockets, real processes, a name server on loopback."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillarbox.testing import RunningServer, running_server
from support.name_server import NameServer, in_a_thread

LETTER = "From: carol@{author}\r\nSubject: Hello\r\n\r\nA few words.\r\n"
WORLD: dict[str, dict[str, Any]] = {
    "127.0.0.1": {"PTR": ["localhost.example"]},
    "localhost.example": {"A": ["127.0.0.1"]},
    "honest.example": {"TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
    "_dmarc.honest.example": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.strict.example": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.wary.example": {"TXT": ["v=DMARC1; p=quarantine"]},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("judging")
    with in_a_thread(NameServer(WORLD)) as names:
        settings = {
            "trust": {"trusted_networks": [], "authserv_id": "mx.example.org"},
            "dns": {"servers": [names.address]},
        }
        with running_server(folder, settings=settings) as running:
            yield running


def bring(server: RunningServer, author: str) -> str:
    with smtplib.SMTP(server.host, server.smtp, timeout=60) as client:
        try:
            client.sendmail(f"carol@{author}", ["alice@example.org"], LETTER.format(author=author))
        except smtplib.SMTPDataError as refused:
            return f"{refused.smtp_code} {refused.smtp_error.decode()}"
    return ""


def read(server: RunningServer, mailbox: str) -> list[bytes]:
    context = ssl.create_default_context(cafile=str(server.certificate))
    context.check_hostname = False
    with imaplib.IMAP4_SSL(server.host, server.imaps, ssl_context=context, timeout=60) as client:
        client.login(*server.account)
        client.select(mailbox, readonly=True)
        _, found = client.search(None, "ALL")
        letters = []
        for number in found[0].split():
            _, answer = client.fetch(number.decode(), "(BODY.PEEK[])")
            assert isinstance(answer[0], tuple)
            letters.append(answer[0][1])
        return letters


def test_from_the_name_server_to_the_mailbox(server: RunningServer) -> None:
    assert bring(server, "honest.example") == ""
    assert bring(server, "strict.example").startswith("550 5.7.26 ")
    assert bring(server, "wary.example") == ""
    (taken,) = read(server, "INBOX")
    field = taken[taken.index(b"Authentication-Results: mx.example.org;") :]
    for finding in (b"iprev=pass", b"spf=pass", b"dkim=none", b"dmarc=pass"):
        assert finding in field
    (doubted,) = read(server, "Junk")
    assert b"\r\nPillarbox-Verdict: junk; dmarc-quarantine;" in doubted
    with urllib.request.urlopen(f"http://{server.host}:{server.http}/metrics", timeout=60) as page:
        metrics = page.read().decode()
    assert 'pillarbox_judged_total{reason="dmarc-reject",verdict="reject"} 1.0' in metrics
    assert 'pillarbox_checks_total{check="dmarc",result="pass"} 1.0' in metrics
