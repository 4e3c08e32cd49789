"""`* n FETCH (…)` → Fetched, quickly: a folder has as many of them as messages. Sans-IO."""

from __future__ import annotations

import re

from pillarbox.imap.client.frames import ServerFrame
from pillarbox.imap.client.responses import Fetched, ServerLiteral, Value
from pillarbox.imap.client.tokens import BadResponse, Tokens, parse_date_time

# The items of nearly all responses, one group each; others go the long way.
_ITEM = re.compile(
    rb"UID ([0-9]{1,10})(?=[ )])|FLAGS \(([^()\"]*)\)|RFC822\.SIZE ([0-9]{1,19})(?=[ )])"
    rb'|INTERNALDATE "([^"]{1,60})"|MODSEQ \(([0-9]{1,20})\)'
    rb"|((?:BODY|BINARY)\[[^\]\r]*\](?:<[0-9]+>)? *|RFC822 +)",
    re.IGNORECASE,
)
_UID, _FLAGS, _SIZE, _DATE, _MODSEQ, _BODY = range(1, 7)


def parse_fetched(seqnum: int, frame: ServerFrame, at: int) -> Fetched:
    """`at`: where the parenthesis should open. Raises BadResponse."""
    tokens = Tokens(frame, at)
    tokens.expect(b"(")
    tokens.spaces()
    uid = modseq = 0
    size = flags = received_at = None
    has_body = False
    body: ServerLiteral | bytes | None = None
    others: list[tuple[str, Value]] = []
    while not tokens.take(b")"):
        found = _ITEM.match(tokens.line, tokens.at)
        if found is None:
            others.extend(_other(tokens))
        else:
            tokens.at = found.end()
            match found.lastindex:
                case 1:
                    uid = int(found[_UID])
                case 2:
                    flags = found[_FLAGS]
                case 3:
                    size = int(found[_SIZE])
                case 4:
                    received_at = parse_date_time(found[_DATE])
                case 5:
                    modseq = int(found[_MODSEQ])
                case _:
                    has_body = True
                    body = tokens.literal() if tokens.is_literal() else tokens.nstring()
        tokens.spaces()
    if not tokens.at_end:
        raise BadResponse
    return Fetched(
        seqnum, uid, size, flags, received_at, modseq, has_body, body, tuple(others)
    )  # fmt: skip


def _other(tokens: Tokens) -> list[tuple[str, Value]]:
    """An item that nobody here asks for, or a known one in an odd form."""
    start = tokens.at
    name = tokens.word()
    if tokens.take(b"["):  # BINARY.SIZE[1]
        end = tokens.line.find(b"]", tokens.at)
        if end < 0:
            raise BadResponse
        tokens.at = end + 1
        name = tokens.line[start : tokens.at].decode("ascii", "replace").upper()
    tokens.spaces()
    return [(name, tokens.value())]
