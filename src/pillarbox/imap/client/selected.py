"""The open mailbox as the server tells it (RFC 9051 §6.3.2, RFC 7162 §3.1.2, §3.2.5). Sans-IO."""

from __future__ import annotations

from pillarbox.imap.client.parser import parse_code_number
from pillarbox.imap.client.responses import (
    Condition,
    DefinedFlags,
    Exists,
    Expunged,
    Fetched,
    Ranges,
    Response,
    Vanished,
)

_MOST_VANISHED = 100_000  # answers that are kept; a server needs one or two


class Selected:
    """Filled while SELECT is answered, and kept up to date afterwards."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.for_writing = False  # it was SELECT, not EXAMINE
        self.read_only = False
        self.exists = 0
        self.uid_validity = 0
        self.uid_next = 0
        self.highest_modseq = 0  # 0: the server keeps none for it
        self.uids_stick = True  # False: UIDNOTSTICKY, the next time they are others
        self.flags: tuple[str, ...] = ()
        self.permanent_flags: tuple[str, ...] | None = None  # None: all of `flags`
        self.touched = False  # something changed since this was last made False
        self.fetched: list[Fetched] = []  # with QRESYNC: what changed
        self.vanished: list[Ranges] = []  # answers to QRESYNC and VANISHED: what is gone
        self.is_open = False  # SELECT was answered

    def may_set(self, flag: str) -> bool:
        """Whether the flag stays when it is set."""
        offered = self.flags if self.permanent_flags is None else self.permanent_flags
        folded = {name.lower() for name in offered}
        if flag.lower() in folded:
            return True
        return not flag.startswith("\\") and "\\*" in folded

    def note(self, response: Response) -> None:
        """Anything untagged."""
        if isinstance(response, Condition):
            self._note_code(response)
        elif isinstance(response, Exists):
            self.touched |= self.is_open and response.count != self.exists
            self.exists = response.count
        elif isinstance(response, Expunged):
            self.touched = True
            self.exists = max(self.exists - 1, 0)
        elif isinstance(response, Vanished):
            if not response.earlier:
                self.touched = True
                gone = sum(high - low + 1 for low, high in response.ranges)
                self.exists = max(self.exists - gone, 0)
            elif len(self.vanished) < _MOST_VANISHED:
                self.vanished.append(response.ranges)
        elif isinstance(response, DefinedFlags):
            self.flags = response.names

    def _note_code(self, condition: Condition) -> None:
        code = condition.code
        if code is None:
            return
        match code.name:
            case "UIDVALIDITY":
                self.uid_validity = parse_code_number(code)
            case "UIDNEXT":
                self.uid_next = parse_code_number(code)
            case "HIGHESTMODSEQ":
                self.highest_modseq = parse_code_number(code)
            case "NOMODSEQ":
                self.highest_modseq = 0
            case "UIDNOTSTICKY":
                self.uids_stick = False
            case "PERMANENTFLAGS":
                words = code.argument.strip(b"()").decode("ascii", "replace")
                self.permanent_flags = tuple(words.split())
            case "CLOSED":  # RFC 7162 §3.2.11: what was said before is about the former mailbox
                self.exists = 0
                self.vanished.clear()
            case "READ-ONLY":
                self.read_only = True
            case "READ-WRITE":
                self.read_only = False
