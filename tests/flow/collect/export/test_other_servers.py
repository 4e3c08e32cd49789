"""An account that moves out: Dovecot reads the Maildir, and takes it over IMAP, once."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.flow.collect.export.export import Chosen
from pillarbox.flow.collect.export.to_imap import Target, to_imap
from pillarbox.flow.collect.progress import Progress
from pillarbox.imap.client.connection import ImapCaller, ImapConnection
from pillarbox.net.secret import Secret
from pillarbox.sasl.client_mechanism import Credentials
from support.certificate import write_certificate
from support.collect_sources import running_source
from support.exporting import ODD_OCTETS, STATES, export_alice, fill_oddly
from support.reference_dovecot import (
    MAIL_USER,
    DovecotSettings,
    add_user,
    missing_dovecot,
    running_dovecot,
)
from support.server import HOST, PASSWORD, free_ports
from support.store_box import Box, letter

pytestmark = pytest.mark.interop

LOGIN = "alice@example.org"


@contextlib.contextmanager
def reading(archive: Path) -> Iterator[imaplib.IMAP4]:
    """Dovecot over an unpacked Maildir, and a client of Python's."""
    with tempfile.TemporaryDirectory(prefix="export-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        add_user(folder / "dovecot", LOGIN, "{PLAIN}" + PASSWORD)
        home = folder / "dovecot/homes" / LOGIN
        home.mkdir(parents=True)
        subprocess.run(["unzip", "-q", str(archive), "-d", str(home)], check=True)
        subprocess.run(["chown", "-R", f"{MAIL_USER}:{MAIL_USER}", str(home)], check=True)
        ports = free_ports(5)
        settings = DovecotSettings(*ports, separator=".")
        with running_dovecot(folder / "dovecot", settings, write_certificate(folder)):
            client = imaplib.IMAP4(HOST, ports[0])
            client.login(LOGIN, PASSWORD)
            yield client
            client.logout()


async def test_dovecot_reads_the_maildir(box: Box, tmp_path: Path) -> None:
    if (why := missing_dovecot()) or not shutil.which("unzip"):
        pytest.skip(why or "unzip is not installed")
    await fill_oddly(box)
    target = tmp_path / "alice.zip"
    await export_alice(box, target, "maildir")
    with reading(target) as client:
        listed = b"\n".join(line for line in client.list()[1] if isinstance(line, bytes))
        for name in (b"Work.Plans_2026", b"Gr&APYA3w-e.&AMQ-pfel", b"Archive.2001.01", b"work~2"):
            assert name in listed
        assert client.select("Work.Plans_2026", readonly=True)[1] == [b"4"]
        _, found = client.uid(
            "FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        )
        text = b"\n".join(line[0] for line in found if isinstance(line, tuple)).decode()
        for date in ("09-Sep-2001", "14-Nov-2023", "02-Jan-1970", "18-May-2033"):
            assert date in text
        for flags in (
            r"\Answered \Flagged \Seen",
            r"\Deleted \Draft",
            "Zebra",
            "$Forwarded",
            "a.b",
        ):
            assert flags in text
        assert client.select("INBOX", readonly=True)[1] == [b"11"]
        _, found = client.uid("FETCH", "1:*", "(BODY.PEEK[])")
        bodies = {part[1] for part in found if isinstance(part, tuple)}
        assert ODD_OCTETS[0] in bodies
        assert client.lsub()[1] != [None]


@contextlib.asynccontextmanager
async def connected(box: Box, port: int, login: str):
    caller = ImapCaller(clock=box.clock)
    connection = await ImapConnection.open(caller, HOST, port)
    await connection.authenticate(Credentials(login, Secret(PASSWORD)), in_the_clear=True)
    yield connection
    await connection.logout()


@pytest.mark.parametrize("server", ["dovecot", "courier", "cyrus", "pillarbox"])
async def test_an_account_is_copied_to_a_server_once(box: Box, server: str) -> None:
    from support.collect_sources import missing_source

    if why := missing_source(server):
        pytest.skip(why)
    work = await box.create("Work")
    deep = await box.create('Work/Größe & "more"')
    for number, (flags, keywords, received_at) in enumerate(STATES):
        for mailbox in (work, deep, box.inbox):
            raw = letter(f"Letter {number}", Message_ID=f"<{number}.{mailbox.id}@example.org>")
            await box.append(
                raw, mailbox.id, flags=int(flags), keywords=keywords, received_at=received_at
            )
    await box.append(letter("Twice"))
    await box.append(letter("Twice"))
    await box.append(letter("Long", "x" * 70 + "\r\n" + "y" * 300_000))
    with running_source(server) as there:
        login = there.take()
        for expected in ((15, 0), (0, 15)):
            async with connected(box, there.imap, login) as connection:
                progress = await to_imap(box.store, box.alice, Target(connection))
            assert [note.why for note in progress.troubles] == []
            assert (progress.brought, progress.already, progress.failed) == (*expected, 0)
        await box.append(letter("New"))
        async with connected(box, there.imap, login) as connection:
            progress = await to_imap(
                box.store, box.alice, Target(connection), chosen=Chosen(("INBOX",))
            )
        assert (progress.brought, progress.already) == (1, 7)
        client = await asyncio.to_thread(there.client, login)
        assert client.select("INBOX", readonly=True)[1] == [b"8"]
        _, found = client.uid("FETCH", "1:*", "(FLAGS INTERNALDATE RFC822.SIZE)")
        text = b"\n".join(line for line in found if isinstance(line, bytes)).decode()
        assert "14-Nov-2023" in text
        assert "9-Sep-2001" in text
        assert any(
            {"\\Seen", "\\Answered", "\\Flagged"} <= set(flags_of(line))
            for line in text.split("\n")
        )
        listed = b"\n".join(line for line in client.list()[1] if isinstance(line, bytes))
        assert b"Gr&APYA3w-e" in listed
        client.logout()


def flags_of(line: str) -> list[str]:
    return line.partition("FLAGS (")[2].partition(")")[0].split()


async def test_a_full_account_says_so(box: Box) -> None:
    """Against ourselves with a quota of three messages."""
    for number in range(6):
        await box.append(letter(f"Letter {number}"))
    with running_source("pillarbox") as there:
        login = there.take()
        async with connected(box, there.imap, login) as connection:
            refusing = Refusing(connection, after=3)
            progress = Progress()
            await to_imap(box.store, box.alice, Target(refusing), progress=progress)  # type: ignore[arg-type]
        assert progress.brought == 3
        assert progress.why.startswith("The other account is full: 3 messages are not there yet.")


class Refusing:
    """A connection whose server has room for so many messages."""

    def __init__(self, connection: ImapConnection, after: int) -> None:
        self._connection = connection
        self._left = after
        self.capabilities = connection.capabilities - {"MULTIAPPEND"}

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    async def append(self, name: bytes, outgoing: list) -> object:
        from pillarbox.imap.client.failure import refusal
        from pillarbox.imap.client.responses import Condition, ResponseCode

        if not self._left:
            condition = Condition(kind="NO", tag=b"x", code=ResponseCode("OVERQUOTA"), text="Full")
            raise refusal("append", condition)
        self._left -= 1
        return await self._connection.append(name, outgoing)
