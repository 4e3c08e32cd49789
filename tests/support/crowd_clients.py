"""Mail programs that act at random on one account, each in a thread of its own."""

from __future__ import annotations

import imaplib
import itertools
import random
import re
import threading
import time
from collections.abc import Callable

from support.web_site import Person, Site

MAILBOXES = ("INBOX", "Archive", "Trash", "Junk")
_EMAIL_ID = re.compile(rb"EMAILID \(([^)]+)\)")
_numbers = itertools.count()

Row = tuple[str, bool, bool]  # id, unread, starred


def letter(to: str) -> bytes:
    """A new one, like no other."""
    n = next(_numbers)
    head = f"From: Carol <carol@example.net>\r\nTo: {to}\r\nSubject: Crowd {n}\r\n"
    return f"{head}Message-ID: <crowd-{n}@example.net>\r\n\r\nLetter {n}\r\n".encode()


class Program(threading.Thread):
    """Does one thing after the other, with pauses, until it is told to end."""

    def __init__(self, site: Site, person: Person, seed: int) -> None:
        super().__init__(daemon=True)
        self.site = site
        self.person = person
        self.chance = random.Random(seed)
        self.failures: list[str] = []
        self.acts = 0
        self._end = threading.Event()

    def end(self) -> None:
        """Waits until it has."""
        self._end.set()
        self.join(60)

    def run(self) -> None:
        """The thread."""
        while not self._end.wait(self.chance.uniform(0.2, 1.2)):
            try:
                self.act()
                self.acts += 1
            except Exception as error:
                self.failures.append(f"{type(self).__name__}: {error!r}")

    def act(self) -> None:
        """One thing."""
        raise NotImplementedError


class ImapProgram(Program):
    """Reads, flags, moves, copies, deletes, appends; it stays signed in."""

    def run(self) -> None:
        """Within one session."""
        with self.site.imap(self.person) as client:
            self.client = client
            super().run()

    def act(self) -> None:
        """In a mailbox by chance."""
        client = self.client
        client.select(self.chance.choice(MAILBOXES))
        uids = client.uid("SEARCH", "ALL")[1][0].split()
        if not uids:
            return
        some = b",".join(self.chance.sample(uids, min(len(uids), self.chance.choice((1, 1, 3)))))
        acts: list[Callable[[str], object]] = [
            *[self._seen] * 4,
            *[self._flagged] * 4,
            *[self._move] * 3,
            self._expunge,
            self._append,
            lambda _uids: client.noop(),
        ]
        self.chance.choice(acts)(some.decode())

    def _told(self, answer: tuple[str, object]) -> None:
        # Others expunge while it chooses (RFC 2180 §4.1.2).
        assert answer[0] == "OK" or b"EXPUNGEISSUED" in repr(answer).encode(), answer

    def _seen(self, uids: str) -> None:
        self._told(self.client.uid("STORE", uids, self.chance.choice("+-") + "FLAGS", r"(\Seen)"))

    def _flagged(self, uids: str) -> None:
        sign = self.chance.choice("+-")
        self._told(self.client.uid("STORE", uids, sign + "FLAGS.SILENT", r"(\Flagged)"))

    def _move(self, uids: str) -> None:
        self._told(self.client.uid("MOVE", uids, self.chance.choice(MAILBOXES)))

    def _expunge(self, uids: str) -> None:
        self._told(self.client.uid("STORE", uids, "+FLAGS", r"(\Deleted)"))
        self._told(self.client.expunge())

    def _append(self, _uids: str) -> None:
        octets = letter(self.person.login)
        self._told(self.client.append(self.chance.choice(MAILBOXES), None, None, octets))


class Pop3Program(Program):
    """Fetches its mail and deletes some of it."""

    def act(self) -> None:
        """One session."""
        with self.site.pop3(self.person) as client:
            count = client.stat()[0]
            for _ in range(min(count, self.chance.randrange(3))):
                client.retr(self.chance.randint(1, count))
            if count and self.chance.random() < 0.5:
                client.dele(self.chance.randint(1, count))


class Sender(Program):
    """Mail comes from elsewhere."""

    def act(self) -> None:
        """One letter."""
        self.site.send(self.person, letter(self.person.login))


def imap_view(site: Site, person: Person) -> dict[str, list[Row]]:
    """Every mailbox as IMAP shows it, after what is marked as deleted was expunged."""
    view = {}
    with site.imap(person) as client:
        names = [line.decode().rpartition(' "/" ')[2].strip('"') for line in client.list()[1]]
        for name in names:
            client.select(f'"{name}"')
            client.expunge()
            lines = client.fetch("1:*", "(EMAILID FLAGS)")[1] if _exists(client) else []
            view[name] = sorted(_row(line) for line in lines)
    return view


def _exists(client: imaplib.IMAP4_SSL) -> bool:
    return bool(client.search(None, "ALL")[1][0])


def _row(line: bytes) -> Row:
    found = _EMAIL_ID.search(line)
    assert found is not None, line
    flags = imaplib.ParseFlags(line)
    return found[1].decode(), rb"\Seen" not in flags, rb"\Flagged" in flags


def pop3_view(site: Site, person: Person) -> list[str]:
    """The Message-IDs of what POP3 offers."""
    with site.pop3(person) as client:
        return sorted(
            _message_id(b"\n".join(client.top(n, 0)[1])) for n in range(1, client.stat()[0] + 1)
        )


def imap_message_ids(site: Site, person: Person, mailbox: str = "INBOX") -> list[str]:
    """The same, of what IMAP shows."""
    with site.imap(person) as client:
        client.select(mailbox, readonly=True)
        if not _exists(client):
            return []
        answer = client.fetch("1:*", "(BODY.PEEK[HEADER])")[1]
        return sorted(_message_id(one[1]) for one in answer if isinstance(one, tuple))


def _message_id(head: bytes) -> str:
    found = re.search(rb"(?im)^Message-ID: *(\S+)", head)
    return found[1].decode() if found else head.decode(errors="replace")


def settle(programs: list[Program]) -> list[str]:
    """End them all; what went wrong."""
    for one in programs:
        one.end()
    time.sleep(0.2)
    return [failure for one in programs for failure in one.failures]
