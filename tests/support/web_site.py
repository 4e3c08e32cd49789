"""A server for browser tests, its people, and the other programs that read their mail."""

from __future__ import annotations

import contextlib
import hashlib
import imaplib
import itertools
import poplib
import shutil
import smtplib
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pillarbox.node.administration import Opened
from pillarbox.testing import RunningServer
from support import web_mail

ALICE = "alice@example.org"
PASSWORD = "nineteen-harbour-lamps"
FEW = 60  # messages of an account that a test gets unless it asks for more
_SOURCES = Path(__file__).parents[2] / "src" / "pillarbox"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in at every door."""

    login: str
    password: str = field(default=PASSWORD, repr=False)


class Site:
    """A running server as a browser and mail programs see it."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.alice = Person(ALICE)
        self._numbers = itertools.count()

    @property
    def url(self) -> str:
        """Where a browser goes; without TLS, and without a slash in the end."""
        return f"http://localhost:{self.server.web}"

    @property
    def tls_url(self) -> str:
        """The same with a certificate that nobody signed."""
        return f"https://localhost:{self.server.https}"

    def new_person(self, messages: int = FEW) -> Person:
        """With an account of their own, so that no test sees another's mail."""
        person = Person(f"person{next(self._numbers)}@example.org")
        self.server.add_account(person.login, person.password)
        if messages:
            self.fill(person, messages)
        return person

    def fill(self, person: Person, messages: int, mailbox: str = "INBOX") -> None:
        """More mail, written into the store by this process."""
        login = person.login
        self.server.administer(lambda opened: web_mail.fill(opened.store, login, messages, mailbox))

    def send(self, person: Person, octets: bytes, sender: str = "carol@example.net") -> None:
        """Mail from elsewhere, by SMTP."""
        with smtplib.SMTP("localhost", self.server.smtp, timeout=60) as client:
            client.sendmail(sender, [person.login], octets)

    @contextlib.contextmanager
    def imap(self, person: Person) -> Iterator[imaplib.IMAP4_SSL]:
        """Signed in."""
        client = imaplib.IMAP4_SSL("localhost", self.server.imaps, ssl_context=self.trust())
        client.login(person.login, person.password)
        try:
            yield client
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.logout()

    @contextlib.contextmanager
    def pop3(self, person: Person) -> Iterator[poplib.POP3_SSL]:
        """Signed in; deletions count at the end of the block."""
        client = poplib.POP3_SSL("localhost", self.server.pop3s, timeout=60, context=self.trust())
        client.user(person.login)
        client.pass_(person.password)
        try:
            yield client
        finally:
            client.quit()

    @contextlib.contextmanager
    def submission(self, person: Person) -> Iterator[smtplib.SMTP_SSL]:
        """Signed in, for sending as a mail program does."""
        with smtplib.SMTP_SSL(
            "localhost", self.server.submissions, timeout=20, context=self.trust()
        ) as client:
            client.login(person.login, person.password)
            yield client

    def trust(self) -> ssl.SSLContext:
        """Exactly the server's certificate."""
        return ssl.create_default_context(cafile=str(self.server.certificate))


@contextlib.contextmanager
def running_site(
    folder: Path,
    *,
    data: Path | None = None,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    workers: int = 1,
) -> Iterator[Site]:
    """Over a copy of `data`, where alice has her mail; without it alice's mailbox is empty."""
    # What waits in the queue for people here is delivered, what is for elsewhere becomes a file.
    sending = {"outbound": {"transport": "directory"}}
    server = RunningServer(folder, workers=workers, settings={**sending, **(settings or {})})
    if data is not None:
        shutil.copytree(data, server.data_dir)
        server.accounts[ALICE] = PASSWORD
    else:
        server.add_account(ALICE, PASSWORD)
    try:
        server.start()
        yield Site(server)
    finally:
        if server.is_running:
            server.stop()


def ready_mail(kept: Path, messages: int) -> Path:
    """A store in which alice's inbox has so many messages, indexed; made once for each version."""
    place = kept / f"{messages}-{_version()}"
    if not place.exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept, prefix="making-") as made:
            data = _make(Path(made), messages)
            with contextlib.suppress(OSError):  # somebody else was faster
                data.rename(place)
    return place


def _make(folder: Path, messages: int) -> Path:
    """Nothing is indexed meanwhile, so that it goes fast."""
    server = RunningServer(folder, settings={"store": {"index_seconds": 3600.0}})
    server.add_account(ALICE, PASSWORD)

    async def work(opened: Opened) -> None:
        for mailbox in web_mail.FOLDERS:
            await web_mail.fill(opened.store, ALICE, FEW, mailbox, seed=len(mailbox))
        await web_mail.fill(opened.store, ALICE, messages)
        await opened.store.index_now()

    server.administer(work)
    return server.data_dir


def _version() -> str:
    """Of everything that decides how the store looks."""
    sources = [Path(web_mail.__file__)]
    for name in ("store", "message", "accounts"):
        sources += sorted((_SOURCES / name).rglob("*.py"))
    sources += sorted((_SOURCES / "store").rglob("*.sql"))
    summed = hashlib.sha256()
    for path in sources:
        summed.update(path.read_bytes())
    return summed.hexdigest()[:16]
