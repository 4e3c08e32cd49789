"""imapclient reads our ENVELOPE and BODYSTRUCTURE as it would over a connection."""

from __future__ import annotations

import email
import email.utils
import re
from pathlib import Path

import pytest
from imapclient.response_parser import parse_fetch_response

from pillarbox.message.digest import digest
from pillarbox.message.part import Part

CORPUS = sorted((Path(__file__).parent.parent / "corpus" / "message").glob("*.eml"))

# Where the standard library reads no address: a source route, a blank before the colon.
ODD = {"odd-addresses.eml", "odd-fields.eml"}

_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n")


def as_imaplib(line: bytes) -> list[bytes | tuple[bytes, bytes]]:
    """A response as imaplib cuts it: a pair for each literal, the rest as it is."""
    pieces: list[bytes | tuple[bytes, bytes]] = []
    while match := _LITERAL.search(line):
        end = match.end() + int(match.group(1))
        pieces.append((line[: match.end() - 2], line[match.end() : end]))
        line = line[end:]
    return [*pieces, line]


def check_structure(body: object, part: Part) -> None:
    assert isinstance(body, tuple)
    if part.type == "multipart":
        children = body[0]
        assert [len(children), body[1].decode()] == [len(part.children), part.subtype]
        for one, child in zip(children, part.children, strict=True):
            check_structure(one, child)
        return
    assert (body[0].decode(), body[1].decode()) == (part.type, part.subtype)
    assert body[5].decode() == part.encoding
    assert body[6] == part.body_end - part.body_start


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_fetch_response(path: Path) -> None:
    octets = path.read_bytes()
    found = digest(octets)
    line = b"1 (UID 7 ENVELOPE %b BODYSTRUCTURE %b)" % (found.envelope, found.bodystructure)
    (read,) = parse_fetch_response(as_imaplib(line), uid_is_key=True).values()
    check_structure(read[b"BODYSTRUCTURE"], found.root)
    envelope = read[b"ENVELOPE"]
    assert (envelope.subject is None) == (b"\nsubject" not in octets.lower())
    if found.sent_at is not None and path.stem != "format-tricks":  # an hour of 25
        assert envelope.date is not None
    if path.name not in ODD:
        theirs = email.utils.getaddresses([email.message_from_bytes(octets).get("From", "")])
        pairs = [(one.mailbox + b"@" + one.host).decode() for one in envelope.from_ or ()]
        assert pairs == [address for _, address in theirs if address]
