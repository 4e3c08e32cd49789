"""Which mailbox names are taken."""

from __future__ import annotations

import unicodedata

from pillarbox.config.store import StoreSettings
from pillarbox.errors import BadName
from pillarbox.store.model import DELIMITER

INBOX = "INBOX"


def normal_path(path: str) -> str:
    """NFC, and INBOX in capitals whatever its case (RFC 9051 §5.1)."""
    if not path.isascii():
        path = unicodedata.normalize("NFC", path)
    first = path[:5]
    if first != INBOX and first.upper() == INBOX and path[5:6] in ("", DELIMITER):
        return INBOX + path[5:]
    return path


def check_path(path: str, settings: StoreSettings) -> str:
    """The normal form of a path that may be created or subscribed; raises BadName."""
    path = normal_path(path)
    levels = path.split(DELIMITER)
    if len(levels) > settings.max_mailbox_depth:
        raise BadName(f"A mailbox may lie {settings.max_mailbox_depth} levels deep at most.")
    for level in levels:
        _check_level(level, settings)
    return path


def _check_level(level: str, settings: StoreSettings) -> None:
    if not level:
        raise BadName("A level of a mailbox name is empty.")
    try:
        octets = len(level.encode())
    except UnicodeEncodeError as error:
        raise BadName("The mailbox name is not valid Unicode.") from error
    if octets > settings.max_mailbox_name_octets:
        raise BadName(
            f"A level of a mailbox name has {settings.max_mailbox_name_octets} octets at most."
        )
    # U+2028 and U+2029 would break lines (RFC 5198 §2, RFC 9051 §5.1).
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp", "Cn") for char in level):
        raise BadName("A mailbox name cannot hold control characters.")
