"""swaks: STARTTLS, every AUTH mechanism, pipelining, LMTP, and what must be refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.mailing import SENDER, body_of, contents, expect_count, sample
from support.programs import Finished, program, run
from support.server import Account, MailServer

pytestmark = pytest.mark.interop

REFUSED_AUTH, REFUSED_RCPT, NO_TLS = 28, 24, 29


def _swaks(server: MailServer, port: int, *options: str, codes: tuple[int, ...] = (0,)) -> Finished:
    place = ["--server", server.host, "--port", str(port), "--timeout", "30"]
    return run([program("swaks"), *place, "--ehlo", "client.example.net", *options], codes=codes)


def _file(folder: Path, message: bytes) -> str:
    path = folder / "message.eml"
    path.write_bytes(message.replace(b"\r\n", b"\n"))
    return f"@{path}"


def test_plain_delivery(mail_server: MailServer, account: Account, tmp_path: Path) -> None:
    message = sample(1)
    envelope = ["--from", SENDER, "--to", account.address, "--data", _file(tmp_path, message)]
    said = _swaks(mail_server, mail_server.ports.smtp, *envelope)
    assert "<~  250 " in said.text or "<-  250 " in said.text
    expect_count(mail_server, account, 1)
    assert body_of(contents(mail_server, account)[0]).rstrip() == body_of(message).rstrip()


def test_pipelining(mail_server: MailServer, account: Account) -> None:
    others = [mail_server.new_account() for _ in range(3)]
    people = ",".join(person.address for person in [account, *others])
    _swaks(mail_server, mail_server.ports.smtp, "--from", SENDER, "--to", people, "--pipeline")
    for person in [account, *others]:
        expect_count(mail_server, person, 1)


def test_starttls_on_port_25(mail_server: MailServer, account: Account) -> None:
    envelope = ["--from", SENDER, "--to", account.address]
    said = _swaks(mail_server, mail_server.ports.smtp, *envelope, "--tls", "--pipeline")
    assert "TLS started" in said.text
    expect_count(mail_server, account, 1)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("door", ["submission", "submissions"])
def test_auth(mail_server: MailServer, account: Account, door: str, mechanism: str) -> None:
    said = _swaks(
        mail_server,
        getattr(mail_server.ports, door),
        *("--from", account.address, "--to", account.address),
        "--tls-on-connect" if door == "submissions" else "--tls",
        *("--auth", mechanism, "--auth-user", account.login, "--auth-password", account.password),
    )
    assert "235 " in said.text
    expect_count(mail_server, account, 1)


def test_wrong_password(mail_server: MailServer, account: Account) -> None:
    said = _swaks(
        mail_server,
        mail_server.ports.submission,
        *("--from", account.address, "--to", account.address, "--tls"),
        *("--auth", "PLAIN", "--auth-user", account.login, "--auth-password", "wrong"),
        codes=(REFUSED_AUTH,),
    )
    assert "535 " in said.text


def test_no_relay(mail_server: MailServer) -> None:
    envelope = ["--from", SENDER, "--to", "someone@elsewhere.example"]
    _swaks(mail_server, mail_server.ports.smtp, *envelope, codes=(REFUSED_RCPT,))


def test_lmtp(mail_server: MailServer, account: Account) -> None:
    other = mail_server.new_account()
    people = f"{account.address},{other.address}"
    said = _swaks(
        mail_server, mail_server.ports.lmtp, "--protocol", "LMTP", "--from", SENDER, "--to", people
    )
    assert "LHLO" in said.text
    for person in (account, other):
        expect_count(mail_server, person, 1)


def test_attachment(mail_server: MailServer, account: Account, tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    file.write_bytes(bytes(range(256)) * 40)
    envelope = ["--from", SENDER, "--to", account.address]
    _swaks(mail_server, mail_server.ports.smtp, *envelope, "--attach", f"@{file}")
    expect_count(mail_server, account, 1)
    assert b"multipart/mixed" in contents(mail_server, account)[0]
