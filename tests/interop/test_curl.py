"""curl over smtp, smtps, imap, imaps, pop3 and pop3s: what the README's first lines show."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.mailing import append, attached, body_of, contents, expect_count, flags, sample
from support.programs import Finished, program, run
from support.server import Account, MailServer

pytestmark = pytest.mark.interop


@pytest.fixture
def curl(mail_server: MailServer, account: Account, tmp_path: Path) -> Curl:
    return Curl(mail_server, account, tmp_path)


class Curl:
    """curl with the account's name and trust in exactly the server's certificate."""

    def __init__(self, server: MailServer, account: Account, folder: Path) -> None:
        self._path = program("curl")
        self._server = server
        self._account = account
        self._folder = folder

    def __call__(
        self, scheme: str, path: str, *options: str | Path, codes: tuple[int, ...] = (0,)
    ) -> Finished:
        port = {
            "smtp": self._server.ports.submission,
            "smtps": self._server.ports.submissions,
            "imap": self._server.ports.imap,
            "imaps": self._server.ports.imaps,
            "pop3": self._server.ports.pop3,
            "pop3s": self._server.ports.pop3s,
        }[scheme]
        url = f"{scheme}://{self._server.tls_host}:{port}{path}"
        user = f"{self._account.login}:{self._account.password}"
        trust = ["--cacert", self._server.certificate]
        return run(
            [self._path, "-sS", "-m", "30", "-v", *trust, "-u", user, url, *options], codes=codes
        )

    def send(self, scheme: str, message: bytes, *options: str) -> Finished:
        """Upload by SMTP from the account to itself."""
        file = self._folder / "message.eml"
        file.write_bytes(message)
        address = self._account.address
        envelope = ["--mail-from", address, "--mail-rcpt", address]
        return self(scheme, "/", *envelope, "-T", file, *options)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_send(
    curl: Curl, mail_server: MailServer, account: Account, scheme: str, mechanism: str
) -> None:
    message = sample(1, sender=account.address)
    curl.send(scheme, message, "--ssl-reqd", "--login-options", f"AUTH={mechanism}")
    expect_count(mail_server, account, 1)
    assert body_of(contents(mail_server, account)[0]) == body_of(message)


def test_scram(curl: Curl, mail_server: MailServer) -> None:
    asked = curl("imaps", "/", "--login-options", "AUTH=SCRAM-SHA-256", codes=(0, 67))
    if "unsupported" in asked.text.lower() or asked.code:
        pytest.skip("this curl was built without SCRAM")


def test_imap_list_and_fetch(curl: Curl, mail_server: MailServer, account: Account) -> None:
    message = attached("fetched by curl")
    append(mail_server, account, "INBOX", message)
    assert b"INBOX" in curl("imaps", "/").output
    assert b"INBOX" in curl("imap", "/", "--ssl-reqd").output
    assert curl("imaps", "/INBOX;MAILINDEX=1").output == message
    assert curl("imaps", "/INBOX;UID=1;SECTION=TEXT").output == body_of(message)
    assert curl("imaps", "/INBOX;UID=1;SECTION=1.1").output.strip() == b"plain words"
    assert b"* SEARCH 1" in curl("imaps", "/INBOX?SUBJECT%20fetched").output
    assert b"* SEARCH 1" not in curl("imaps", "/INBOX?SUBJECT%20absent").output


def test_imap_append_and_store(
    curl: Curl, mail_server: MailServer, account: Account, tmp_path: Path
) -> None:
    file = tmp_path / "draft.eml"
    file.write_bytes(sample(4))
    curl("imaps", "/Drafts", "-T", file)
    assert contents(mail_server, account, "Drafts") == [sample(4)]
    curl("imaps", "/Drafts", "-X", r"STORE 1 +FLAGS (\Flagged \Deleted)")
    assert {"\\Flagged", "\\Deleted"} <= flags(mail_server, account, "Drafts")[0]
    curl("imaps", "/Drafts", "-X", "EXPUNGE")
    assert contents(mail_server, account, "Drafts") == []
    assert b"STATUS" in curl("imaps", "/", "-X", "STATUS INBOX (MESSAGES)").output


@pytest.mark.parametrize("scheme", ["pop3", "pop3s"])
def test_pop3(curl: Curl, mail_server: MailServer, account: Account, scheme: str) -> None:
    first, second = sample(1), sample(2)
    append(mail_server, account, "INBOX", first, second)
    assert len(curl(scheme, "/", "--ssl-reqd").output.split(b"\r\n")) >= 2
    assert curl(scheme, "/2", "--ssl-reqd").output == second
    assert len(curl(scheme, "/", "--ssl-reqd", "-X", "UIDL").output.splitlines()) == 2
    assert b"Subject: sample 1" in curl(scheme, "/", "--ssl-reqd", "-X", "TOP 1 0").output
    curl(scheme, "/1", "--ssl-reqd", "-X", "DELE", "-I")
    assert contents(mail_server, account) == [second]


def test_wrong_password(curl: Curl, account: Account) -> None:
    for scheme in ("imaps", "pop3s"):
        refused = curl(scheme, "/", "-u", f"{account.login}:wrong", codes=(67,))
        assert refused.output == b""
