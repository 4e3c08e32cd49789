"""msmtp: submission with STARTTLS and implicit TLS, and LMTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.mailing import SENDER, body_of, contents, expect_count, sample
from support.programs import Finished, program, run
from support.server import Account, MailServer

pytestmark = pytest.mark.interop

BAD_LOGIN = 77  # EX_NOPERM of sysexits


class Msmtp:
    """msmtp with a configuration of the given lines."""

    def __init__(self, server: MailServer, account: Account, folder: Path) -> None:
        self._path = program("msmtp")
        self._server = server
        self._account = account
        self._folder = folder

    def send(
        self,
        message: bytes,
        *people: str,
        port: int,
        lines: tuple[str, ...],
        sender: str | None = None,
        codes: tuple[int, ...] = (0,),
    ) -> Finished:
        """Send by sendmail's usual interface."""
        config = self._folder / "msmtprc"
        start = ("account test", f"host {self._server.tls_host}", f"port {port}", "timeout 30")
        config.write_text("\n".join([*start, *lines]) + "\n")
        config.chmod(0o600)
        command = [self._path, "-d", "-C", config, "-a", "test"]
        return run(
            [*command, "-f", sender or self._account.address, "--", *people],
            octets=message.replace(b"\r\n", b"\n"),
            env={"HOME": str(self._folder)},
            codes=codes,
        )

    def tls(self, *, starttls: bool) -> tuple[str, ...]:
        """Trust in exactly the server's certificate."""
        trust = f"tls_trust_file {self._server.certificate}"
        return ("tls on", trust, f"tls_starttls {'on' if starttls else 'off'}")

    def auth(self, mechanism: str, password: str | None = None) -> tuple[str, ...]:
        """The account's name and password."""
        return (
            f"auth {mechanism}",
            f"user {self._account.login}",
            f"password {password or self._account.password}",
        )


@pytest.fixture
def msmtp(mail_server: MailServer, account: Account, tmp_path: Path) -> Msmtp:
    return Msmtp(mail_server, account, tmp_path)


@pytest.mark.parametrize("starttls", [True, False])
@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256"])
def test_submission(
    msmtp: Msmtp, mail_server: MailServer, account: Account, mechanism: str, starttls: bool
) -> None:
    ports = mail_server.ports
    message = sample(1, sender=account.address)
    msmtp.send(
        message,
        account.address,
        port=ports.submission if starttls else ports.submissions,
        lines=(*msmtp.tls(starttls=starttls), *msmtp.auth(mechanism)),
    )
    expect_count(mail_server, account, 1)
    assert body_of(contents(mail_server, account)[0]) == body_of(message)


def test_wrong_password(msmtp: Msmtp, mail_server: MailServer, account: Account) -> None:
    lines = (*msmtp.tls(starttls=True), *msmtp.auth("plain", "wrong"))
    port = mail_server.ports.submission
    msmtp.send(sample(1), account.address, port=port, lines=lines, codes=(BAD_LOGIN,))


def test_port_25_to_several(msmtp: Msmtp, mail_server: MailServer, account: Account) -> None:
    other = mail_server.new_account()
    people = (account.address, other.address)
    port = mail_server.ports.smtp
    msmtp.send(sample(2), *people, port=port, lines=("tls off", "auth off"), sender=SENDER)
    for person in (account, other):
        expect_count(mail_server, person, 1)


def test_lmtp(msmtp: Msmtp, mail_server: MailServer, account: Account) -> None:
    other = mail_server.new_account()
    people = (account.address, other.address)
    lines = ("protocol lmtp", "tls off", "auth off")
    msmtp.send(sample(3), *people, port=mail_server.ports.lmtp, lines=lines, sender=SENDER)
    for person in (account, other):
        expect_count(mail_server, person, 1)
