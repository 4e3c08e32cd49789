"""A response as it was framed → its value (RFC 9051 §9, RFC 3501 §9, and what servers make of it).

What cannot be understood is passed over as `Unknown`, since the next line is a new beginning.
Where a literal was not as long as announced there is no such beginning: that raises BadFrame.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, cast

from pillarbox.imap.client.fetched import parse_fetched
from pillarbox.imap.client.frames import ServerFrame
from pillarbox.imap.client.responses import (
    CapabilityList,
    Condition,
    ConditionKind,
    Continuation,
    DefinedFlags,
    Enabled,
    Exists,
    Expunged,
    Found,
    Identity,
    Listed,
    MailboxStatus,
    NamespaceEntry,
    Namespaces,
    Ranges,
    Recent,
    Response,
    ResponseCode,
    ServerLiteral,
    Unknown,
    Value,
    Vanished,
)
from pillarbox.imap.client.tokens import BadResponse, Tokens
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.sequence_set import parse_sequence_set
from pillarbox.net.outgoing.frames import BadFrame
from pillarbox.net.outgoing.printable import printable

_NUMBERED = re.compile(rb"\* +([0-9]{1,10}) +([A-Za-z]+) *")
_NAMED = re.compile(rb"\* +([A-Za-z0-9.\-]+) *")
_TAGGED = re.compile(rb"([A-Za-z0-9]+) +(OK|NO|BAD)(?: +(.*))?\Z", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(rb"\[([A-Za-z0-9.+/_\-]+)(?: ([^\]]*))?\] *")
_NUMBER = re.compile(rb"[0-9]{1,10}")
_KINDS = ("OK", "NO", "BAD", "BYE", "PREAUTH")
_LONGEST_TEXT = 1000  # characters of a server's text that are kept


def parse_response(frame: ServerFrame) -> Response:
    """Raises BadFrame where it is no IMAP, or where the step was lost."""
    line = frame[0]
    assert isinstance(line, bytes)
    numbered = _NUMBERED.match(line)
    try:
        if numbered is not None:
            return _numbered(int(numbered[1]), numbered[2].upper(), frame, numbered.end())
        named = _NAMED.match(line)
        if named is not None:
            return _named(named[1].decode("ascii").upper(), frame, named.end())
    except (BadResponse, BadSyntax) as error:
        return _broken(frame, error)
    if line[:1] == b"+":
        return Continuation(line[1:].strip(b" "))
    tagged = _TAGGED.match(line)
    if tagged is not None:
        return _condition(tagged[2].decode("ascii").upper(), tagged[3] or b"", tagged[1])
    if line.strip(b" \r") in (b"", b"*"):  # some servers send a line more than they should
        return Unknown("", broken=True)
    raise BadFrame(f"The other server speaks no IMAP: {printable(line[:80])}")


def _broken(frame: ServerFrame, error: Exception) -> Response:
    first = frame[0]
    assert isinstance(first, bytes)
    literals = [piece for piece in frame if isinstance(piece, ServerLiteral)]
    if not literals:
        return Unknown(printable(first[:40]), broken=True)
    for literal in literals:
        literal.discard()
    raise BadFrame(
        f"The other server sent a literal that has not the {literals[-1].size} octets that it "
        "announced."
    ) from error


def _numbered(number: int, name: bytes, frame: ServerFrame, at: int) -> Response:
    if name == b"FETCH":
        return parse_fetched(number, frame, at)
    if name == b"EXISTS":
        return Exists(number)
    if name == b"EXPUNGE":
        return Expunged(number)
    if name == b"RECENT":
        return Recent(number)
    return Unknown(name.decode("ascii"))


def _named(name: str, frame: ServerFrame, at: int) -> Response:
    if name in _KINDS:
        line = frame[0]
        assert isinstance(line, bytes)
        return _condition(name, line[at:], b"*")
    parse = _PARSERS.get(name)
    if parse is None:
        return Unknown(name)
    return parse(Tokens(frame, at), name)


def _condition(kind: str, rest: bytes, tag: bytes) -> Condition:
    code = None
    found = _CODE.match(rest)
    if found is not None:
        code = ResponseCode(found[1].decode("ascii").upper(), (found[2] or b"").strip(b" "))
        rest = rest[found.end() :]
    return Condition(cast(ConditionKind, kind), printable(rest)[:_LONGEST_TEXT], code, tag)


def parse_ranges(octets: bytes) -> Ranges:
    """A set of numbers as a server writes it, in its order. Raises BadSyntax."""
    if not octets:
        return ()
    found = parse_sequence_set(octets)
    if found.saved or found.has_star:
        raise BadSyntax
    return tuple((low, high) if low <= high else (high, low) for low, high in found.ranges)


# Each takes the rest of its line


def _capability(tokens: Tokens, name: str) -> Response:
    words = tokens.line[tokens.at :].decode("ascii", "replace").upper().split()
    return CapabilityList(tuple(words)) if name == "CAPABILITY" else Enabled(tuple(words))


def _identity(tokens: Tokens, name: str) -> Response:
    value = tokens.value()
    if value is None:
        return Identity({})
    if not isinstance(value, tuple) or len(value) % 2:
        raise BadResponse
    words = [None if one is None else printable(_text(one)) for one in value]
    return Identity({key or "": word for key, word in zip(words[::2], words[1::2], strict=True)})


def _namespace(tokens: Tokens, name: str) -> Response:
    found = []
    for _ in range(3):
        entries = tokens.value() or ()
        if not isinstance(entries, tuple):
            raise BadResponse
        found.append(tuple(_namespace_entry(entry) for entry in entries))
        tokens.spaces()
    return Namespaces(*found)


def _namespace_entry(entry: Value) -> NamespaceEntry:
    if not isinstance(entry, tuple) or len(entry) < 2:
        raise BadResponse
    return NamespaceEntry(_text(entry[0] or b""), _delimiter(entry[1]))


def _listed(tokens: Tokens, name: str) -> Response:
    attributes = frozenset(word.decode("ascii", "replace").lower() for word in tokens.atoms())
    tokens.spaces()
    delimiter = _delimiter(tokens.nstring())
    tokens.spaces()
    command = cast(Literal["LIST", "LSUB", "XLIST"], name)
    listed = Listed(command, attributes, delimiter, tokens.astring())
    if not tokens.at_end and not tokens.take(b"("):  # RFC 5258 §3: more may stand there
        raise BadResponse
    return listed


def _delimiter(value: Value) -> str:
    text = _text(value or b"").decode("utf-8", "replace")
    if len(text) > 1:
        raise BadResponse
    return text


def _status(tokens: Tokens, name: str) -> Response:
    mailbox = tokens.astring()
    tokens.spaces()
    value = tokens.value()
    if not isinstance(value, tuple) or len(value) % 2:
        raise BadResponse
    items = {}
    for key, number in zip(value[::2], value[1::2], strict=True):
        if isinstance(number, bytes) and number.isdigit() and len(number) <= 19:
            items[_text(key).decode("ascii", "replace").upper()] = int(number)
    return MailboxStatus(mailbox, items)


def _defined_flags(tokens: Tokens, name: str) -> Response:
    return DefinedFlags(tuple(word.decode("ascii", "replace") for word in tokens.atoms()))


def _vanished(tokens: Tokens, name: str) -> Response:
    earlier = tokens.line[tokens.at :].upper().startswith(b"(EARLIER)")
    if earlier:
        tokens.at += len(b"(EARLIER)")
        tokens.spaces()
    return Vanished(earlier, parse_ranges(tokens.atom()))


def _search(tokens: Tokens, name: str) -> Response:
    rest = tokens.line[tokens.at :].partition(b"(")[0]  # (MODSEQ n) behind it: RFC 7162 §3.1.5
    if not all(map(bytes.isdigit, rest.split())):
        raise BadResponse
    return Found(tuple(map(int, _NUMBER.findall(rest))))


def _esearch(tokens: Tokens, name: str) -> Response:
    tag, uid, everything = b"", False, b""
    items: dict[str, Value] = {}
    if tokens.take(b"("):
        tokens.word()
        tokens.spaces()
        tag = tokens.astring()
        tokens.expect(b")")
    while not tokens.at_end:
        word = tokens.word()
        tokens.spaces()
        if word == "UID":
            uid = True
        elif word == "ALL":
            everything = tokens.atom()
        else:
            items[word] = tokens.value()
    return Found((), parse_ranges(everything), tag, uid, items)


def _text(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise BadResponse
    return value


_PARSERS: dict[str, Callable[[Tokens, str], Response]] = {
    "CAPABILITY": _capability,
    "ENABLED": _capability,
    "ID": _identity,
    "NAMESPACE": _namespace,
    "LIST": _listed,
    "LSUB": _listed,
    "XLIST": _listed,
    "STATUS": _status,
    "FLAGS": _defined_flags,
    "VANISHED": _vanished,
    "SEARCH": _search,
    "ESEARCH": _esearch,
}


def parse_code_number(code: ResponseCode) -> int:
    """The number behind a response code's name; 0 where there is none."""
    argument = code.argument
    return int(argument) if argument.isdigit() and len(argument) <= 20 else 0
