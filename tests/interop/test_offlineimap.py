"""offlineimap: two-way sync through Python's own IMAP library, twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.maildir import files, maildir_flags, make_maildir, put
from support.mailing import contents, count, flags, imap, sample
from support.programs import Finished, program, run
from support.server import Account, MailServer

pytestmark = pytest.mark.interop

_CONFIG = """
[general]
accounts = test
metadata = {folder}/metadata
ui = basic
socktimeout = 30

[Account test]
localrepository = here
remoterepository = there

[Repository here]
type = Maildir
localfolders = {folder}/mail
sync_deletes = yes

[Repository there]
type = IMAP
remotehost = {host}
remoteport = {port}
ssl = {ssl}
starttls = no
sslcacertfile = {certificate}
remoteuser = {login}
remotepass = {password}
"""


class OfflineImap:
    """offlineimap with its configuration and Maildirs below one folder."""

    def __init__(self, server: MailServer, account: Account, folder: Path, *, tls: bool) -> None:
        self._path = program("offlineimap")
        self._folder = folder
        self.inbox = folder / "mail" / "INBOX"
        self._config = folder / "offlineimaprc"
        self._config.write_text(
            _CONFIG.format(
                folder=folder,
                host=server.tls_host,
                port=server.ports.imaps if tls else server.ports.imap,
                ssl="yes" if tls else "no",
                certificate=server.certificate,
                login=account.login,
                password=account.password,
            )
        )

    def __call__(self) -> Finished:
        finished = run(
            [self._path, "-c", self._config, "-o"], env={"HOME": str(self._folder)}, seconds=120
        )
        assert "ERROR" not in finished.text, finished.text
        return finished


def test_two_way_sync(mail_server: MailServer, account: Account, tmp_path: Path) -> None:
    sync = OfflineImap(mail_server, account, tmp_path, tls=True)
    with imap(mail_server, account) as client:
        for number in range(40):
            client.append("INBOX", "", "", sample(number))
        client.create("Projects/Blue")
        client.append("Projects/Blue", "", "", sample(99))
    sync()
    assert len(files(sync.inbox)) == 40
    assert len(files(tmp_path / "mail" / "Projects.Blue")) == 1

    put(make_maildir(sync.inbox), [sample(100 + number) for number in range(10)])
    first = files(sync.inbox)[0]
    first.rename(sync.inbox / "cur" / (first.name.partition(":2,")[0] + ":2,FS"))
    files(sync.inbox)[1].unlink()
    sync()
    assert count(mail_server, account) == 49
    there = flags(mail_server, account)
    assert sum({"\\Flagged", "\\Seen"} <= one for one in there) == 1

    state = {path.name: path.stat().st_mtime_ns for path in files(sync.inbox)}
    said = sync().text
    assert "Copy message" not in said, said
    assert {path.name: path.stat().st_mtime_ns for path in files(sync.inbox)} == state
    assert count(mail_server, account) == 49


def test_changes_there_arrive_here(
    mail_server: MailServer, account: Account, tmp_path: Path
) -> None:
    sync = OfflineImap(mail_server, account, tmp_path, tls=False)
    with imap(mail_server, account) as client:
        for number in range(5):
            client.append("INBOX", "", "", sample(number))
        sync()
        client.select()
        client.store("2", "+FLAGS", r"(\Answered \Seen)")
        client.store("3", "+FLAGS", r"(\Deleted)")
        client.expunge()
    sync()
    here = files(sync.inbox)
    assert len(here) == 4
    assert sum(maildir_flags(path) >= {"R", "S"} for path in here) == 1
    assert len(contents(mail_server, account)) == 4
