"""Which octets of a message a section names: `[1.2.MIME]`, `[HEADER.FIELDS (FROM)]`, `[TEXT]`.

Pure: a section and a part tree give a stretch of offsets (RFC 9051 §6.4.5.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.imap.wire.encoder import encode_astring, encode_list
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.message import header
from pillarbox.message.part import Part

_TEXTS = frozenset({"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"})
_FIELD_TEXTS = frozenset({"HEADER.FIELDS", "HEADER.FIELDS.NOT"})
_LONGEST_PATH = 1000  # levels: the most that `store.message.max_depth` can be set to


@dataclass(frozen=True, slots=True)
class Section:
    """A part's path, what of it, and which header fields."""

    path: tuple[int, ...] = ()
    text: str = ""  # one of _TEXTS; "" is the whole body (or message, without a path)
    names: tuple[bytes, ...] = ()

    @property
    def picks_fields(self) -> bool:
        """Whether only some header fields are wanted."""
        return self.text in _FIELD_TEXTS

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole message, so that no structure is needed."""
        return not self.path and not self.text

    def encode(self) -> bytes:
        """The section as responses repeat it, brackets included."""
        words = [str(number) for number in self.path]
        if self.text:
            words.append(self.text)
        spec = ".".join(words).encode("ascii")
        if self.names:
            spec += b" " + encode_list(map(encode_astring, self.names))
        return b"[%b]" % spec


@dataclass(frozen=True, slots=True)
class Stretch:
    """Octets [start, end) of the message as read, trace included."""

    start: int
    end: int


def parse_section(reader: Reader, *, only_path: bool = False) -> Section:
    """Reads from `[` to `]`; `only_path` for BINARY (RFC 9051 §9 section-binary)."""
    reader.expect(b"[")
    if reader.take(b"]"):
        return Section()
    words = reader.label().split(".")
    path = []
    while words and words[0].isdigit():
        path.append(_part_number(words.pop(0)))
    text = ".".join(words)
    if words == [""] or text not in _TEXTS or (only_path and text) or len(path) > _LONGEST_PATH:
        raise BadSyntax("There is no such body section.")
    if text == "MIME" and not path:
        raise BadSyntax("MIME needs the number of a part in front.")
    names = _field_names(reader) if text in _FIELD_TEXTS else ()
    reader.expect(b"]")
    return Section(tuple(path), text, names)


def _part_number(word: str) -> int:
    if word.startswith("0") or len(word) > 10:
        raise BadSyntax("Body parts are numbered from 1.")
    return int(word)


def _field_names(reader: Reader) -> tuple[bytes, ...]:
    reader.space()
    reader.expect(b"(")
    names = [reader.astring()]
    while not reader.take(b")"):
        reader.space()
        names.append(reader.astring())
    return tuple(names)


def find_part(root: Part, path: tuple[int, ...]) -> Part | None:
    """The part of that number; a message that is not multipart is its own part 1."""
    part = _of_message(root, path[0])
    for number in path[1:]:
        if part is None:
            return None
        if part.type == "multipart":
            part = _child(part, number)
        elif _is_message(part):
            part = _of_message(part.children[0], number)
        else:
            return None
    return part


def find_stretch(section: Section, root: Part, trace: int, size: int) -> Stretch | None:
    """Where the section's octets are; None: the message has no such section.

    `trace` is the number of octets in front of those that `root` counts. Of a choice of header
    fields it is the whole header.
    """
    if not section.path:
        body = root.body_start + trace
        match section.text:
            case "":
                return Stretch(0, size)
            case "TEXT":
                return Stretch(body, size)
            case _:
                return Stretch(0, body)
    part = find_part(root, section.path)
    if part is None:
        return None
    match section.text:
        case "":
            start, end = part.body_start, part.body_end
        case "MIME":
            # The header of part 1 of a message that is not multipart is the message's own.
            start, end = part.header_start, part.body_start
            if part is root:
                return Stretch(0, end + trace)
        case text:
            if not _is_message(part):
                return None
            nested = part.children[0]
            start, end = nested.header_start, nested.body_start
            if text == "TEXT":
                start, end = nested.body_start, nested.body_end
    return Stretch(start + trace, end + trace)


def pick_fields(raw_header: bytes, section: Section) -> bytes:
    """The wanted fields of a header as they are, and the empty line (RFC 9051 §6.4.5.1)."""
    names = {name.lower() for name in section.names}
    wanted = section.text == "HEADER.FIELDS"
    picked = [
        field.raw for field in header.fields(raw_header) if (field.name.lower() in names) is wanted
    ]
    if picked and not picked[-1].endswith(b"\n"):
        picked.append(b"\r\n")
    picked.append(b"\r\n")
    return b"".join(picked)


def _is_message(part: Part) -> bool:
    return part.type == "message" and len(part.children) == 1


def _of_message(root: Part, number: int) -> Part | None:
    if root.type == "multipart":
        return _child(root, number)
    return root if number == 1 else None


def _child(part: Part, number: int) -> Part | None:
    return part.children[number - 1] if number <= len(part.children) else None
