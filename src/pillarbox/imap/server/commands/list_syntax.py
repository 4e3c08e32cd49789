"""LIST's arguments with the options of LIST-EXTENDED (RFC 9051 §6.3.9, RFC 5258 §3, RFC 5819)."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.imap.server.command import Hooks
from pillarbox.imap.server.commands.status import Items, parse_items
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class List:
    """A LIST, basic or extended."""

    reference: str
    patterns: tuple[str, ...]
    basic: bool = True
    subscribed: bool = False  # list what is subscribed
    special_use: bool = False  # list what has a special use
    recursive: bool = False  # and levels above such, when they match
    return_subscribed: bool = False
    status: Items = ()


_SELECT = ("SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE")


def parse_list(reader: Reader, hooks: Hooks) -> List:
    """`[(options) SP] reference SP patterns [SP RETURN (options)]`."""
    selection: list[str] = []
    basic = not reader.peek(b"(")
    if not basic:
        selection = _words(reader)
        reader.space()
    reference = reader.mailbox()
    reader.space()
    if reader.peek(b"("):
        basic = False
        patterns = _patterns(reader, hooks.limits.max_list_patterns)
    else:
        patterns = (reader.list_mailbox(),)
    returned: list[str] = []
    status: Items = ()
    if not reader.at_end:
        basic = False
        reader.space()
        if reader.word() != "RETURN":
            raise BadSyntax("RETURN is missing.")
        reader.space()
        returned, status = _returns(reader, hooks)
    _check_selection(selection, hooks)
    return List(
        reference,
        patterns,
        basic,
        subscribed="SUBSCRIBED" in selection,
        special_use="SPECIAL-USE" in selection,
        recursive="RECURSIVEMATCH" in selection,
        return_subscribed="SUBSCRIBED" in returned,
        status=status,
    )


def parse_lsub(reader: Reader, hooks: Hooks) -> List:
    """`reference SP pattern`."""
    reference = reader.mailbox()
    reader.space()
    return List(reference, (reader.list_mailbox(),))


def _words(reader: Reader) -> list[str]:
    reader.expect(b"(")
    words: list[str] = []
    while not reader.take(b")"):
        if words:
            reader.space()
        words.append(reader.word())
    return words


def _check_selection(selection: list[str], hooks: Hooks) -> None:
    for name in selection:
        if name not in _SELECT and name not in hooks.list_select:
            raise BadSyntax(f"LIST cannot select by {name}.")
    if "RECURSIVEMATCH" in selection and "SUBSCRIBED" not in selection:
        # Special uses cannot stand in CHILDINFO (RFC 5258 §6, RFC 6154 §6).
        raise BadSyntax("RECURSIVEMATCH needs SUBSCRIBED beside it.")


def _patterns(reader: Reader, most: int) -> tuple[str, ...]:
    reader.expect(b"(")
    patterns = [reader.list_mailbox()]
    while not reader.take(b")"):
        reader.space()
        patterns.append(reader.list_mailbox())
        if len(patterns) > most:
            raise BadSyntax(f"LIST takes {most} patterns at most.")
    return tuple(patterns)


def _returns(reader: Reader, hooks: Hooks) -> tuple[list[str], Items]:
    reader.expect(b"(")
    names: list[str] = []
    status: Items = ()
    while not reader.take(b")"):
        if names:
            reader.space()
        name = reader.word()
        names.append(name)
        if name == "STATUS":
            reader.space()
            status = parse_items(reader, hooks)
        elif name in hooks.list_returns:
            hooks.list_returns[name](reader)
        elif name not in ("SUBSCRIBED", "CHILDREN", "SPECIAL-USE"):
            raise BadSyntax(f"LIST cannot return {name}.")
    return names, status
