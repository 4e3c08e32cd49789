"""mpop: POP3 with pipelining, into a Maildir."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.maildir import files, make_maildir, messages
from support.mailing import append, body_of, count, sample
from support.programs import Finished, program, run
from support.server import Account, MailServer

pytestmark = pytest.mark.interop


def _mpop(
    server: MailServer,
    account: Account,
    folder: Path,
    *,
    tls: str = "on",
    auth: str = "user",
    keep: bool = False,
) -> Finished:
    lines = [
        "account test",
        f"host {server.tls_host}",
        f"port {server.ports.pop3s if tls == 'on' else server.ports.pop3}",
        f"user {account.login}",
        f"password {account.password}",
        f"auth {auth}",
        f"keep {'on' if keep else 'off'}",
        f"uidls_file {folder}/uidls",
        f"delivery maildir {make_maildir(folder / 'inbox')}",
        {"on": "tls on\ntls_starttls off", "starttls": "tls on", "off": "tls off"}[tls],
        f"tls_trust_file {server.certificate}" if tls != "off" else "",
        "pipelining on",
        "timeout 30",
    ]
    config = folder / "mpoprc"
    config.write_text("\n".join(lines) + "\n")
    config.chmod(0o600)
    environment = {"HOME": str(folder)}
    return run([program("mpop"), "-d", "-C", config, "test"], env=environment)


@pytest.mark.parametrize("tls", ["on", "starttls", "off"])
def test_retrieve_and_delete(
    mail_server: MailServer, account: Account, tmp_path: Path, tls: str
) -> None:
    sent = [sample(number) for number in range(10)]
    append(mail_server, account, "INBOX", *sent)
    _mpop(mail_server, account, tmp_path, tls=tls)
    # mpop adds a Received field on top; the body is the server's.
    got = sorted(body_of(message) for message in messages(tmp_path / "inbox"))
    assert got == sorted(body_of(message) for message in sent)
    assert count(mail_server, account) == 0


def test_keep_fetches_each_once(mail_server: MailServer, account: Account, tmp_path: Path) -> None:
    append(mail_server, account, "INBOX", sample(1), sample(2))
    _mpop(mail_server, account, tmp_path, keep=True)
    append(mail_server, account, "INBOX", sample(3))
    _mpop(mail_server, account, tmp_path, keep=True)
    assert len(files(tmp_path / "inbox")) == 3
    assert count(mail_server, account) == 3


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256"])
def test_mechanisms(
    mail_server: MailServer, account: Account, tmp_path: Path, mechanism: str
) -> None:
    append(mail_server, account, "INBOX", sample(1))
    _mpop(mail_server, account, tmp_path, auth=mechanism)
    assert len(files(tmp_path / "inbox")) == 1
