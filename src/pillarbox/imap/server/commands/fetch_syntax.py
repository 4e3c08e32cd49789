"""FETCH and UID FETCH as values (RFC 9051 §6.4.5, §9; modifiers: RFC 4466 §2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pillarbox.imap.server.command import Hooks, parse_options
from pillarbox.imap.server.commands.fetch_items import BASE_ITEMS, MACROS, MODSEQ, UID, FetchItem
from pillarbox.imap.server.commands.sections import Section, parse_section
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import SequenceSet


class Form(Enum):
    """In what form a section's octets are wanted."""

    RAW = auto()  # BODY[…], RFC822…
    DECODED = auto()  # BINARY[…]
    DECODED_SIZE = auto()  # BINARY.SIZE[…]


@dataclass(frozen=True, slots=True)
class ContentItem:
    """An item that needs the message's octets."""

    label: bytes  # how the response names it, a partial's origin included
    section: Section
    form: Form = Form.RAW
    partial: tuple[int, int] | None = None  # first octet and most octets
    sets_seen: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    """A whole command."""

    uid: bool
    wanted: SequenceSet
    items: tuple[FetchItem, ...]
    contents: tuple[ContentItem, ...]
    modifiers: Mapping[str, Any]

    @property
    def sets_seen(self) -> bool:
        return any(item.sets_seen for item in self.contents)


_OLD_CONTENTS = {  # RFC 3501 §6.4.5
    "RFC822": ContentItem(b"RFC822", Section(), sets_seen=True),
    "RFC822.HEADER": ContentItem(b"RFC822.HEADER", Section(text="HEADER")),
    "RFC822.TEXT": ContentItem(b"RFC822.TEXT", Section(text="TEXT"), sets_seen=True),
}
_FORMS = {
    "BODY": (b"BODY", Form.RAW, True),
    "BODY.PEEK": (b"BODY", Form.RAW, False),
    "BINARY": (b"BINARY", Form.DECODED, True),
    "BINARY.PEEK": (b"BINARY", Form.DECODED, False),
    "BINARY.SIZE": (b"BINARY.SIZE", Form.DECODED_SIZE, False),
}


def parse_fetch(reader: Reader, hooks: Hooks) -> Fetch:
    return _parse(reader, hooks, uid=False)


def parse_uid_fetch(reader: Reader, hooks: Hooks) -> Fetch:
    return _parse(reader, hooks, uid=True)


def parse_changed_since(reader: Reader) -> int:
    """The value of the CHANGEDSINCE modifier (RFC 7162 §3.1.4.1)."""
    reader.space()
    return reader.number64()


def _parse(reader: Reader, hooks: Hooks, *, uid: bool) -> Fetch:
    wanted = reader.sequence_set()
    reader.space()
    asked = _items(reader, hooks)
    modifiers: dict[str, Any] = {}
    if not reader.at_end:
        reader.space()
        modifiers = parse_options(reader, hooks.fetch_modifiers, "FETCH")
        if not modifiers:
            raise BadSyntax("FETCH has no modifier between its parentheses.")
    if "VANISHED" in modifiers and not (uid and "CHANGEDSINCE" in modifiers):
        raise BadSyntax("VANISHED goes with UID FETCH and CHANGEDSINCE.")
    items = {item.name: item for item in asked if isinstance(item, FetchItem)}
    contents = {item.label: item for item in asked if isinstance(item, ContentItem)}
    for item in asked:  # BODY[] beside BODY.PEEK[]: one value, and the flag is set
        if isinstance(item, ContentItem) and item.sets_seen:
            contents[item.label] = item
    if "CHANGEDSINCE" in modifiers:
        items.setdefault(MODSEQ.name, MODSEQ)
    if uid:
        items = {UID.name: UID, **items}
    return Fetch(uid, wanted, tuple(items.values()), tuple(contents.values()), modifiers)


def _items(reader: Reader, hooks: Hooks) -> list[FetchItem | ContentItem]:
    if not reader.take(b"("):
        macro = MACROS.get(reader.peek_word())
        if macro is not None:
            reader.atom()
            return list(macro)
        return [_item(reader, hooks)]
    items = [_item(reader, hooks)]
    while not reader.take(b")"):
        reader.space()
        items.append(_item(reader, hooks))
        if len(items) > hooks.limits.max_fetch_items:
            raise BadSyntax(f"FETCH takes {hooks.limits.max_fetch_items} items at most.")
    return items


def _item(reader: Reader, hooks: Hooks) -> FetchItem | ContentItem:
    name = reader.label()
    if name in _FORMS and reader.peek(b"["):
        return _content(reader, name)
    if name in _OLD_CONTENTS:
        return _OLD_CONTENTS[name]
    item: FetchItem | None = BASE_ITEMS.get(name) or hooks.fetch_items.get(name)
    if item is None:
        raise BadSyntax(f"FETCH does not know the item {name[:40]}.")
    for suffix in item.suffixes:
        reader.take_any_case(suffix)
    return item


def _content(reader: Reader, name: str) -> ContentItem:
    word, form, sets_seen = _FORMS[name]
    section = parse_section(reader, only_path=form is not Form.RAW)
    label = word + section.encode()
    partial = None
    if form is not Form.DECODED_SIZE and reader.take(b"<"):
        start = reader.number64()
        reader.expect(b".")
        partial = (start, reader.number64(least=1))
        reader.expect(b">")
        label += b"<%d>" % start
    return ContentItem(label, section, form, partial, sets_seen)
