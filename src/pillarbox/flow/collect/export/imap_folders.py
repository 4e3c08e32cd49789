"""Where an account's mailboxes go on another IMAP server. Pure but for asking and making them."""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.imap.client.connection import ImapConnection
from pillarbox.imap.client.mailbox_names import encode_levels
from pillarbox.imap.client.mailboxes import MailboxEntry
from pillarbox.store.model import DELIMITER, Mailbox, Role

_USES = {
    Role.DRAFTS: "\\drafts",
    Role.SENT: "\\sent",
    Role.TRASH: "\\trash",
    Role.JUNK: "\\junk",
    Role.ARCHIVE: "\\archive",
}
_USUAL = " -_.+,'="  # that every server takes in a name


class TargetFolders:
    """Names there for paths here: special uses go to special uses, all else keeps its name."""

    def __init__(self, entries: Sequence[MailboxEntry], prefix: bytes, *, utf8: bool) -> None:
        """`prefix`: of the server's personal namespace, such as b"INBOX."."""
        self._utf8 = utf8
        self._prefix = prefix
        self.there = {entry.name: entry for entry in entries}
        self.delimiter = next((one.delimiter for one in entries if one.delimiter), "")
        self._by_use = {use: one.name for one in entries for use in one.attributes}
        self._given: dict[str, bytes] = {}
        self._taken: set[bytes] = set()

    def name_of(self, mailbox: Mailbox) -> bytes:
        """Ask for parents first."""
        path = mailbox.path
        name = self._given.get(path)
        if name is None:
            name = self._name(mailbox)
            self._given[path] = name
            self._taken.add(name.lower())
        return name

    def simpler(self, mailbox: Mailbox) -> bytes:
        """Another name, when the server refused the first: without signs that some forbid."""
        above, _, last = mailbox.path.rpartition(DELIMITER)
        plain = "".join(char if char.isalnum() or char in _USUAL else "_" for char in last)
        name = self._below(above, plain.strip(" .") or "_")
        number = 1
        while name.lower() in self._taken and name != self._given.get(mailbox.path):
            number += 1
            name = self._below(above, f"{plain}_{number}")
        self._given[mailbox.path] = name
        self._taken.add(name.lower())
        return name

    def _name(self, mailbox: Mailbox) -> bytes:
        if mailbox.path == "INBOX":
            return b"INBOX"
        use = _USES.get(mailbox.role) if mailbox.role else None
        if use in self._by_use and self._by_use[use].lower() not in self._taken:
            return self._by_use[use]
        above, _, last = mailbox.path.rpartition(DELIMITER)
        number = 1
        while True:
            level = last if number == 1 else f"{last}~{number}"
            name = self._below(above, level)
            # Servers that fold case would put two of ours into one.
            if name.lower() not in self._taken:
                return name
            number += 1

    def _below(self, above: str, level: str) -> bytes:
        parent = self._given.get(above)
        encoded = encode_levels([level], self.delimiter, utf8=self._utf8)
        if above and parent is not None and self.delimiter:
            return parent + self.delimiter.encode() + encoded
        if above:  # the server knows no levels, or the parent was not chosen
            levels = [*above.split(DELIMITER), level]
            joined = encode_levels(levels, self.delimiter or "_", utf8=self._utf8)
            return self._prefix + joined
        return self._prefix + encoded


async def target_folders(connection: ImapConnection) -> TargetFolders:
    """Ask the server. Raises ImapFailure."""
    entries = await connection.list()
    spaces = await connection.namespace()
    prefix = spaces.personal[0].prefix if spaces and spaces.personal else b""
    return TargetFolders(entries, prefix, utf8=connection.names_are_utf8)
