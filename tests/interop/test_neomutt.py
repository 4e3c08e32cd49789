"""neomutt: sending from the command line, and whole sessions typed on a pseudo-terminal."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest

from support.mailing import append, attached, contents, count, expect_count, flags, sample
from support.programs import Finished, program, run, run_in_terminal
from support.server import Account, MailServer

pytestmark = pytest.mark.interop

_CONFIG = """
set from = "{login}"
set realname = "Interop"
set use_envelope_from = yes
set folder = "{imap}"
set spoolfile = "{imap}INBOX"
set postponed = "{imap}Drafts"
set record = "{imap}Sent"
set smtp_url = "{smtp}"
set imap_user = "{login}"
set imap_pass = "{password}"
set smtp_user = "{login}"
set smtp_pass = "{password}"
# Left to itself, gsasl takes SCRAM-SHA-256-PLUS and then lacks the channel binding.
set smtp_authenticators = "plain"
set ssl_ca_certificates_file = "{certificate}"
set certificate_file = "{certificate}"
set ssl_verify_host = no
set ssl_force_tls = {force_tls}
set ssl_starttls = {force_tls}
set header_cache = ""
set mbox_type = mbox
set confirmappend = no
set confirmcreate = no
set delete = yes
set move = no
set mark_old = no
set wait_key = no
set imap_check_subscribed = no
set timeout = 5
set sleep_time = 0
set copy = yes
set sort = mailbox-order
set editor = true
set abort_unmodified = no
unset help
"""


class Neomutt:
    """neomutt with a configuration in a folder."""

    def __init__(self, server: MailServer, account: Account, folder: Path, *, tls: bool) -> None:
        self._path = program("neomutt")
        self._folder = folder
        user = account.login.replace("@", "%40")
        ports = server.ports
        self._config = folder / "neomuttrc"
        imap = f"imaps://{user}@{server.tls_host}:{ports.imaps}/"
        smtp = f"smtps://{user}@{server.tls_host}:{ports.submissions}/"
        if not tls:
            imap = f"imap://{user}@{server.tls_host}:{ports.imap}/"
            smtp = f"smtp://{user}@{server.tls_host}:{ports.submission}/"
        self._config.write_text(
            _CONFIG.format(
                login=account.login,
                password=account.password,
                imap=imap,
                smtp=smtp,
                certificate=server.certificate,
                force_tls="no" if tls else "yes",
            )
        )

    def send(self, text: str, *people: str, subject: str, attach: Path | None = None) -> Finished:
        """Send from the command line; a copy goes to Sent."""
        command = [self._path, "-F", str(self._config), "-s", subject]
        command += ["-a", str(attach)] if attach else []
        return run(
            [*command, "--", *people],
            octets=text.encode(),
            env={"HOME": str(self._folder)},
            folder=self._folder,
        )

    def type(self, keys: str, *, box: str = "INBOX") -> Finished:
        """Open a mailbox and press keys, in neomutt's names; `keys` must end the program."""
        return run_in_terminal(
            [self._path, "-F", self._config, "-f", f"={box}", "-e", f'push "{keys}"'],
            env={"HOME": str(self._folder)},
            folder=self._folder,
            seconds=60,
        )


@pytest.fixture(params=["implicit", "starttls"])
def neomutt(
    request: pytest.FixtureRequest, mail_server: MailServer, account: Account, tmp_path: Path
) -> Neomutt:
    return Neomutt(mail_server, account, tmp_path, tls=request.param == "implicit")


def test_send_with_attachment(
    neomutt: Neomutt, mail_server: MailServer, account: Account, tmp_path: Path
) -> None:
    file = tmp_path / "table.bin"
    file.write_bytes(bytes(range(256)))
    neomutt.send("Schöne Grüße\n", account.address, subject="von neomutt", attach=file)
    expect_count(mail_server, account, 1)
    (kept,) = contents(mail_server, account)
    assert b"Subject: von neomutt" in kept
    assert b'filename="table.bin"' in kept


def test_compose_keeps_a_copy_in_sent(
    neomutt: Neomutt, mail_server: MailServer, account: Account
) -> None:
    neomutt.type(f"<mail>{account.address}<enter>a typed subject<enter><send-message><exit>")
    expect_count(mail_server, account, 1)
    expect_count(mail_server, account, 1, "Sent")
    assert b"Subject: a typed subject" in contents(mail_server, account, "Sent")[0]
    assert flags(mail_server, account, "Sent") == [{"\\Seen"}]


def test_read_flag_copy_delete(neomutt: Neomutt, mail_server: MailServer, account: Account) -> None:
    second = attached("second")
    append(mail_server, account, "INBOX", sample(1), second, sample(3))
    neomutt.type(
        "<first-entry><display-message><exit>"
        "<jump>2<enter><flag-message>"
        "<jump>2<enter><copy-message>=Kept<enter>"
        "<jump>3<enter><delete-message>"
        "<sync-mailbox><exit>"
    )
    assert count(mail_server, account) == 2
    here = flags(mail_server, account)
    assert "\\Seen" in here[0]
    assert "\\Flagged" in here[1]
    assert contents(mail_server, account, "Kept") == [second]


def test_search_and_save_to_a_file(
    neomutt: Neomutt, mail_server: MailServer, account: Account, tmp_path: Path
) -> None:
    for number in range(4):
        append(mail_server, account, "INBOX", sample(number, f"box {number % 2}"))
    file = tmp_path / "saved.mbox"
    neomutt.type(f"<tag-pattern>=s box\\\\ 1<enter><tag-prefix><copy-message>{file}<enter><exit>")
    saved = mailbox.mbox(file)
    assert [message["Subject"] for message in saved] == ["box 1", "box 1"]
    assert count(mail_server, account) == 4


def test_move_to_another_mailbox(
    neomutt: Neomutt, mail_server: MailServer, account: Account
) -> None:
    append(mail_server, account, "INBOX", sample(1), sample(2))
    neomutt.type("<first-entry><save-message>=Trash<enter><sync-mailbox><exit>")
    assert count(mail_server, account) == 1
    assert contents(mail_server, account, "Trash") == [sample(1)]
