"""mbsync (isync): a two-way sync of a thousand messages, and its second run with nothing to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.maildir import files, maildir_flags, make_maildir, messages, put
from support.mailing import contents, count, flags, imap, sample
from support.programs import Finished, program, run
from support.server import Account, MailServer

pytestmark = pytest.mark.interop

HALF = 500

_CONFIG = """
IMAPAccount server
Host {host}
Port {port}
User {login}
Pass {password}
SSLType {tls}
CertificateFile {certificate}
{extra}

IMAPStore remote
Account server

MaildirStore local
Path {folder}/boxes/
Inbox {folder}/inbox
SubFolders Verbatim

Channel all
Far :remote:
Near :local:
Patterns * !Archive
Create Both
Expunge Both
SyncState {folder}/state/
"""


class Mbsync:
    """mbsync with its Maildirs below one folder."""

    def __init__(self, server: MailServer, account: Account, folder: Path, tls: str) -> None:
        self._path = program("mbsync")
        self.inbox = make_maildir(folder / "inbox")
        self.boxes = folder / "boxes"
        self.boxes.mkdir()
        (folder / "state").mkdir()
        self._config = folder / "mbsyncrc"
        self._config.write_text(
            _CONFIG.format(
                host=server.tls_host,
                port=server.ports.imaps if tls == "IMAPS" else server.ports.imap,
                login=account.login,
                password=account.password,
                tls=tls,
                certificate=server.certificate,
                extra="AuthMechs LOGIN" if tls == "None" else "",
                folder=folder,
            )
        )

    def __call__(self, *options: str) -> Finished:
        return run([self._path, "-V", "-c", self._config, *options, "all"], seconds=120)


@pytest.fixture
def mbsync(mail_server: MailServer, account: Account, tmp_path: Path) -> Mbsync:
    return Mbsync(mail_server, account, tmp_path, "IMAPS")


def test_a_thousand_both_ways(mbsync: Mbsync, mail_server: MailServer, account: Account) -> None:
    remote = [sample(number) for number in range(HALF)]
    local = [sample(HALF + number) for number in range(HALF)]
    with imap(mail_server, account) as client:
        for message in remote:
            assert client.append("INBOX", "", "", message)[0] == "OK"
    put(mbsync.inbox, local)

    mbsync()
    assert _subjects(contents(mail_server, account)) == _subjects(remote + local)
    assert _subjects(messages(mbsync.inbox)) == _subjects(remote + local)

    before = {path.name: path.stat().st_mtime_ns for path in files(mbsync.inbox)}
    _assert_nothing_done(mbsync)
    assert {path.name: path.stat().st_mtime_ns for path in files(mbsync.inbox)} == before
    assert count(mail_server, account) == 2 * HALF


def test_flags_and_deletions_travel(
    mbsync: Mbsync, mail_server: MailServer, account: Account
) -> None:
    with imap(mail_server, account) as client:
        for number in range(10):
            client.append("INBOX", "", "", sample(number))
        mbsync()
        here = files(mbsync.inbox)
        _mark(mbsync, here[0], "S")
        _mark(mbsync, here[1], "FRS")
        here[2].unlink()
        client.select()
        client.store("4", "+FLAGS", r"(\Answered)")
        client.store("5", "+FLAGS", r"(\Deleted)")
        client.expunge()
    mbsync()
    assert count(mail_server, account) == 8
    assert len(files(mbsync.inbox)) == 8
    there = flags(mail_server, account)
    assert sum("\\Seen" in one for one in there) == 2
    assert sum("\\Flagged" in one for one in there) == 1
    assert sum("\\Answered" in one for one in there) == 2
    assert sum("R" in maildir_flags(path) for path in files(mbsync.inbox)) == 2
    _assert_nothing_done(mbsync)


def test_mailboxes_are_made_on_both_sides(
    mbsync: Mbsync, mail_server: MailServer, account: Account
) -> None:
    with imap(mail_server, account) as client:
        client.create("There/Deeper")
        client.append("There/Deeper", "", "", sample(1))
    put(make_maildir(mbsync.boxes / "Here"), [sample(2)])
    mbsync()
    assert len(contents(mail_server, account, "Here")) == 1
    assert len(files(mbsync.boxes / "There" / "Deeper")) == 1
    _assert_nothing_done(mbsync)


@pytest.mark.parametrize("tls", ["STARTTLS", "None"])
def test_other_ways_to_connect(
    mail_server: MailServer, account: Account, tmp_path: Path, tls: str
) -> None:
    with imap(mail_server, account) as client:
        client.append("INBOX", "", "", sample(1))
    mbsync = Mbsync(mail_server, account, tmp_path, tls)
    mbsync()
    assert len(files(mbsync.inbox)) == 1


def _mark(mbsync: Mbsync, path: Path, letters: str) -> None:
    name = path.name.partition(":2,")[0]
    path.rename(mbsync.inbox / "cur" / f"{name}:2,{letters}")


def _assert_nothing_done(mbsync: Mbsync) -> None:
    """Of what mbsync sends on the second run, nothing fetches, adds, marks or removes."""
    sent = re.findall(r"(?m)^>>> \d+ (.*)$", mbsync("-Dn").text)
    assert any(command.startswith("SELECT") for command in sent), sent
    wrong = ("APPEND", "UID STORE", "EXPUNGE", "UID EXPUNGE", "CREATE", "UID COPY", "UID MOVE")
    assert not [command for command in sent if command.startswith(wrong) or "BODY" in command]


def _subjects(octets: list[bytes]) -> list[bytes]:
    return sorted(re.findall(rb"(?m)^Subject: (.*?)\r?$", b"\r\n".join(octets)))
