"""QRESYNC: one command brings a returning client up to date (RFC 7162 §3.2).

VANISHED instead of EXPUNGE is in `untagged`; what SELECT tells is in `resync`.
"""

from __future__ import annotations

from pillarbox.imap.server.command import Extension
from pillarbox.imap.server.resync import QResync
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import SequenceSet


def _parse_qresync(reader: Reader) -> QResync:
    """`(uidvalidity modseq [known-uids] [(seq-set uid-set)])` (RFC 7162 §3.2.5)."""
    reader.space()
    reader.expect(b"(")
    uid_validity = reader.nz_number()
    reader.space()
    modseq = reader.number64()  # 0 is no modseq; who sends it has seen none
    known: SequenceSet | None = None
    if reader.take(b" "):
        matched = reader.peek(b"(")
        if not matched:
            known = _known_set(reader)
            matched = reader.take(b" ")
        if matched:
            # It helps servers that forgot what they expunged to say less; ours is short anyway.
            reader.expect(b"(")
            _known_set(reader)
            reader.space()
            _known_set(reader)
            reader.expect(b")")
    reader.expect(b")")
    return QResync(uid_validity, modseq, known)


def _known_set(reader: Reader) -> SequenceSet:
    known = reader.sequence_set()
    if known.saved or known.has_star:
        raise BadSyntax("A set of known numbers has neither * nor $.")
    return known


def _parse_vanished(reader: Reader) -> bool:
    return True


EXTENSION = Extension(
    rfc=7162,
    capabilities=("QRESYNC",),
    enable=("QRESYNC",),
    select_params={"QRESYNC": _parse_qresync},
    fetch_modifiers={"VANISHED": _parse_vanished},
    response_codes=("CLOSED",),
)
