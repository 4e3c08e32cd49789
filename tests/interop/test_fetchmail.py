"""fetchmail: collecting over POP3 and IMAP, and handing on over SMTP to another account."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.mailing import append, body_of, contents, count, expect_count, flags, sample
from support.programs import Finished, program, run
from support.server import Account, MailServer

pytestmark = pytest.mark.interop

NO_NEW_MAIL = 1


class Fetchmail:
    """fetchmail from one account's mailbox to another's port 25, keeping its state in a folder."""

    def __init__(self, server: MailServer, source: Account, target: Account, folder: Path) -> None:
        self._path = program("fetchmail")
        self._server = server
        self._source = source
        self._target = target
        self._folder = folder

    def __call__(
        self, protocol: str, *, tls: str = "ssl", keep: bool = False, uidl: bool = False
    ) -> Finished:
        ports = self._server.ports
        port = {
            ("POP3", "ssl"): ports.pop3s,
            ("POP3", "starttls"): ports.pop3,
            ("POP3", "none"): ports.pop3,
            ("IMAP", "ssl"): ports.imaps,
            ("IMAP", "starttls"): ports.imap,
            ("IMAP", "none"): ports.imap,
        }[protocol, tls]
        once = " uidl" if uidl else ""
        lines = [
            f"poll {self._server.tls_host} protocol {protocol} port {port}{once}",
            f'  user "{self._source.login}" password "{self._source.password}"',
            f'  sslcertfile "{self._server.certificate}" sslcertck',
            {"ssl": "  ssl", "starttls": '  sslproto "TLS1.2+"', "none": '  sslproto ""'}[tls],
            f'  smtphost "{self._server.host}/{ports.smtp}"',
            f'  smtpname "{self._target.address}"',
            f"  {'keep' if keep else 'nokeep'}",
        ]
        config = self._folder / "fetchmailrc"
        config.write_text("\n".join(lines) + "\n")
        config.chmod(0o600)
        environment = {"HOME": str(self._folder), "FETCHMAILHOME": str(self._folder)}
        command = [self._path, "-v", "--nosyslog", "-f", config, "-i", self._folder / "ids"]
        return run(command, env=environment, codes=(0, NO_NEW_MAIL))


@pytest.fixture
def source(mail_server: MailServer) -> Account:
    return mail_server.new_account()


@pytest.fixture
def fetchmail(
    mail_server: MailServer, source: Account, account: Account, tmp_path: Path
) -> Fetchmail:
    return Fetchmail(mail_server, source, account, tmp_path)


@pytest.mark.parametrize("tls", ["ssl", "starttls", "none"])
@pytest.mark.parametrize("protocol", ["POP3", "IMAP"])
def test_collect_and_hand_on(
    fetchmail: Fetchmail,
    mail_server: MailServer,
    source: Account,
    account: Account,
    protocol: str,
    tls: str,
) -> None:
    messages = [sample(number) for number in range(5)]
    append(mail_server, source, "INBOX", *messages)
    assert fetchmail(protocol, tls=tls).code == 0
    expect_count(mail_server, account, 5)
    got = sorted(body_of(message) for message in contents(mail_server, account))
    assert got == sorted(body_of(message) for message in messages)
    assert count(mail_server, source) == 0
    assert fetchmail(protocol, tls=tls).code == NO_NEW_MAIL


def test_keep_on_pop3_by_uidl(
    fetchmail: Fetchmail, mail_server: MailServer, source: Account, account: Account
) -> None:
    append(mail_server, source, "INBOX", sample(1), sample(2))
    fetchmail("POP3", keep=True, uidl=True)
    append(mail_server, source, "INBOX", sample(3))
    fetchmail("POP3", keep=True, uidl=True)
    expect_count(mail_server, account, 3)
    assert count(mail_server, source) == 3


def test_keep_on_imap_by_seen(
    fetchmail: Fetchmail, mail_server: MailServer, source: Account, account: Account
) -> None:
    append(mail_server, source, "INBOX", sample(1), sample(2))
    fetchmail("IMAP", keep=True)
    assert all("\\Seen" in one for one in flags(mail_server, source))
    assert fetchmail("IMAP", keep=True).code == NO_NEW_MAIL
    expect_count(mail_server, account, 2)
