"""A folder's name elsewhere becomes one that a mailbox can have here. Pure."""

from __future__ import annotations

import hashlib
import unicodedata

from pillarbox.config.store import StoreSettings
from pillarbox.store.model import DELIMITER
from pillarbox.store.sql.names import normal_path

# What `store.sql.names` refuses: controls, surrogates, line and paragraph ends, and what Unicode
# has not defined yet (an emoji may be newer than our tables).
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp", "Cn"})
_INSTEAD = "_"
_MARK_OCTETS = 8  # of what tells names apart whose ends were cut


def fit_level(level: str, settings: StoreSettings) -> str:
    """One level: NFC, no white space around it, nothing that is refused, not too long."""
    clean = "".join(_INSTEAD if unicodedata.category(char) in _REFUSED else char for char in level)
    clean = unicodedata.normalize("NFC", clean).strip().replace(DELIMITER, _INSTEAD)
    return _shorten(clean or _INSTEAD, settings.max_mailbox_name_octets)


def _shorten(level: str, most: int) -> str:
    raw = level.encode()
    if len(raw) <= most:
        return level
    mark = hashlib.sha256(raw).hexdigest()[: _MARK_OCTETS - 1]
    return f"{raw[: most - _MARK_OCTETS].decode(errors='ignore')}~{mark}"


def fit_path(path: str, settings: StoreSettings) -> str:
    """A whole path; levels that lie too deep become one."""
    levels = [fit_level(level, settings) for level in path.split(DELIMITER)]
    deepest = settings.max_mailbox_depth
    if len(levels) > deepest:
        joined = fit_level(_INSTEAD.join(levels[deepest - 1 :]), settings)
        levels = [*levels[: deepest - 1], joined]
    return normal_path(DELIMITER.join(levels))


def make_free(path: str, taken: set[str], settings: StoreSettings) -> str:
    """The path, with a number behind it when another folder has it."""
    above, _, last = path.rpartition(DELIMITER)
    number = 1
    while path in taken:
        number += 1
        tail = f" ({number})"
        room = settings.max_mailbox_name_octets - len(tail.encode())
        path = f"{above}{DELIMITER}" * bool(above) + _shorten(last, room) + tail
    return path
