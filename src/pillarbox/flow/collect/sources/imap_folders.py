"""The mailboxes of a server as the folders of a source: paths, and special uses. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.flow.collect.source import RemoteFolder
from pillarbox.imap.client.mailboxes import MailboxEntry
from pillarbox.imap.client.responses import NamespaceEntry, Namespaces
from pillarbox.store.model import DELIMITER, Role

_INSTEAD = "_"  # for our delimiter inside a level

# RFC 6154 §2, RFC 8457 §3, and what XLIST had before them.
_ROLES = {
    "\\inbox": Role.INBOX,
    "\\drafts": Role.DRAFTS,
    "\\sent": Role.SENT,
    "\\trash": Role.TRASH,
    "\\junk": Role.JUNK,
    "\\spam": Role.JUNK,
    "\\archive": Role.ARCHIVE,
    "\\all": Role.ALL,
    "\\allmail": Role.ALL,
    "\\flagged": Role.FLAGGED,
    "\\starred": Role.FLAGGED,
    "\\important": Role.IMPORTANT,
}

# Names that mail programs give, for servers that know no special uses.
_NAMES = {
    Role.DRAFTS: ("drafts", "draft", "entwürfe", "brouillons", "borradores", "bozze", "concepten"),
    Role.SENT: (
        "sent", "sent items", "sent messages", "sent mail", "sent-mail", "gesendet",
        "gesendete objekte", "gesendete elemente", "envoyés", "messages envoyés", "enviados",
        "elementos enviados", "posta inviata", "verzonden items",
    ),
    Role.TRASH: (
        "trash", "deleted items", "deleted messages", "bin", "papierkorb", "gelöscht",
        "gelöschte objekte", "gelöschte elemente", "corbeille", "papelera", "cestino",
        "prullenbak",
    ),
    Role.JUNK: (
        "junk", "spam", "junk e-mail", "junk email", "junk mail", "bulk mail", "spamverdacht",
        "unerwünscht", "courrier indésirable", "correo no deseado", "posta indesiderata",
    ),
    Role.ARCHIVE: ("archive", "archives", "archiv", "archivio", "archivo", "archief"),
}  # fmt: skip
_BY_NAME = {name: role for role, names in _NAMES.items() for name in names}


def plan_remote_folders(
    entries: Sequence[MailboxEntry], namespaces: Namespaces | None
) -> list[RemoteFolder]:
    """Our own folders, parents first; what other people share is theirs."""
    foreign = _foreign_prefixes(namespaces)
    own = [entry for entry in entries if not entry.name.startswith(foreign)]
    ordered = sorted(own, key=lambda entry: len(entry.levels))
    roles = _told_roles(ordered) or _guessed_roles(ordered)
    taken: set[Role] = set()
    folders = []
    for entry in ordered:
        role = Role.INBOX if entry.levels == ("INBOX",) else roles.get(entry.name)
        if role in taken:
            role = None
        if role is not None:
            taken.add(role)
        folders.append(_folder(entry, role))
    return folders


def folder_key(name: bytes) -> str:
    """A mailbox's name as a key; `folder_name` gives it back."""
    return name.decode("utf-8", "surrogateescape")


def folder_name(key: str) -> bytes:
    """The name as the server wrote it."""
    return key.encode("utf-8", "surrogateescape")


def _folder(entry: MailboxEntry, role: Role | None) -> RemoteFolder:
    return RemoteFolder(
        key=folder_key(entry.name),
        path=DELIMITER.join(level.replace(DELIMITER, _INSTEAD) for level in entry.levels),
        role=role,
        subscribed=entry.subscribed,
        selectable=entry.selectable,
        messages=entry.status.get("MESSAGES"),
    )


def _foreign_prefixes(namespaces: Namespaces | None) -> tuple[bytes, ...]:
    """Of other people's and shared folders (RFC 2342 §5), where these are apart from our own."""
    if namespaces is None:
        return ()
    own = {entry.prefix for entry in namespaces.personal}
    found: list[NamespaceEntry] = [*namespaces.others, *namespaces.shared]
    return tuple(entry.prefix for entry in found if entry.prefix and entry.prefix not in own)


def _told_roles(entries: Sequence[MailboxEntry]) -> dict[bytes, Role]:
    found = {}
    for entry in entries:
        for attribute, role in _ROLES.items():
            if attribute in entry.attributes:
                found[entry.name] = role
                break
    return {} if set(found.values()) <= {Role.INBOX} else found


def _guessed_roles(entries: Sequence[MailboxEntry]) -> dict[bytes, Role]:
    """By name, for folders beside or right below the inbox."""
    found = {}
    for entry in entries:
        levels = entry.levels[1:] if entry.levels[0] == "INBOX" else entry.levels
        role = _BY_NAME.get(levels[0].lower()) if len(levels) == 1 else None
        if role is not None and entry.selectable:
            found[entry.name] = role
    return found
