"""Names of folders as names of files that every system can unpack. Pure."""

from __future__ import annotations

import re
import unicodedata

_UNSAFE = re.compile(r'[<>:"/\\|?*%\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.IGNORECASE)
_LONGEST = 80  # octets of a level: whole paths stay short enough for Windows


class SafeNames:
    """Gives each path a name of its own; those that differ in case alone are told apart, too."""

    def __init__(self, separator: str, forbidden: str = "") -> None:
        """`forbidden`: further characters that a level cannot have."""
        self._separator = separator
        self._forbidden = forbidden
        self._taken: set[str] = set()
        self._levels: dict[str, str] = {}  # a true path → its name

    def name_of(self, path: str) -> str:
        """The name of a path, below the name of its parent."""
        known = self._levels.get(path)
        if known is not None:
            return known
        above, _, last = path.rpartition("/")
        front = self.name_of(above) + self._separator if above else ""
        level = safe_level(last, self._forbidden)
        name, number = front + level, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{front}{level}~{number}"
        self._taken.add(name.casefold())
        self._levels[path] = name
        return name


def safe_level(level: str, forbidden: str = "") -> str:
    """One level that Windows, macOS and Unix take."""
    level = _UNSAFE.sub("_", unicodedata.normalize("NFC", level))
    level = "".join("_" if char in forbidden else char for char in level)
    level = level.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore").strip()
    if level.endswith(".") or not level:
        level = level.rstrip(". ") + "_"
    if level.startswith(".") or _RESERVED.match(level):
        level = "_" + level
    return level
