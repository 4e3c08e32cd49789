"""Labels and names of files become keywords and paths that the store takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from pillarbox.imap.wire import modified_utf7
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.store.model import FLAGS_BY_FOLDED_NAME, Role

_LONGEST_KEYWORD = 100
_NO_ATOM = re.compile(r'[\x00-\x20\x7f(){%*"\\\]]')
_ROLES = {
    "inbox": Role.INBOX,
    "drafts": Role.DRAFTS,
    "sent": Role.SENT,
    "sent items": Role.SENT,
    "sent messages": Role.SENT,
    "trash": Role.TRASH,
    "deleted items": Role.TRASH,
    "deleted messages": Role.TRASH,
    "junk": Role.JUNK,
    "junk e-mail": Role.JUNK,
    "spam": Role.JUNK,
    "archive": Role.ARCHIVE,
    "archives": Role.ARCHIVE,
}


def as_keywords(words: Iterable[str]) -> tuple[int, str]:
    """Flag bits of the words that have one, and the others as keywords, sorted."""
    flags = 0
    keywords: dict[str, str] = {}
    for word in words:
        known = FLAGS_BY_FOLDED_NAME.get(word.lower())
        if known is not None:
            flags |= known
        elif made := as_keyword(word):
            keywords.setdefault(made.lower(), made)
    return flags, " ".join(sorted(keywords.values()))


def as_keyword(label: str) -> str:
    """A label as an IMAP keyword: an atom (RFC 9051 §9), letters of the world in modified UTF-7."""
    encoded = label.strip()
    if not encoded.isascii():
        encoded = modified_utf7.encode(encoded).decode("ascii")
    return _NO_ATOM.sub("_", encoded)[:_LONGEST_KEYWORD].lstrip("\\")


def readable(name: str) -> str:
    """A file's name as Unicode: UTF-8, else what Latin-1 makes of it, without controls."""
    try:
        name.encode()
    except UnicodeEncodeError:  # octets that are no UTF-8, as the system hands them out
        name = name.encode("utf-8", "surrogateescape").decode("latin-1")
    text = unicodedata.normalize("NFC", name)
    return "".join("_" if unicodedata.category(char)[0] == "C" else char for char in text)


def from_modified_utf7(name: str) -> str:
    """A Maildir folder's name: in modified UTF-7 where it can be, else in UTF-8."""
    if name.isascii() and "&" in name:
        try:
            return readable(modified_utf7.decode(name.encode("ascii")))
        except BadSyntax:
            return name
    return readable(name)


def path_of(levels: Iterable[str]) -> str:
    """Levels as a path; a level that is empty or has the delimiter in it is mended."""
    return "/".join(level.replace("/", "_").strip() or "_" for level in levels)


def role_of(path: str) -> Role | None:
    """The special use that a folder on the first level has by its name."""
    return _ROLES.get(path.lower())
