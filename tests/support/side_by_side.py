"""The same IMAP commands to two servers, and what of their answers must be the same.

Left out is what each server may word or number as it likes: texts, UIDVALIDITY, modseqs, the order
of LIST's lines and of FETCH's items, special uses, RECENT.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any

from pillarbox.imap.wire.framing import Framed, Framer, FramingLimits
from support.imap_client import Answer, Untagged, answer_of, untagged_of

Command = str | tuple[str | bytes, ...]  # bytes are sent as a synchronizing literal
_TIMEOUT = 20.0
_STATUS = (b"OK", b"NO", b"BAD", b"BYE")
_COMPARED_ATTRIBUTES = {b"\\noselect", b"\\nonexistent", b"\\subscribed"}


class Line:
    """One blocking connection; it shares only the wire's framing with the server."""

    def __init__(self, host: str, port: int, login: str, password: str) -> None:
        self._socket = socket.create_connection((host, port), timeout=_TIMEOUT)
        self._framer = Framer(FramingLimits(line=2**26, literal=2**30, command=2**30))
        self._count = 0
        self._read()
        assert self.send(f'LOGIN "{login}" "{password}"').ok

    def close(self) -> None:
        self._socket.close()

    def send(self, command: Command) -> Answer:
        """Send a command and gather its answer."""
        self._count += 1
        tag = b"t%d" % self._count
        seen: list[Untagged] = []
        out = tag + b" "
        for part in (command,) if isinstance(command, str) else command:
            if isinstance(part, str):
                out += part.encode()
                continue
            self._socket.sendall(out + b"{%d}\r\n" % len(part))
            if (refused := self._until(tag, seen, go_ahead=True)) is not None:
                return refused
            out = part
        self._socket.sendall(out + b"\r\n")
        answer = self._until(tag, seen)
        assert answer is not None
        return answer

    def _until(self, tag: bytes, seen: list[Untagged], *, go_ahead: bool = False) -> Answer | None:
        """The tagged reply; None for "+" where that is waited for."""
        while True:
            framed = self._read()
            if framed.line.startswith(tag + b" "):
                return answer_of(framed, seen)
            if go_ahead and framed.line.startswith(b"+"):
                return None
            if framed.line.startswith(b"*"):
                seen.append(untagged_of(framed))

    def _read(self) -> Framed:
        while True:
            event = self._framer.next_event()
            if isinstance(event, Framed):
                return event
            if event is None:
                octets = self._socket.recv(65_536)
                if not octets:
                    raise ConnectionError("the server closed the connection")
                self._framer.feed(octets)


def compared(answer: Answer) -> list[str]:
    """What must be the same, in a form that reads well in a failure."""
    lines = [line for one in answer.untagged if (line := _untagged(one)) is not None]
    return [*sorted(lines), f"tagged {answer.kind} {_code(answer.code)}".strip()]


_KEPT_CODES = {"READ-ONLY", "READ-WRITE", "TRYCREATE", "BADCHARSET", "ALREADYEXISTS", "MODIFIED"}


def _code(code: str) -> str:
    word, _, rest = code.partition(" ")
    if word in ("COPYUID", "APPENDUID"):
        return f"{word} {rest.partition(' ')[2]}"  # without UIDVALIDITY
    return word if word in _KEPT_CODES else ""


def _untagged(one: Untagged) -> str | None:
    values = one.values
    name = values[0].upper()
    if name in _STATUS:
        text = one.octets.partition(b"[")[2].decode("ascii", "replace")
        return f"* {_code(text.partition(']')[0])}" if text.startswith("COPYUID") else None
    if values[1:2] == [b"FETCH"]:
        return f"* {int(name)} FETCH {_items(values[2])}"
    if values[1:2] == [b"RECENT"] or name in (b"FLAGS", b"CAPABILITY", b"ID"):
        return None
    shape = _SHAPES.get(name)
    shown = shape(values[1:]) if shape is not None else values[1:]
    return f"* {name.decode()} {shown}"


def _items(flat: list[Any]) -> list[tuple[str, Any]]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return sorted((name.decode().upper(), _item(name.upper(), value)) for name, value in pairs)


def _item(name: bytes, value: Any) -> Any:
    if name == b"FLAGS":
        return sorted(flag for flag in value if flag != b"\\Recent")
    if name == b"MODSEQ":
        return "some"
    if name == b"INTERNALDATE":
        return value.strip().removeprefix(b"0")
    if name in (b"BODY", b"BODYSTRUCTURE"):
        return _structure(value)
    if name.startswith((b"BODY[", b"BINARY[")):
        return value or None  # a section that there is not: NIL, or empty
    return value


def _structure(part: Any) -> Any:
    """Without the line counts (does an unended last line count?) and the charset by default."""
    if not isinstance(part, list):
        return part
    shown = [_structure(value) for value in part]
    shown = [value.lower() if isinstance(value, bytes) else value for value in shown]
    if part and isinstance(part[0], bytes) and len(part) > 7:
        kind = part[0].lower()
        if kind == b"text":
            del shown[7]
            shown[2] = shown[2] or [b"charset", b"us-ascii"]
        elif kind == b"message" and len(part) > 9:
            del shown[9]
    return shown


def _listed(values: list[Any]) -> tuple[list[bytes], Any, list[Any]]:
    """Attributes that both servers give whatever is asked for, the name, CHILDINFO."""
    attributes, _, name, *extended = values
    folded = {attribute.lower() for attribute in attributes}
    if b"\\nonexistent" in folded:
        folded.discard(b"\\noselect")  # the one implies the other
    return sorted(folded & _COMPARED_ATTRIBUTES), name, extended


def _esearch(values: list[Any]) -> list[str]:
    flat = values[1:]
    uid = flat[:1] == [b"UID"]
    flat = flat[uid:]
    pairs = {n.decode(): v for n, v in zip(flat[::2], flat[1::2], strict=True)}
    if "MODSEQ" in pairs:
        pairs["MODSEQ"] = "some"
    return [f"UID {uid}", *(f"{name} {value}" for name, value in sorted(pairs.items()))]


def _status(values: list[Any]) -> list[str]:
    name, flat = values
    pairs = zip(flat[::2], flat[1::2], strict=True)
    shown = [f"{item.decode()} {value.decode()}" for item, value in pairs]
    name = b"INBOX" if name.upper() == b"INBOX" else name
    return [name.decode(), *sorted(shown)]


def _numbers(values: list[Any]) -> list[Any]:
    return ["MODSEQ" if isinstance(value, list) else value for value in values]


_SHAPES: dict[bytes, Callable[[list[Any]], Any]] = {
    b"LIST": _listed,
    b"LSUB": _listed,
    b"ESEARCH": _esearch,
    b"STATUS": _status,
    b"SEARCH": _numbers,
    b"SORT": _numbers,
}


def differences(
    left: Line, right: Line, commands: Iterable[Command]
) -> dict[str, tuple[list[str], list[str]]]:
    """The commands that the two answer differently, with what differs."""
    found = {}
    for command in commands:
        shown = command if isinstance(command, str) else " ".join(map(str, command))
        mine, other = compared(left.send(command)), compared(right.send(command))
        if mine != other:
            only = [line for line in mine if line not in other]
            found[shown] = (only, [line for line in other if line not in mine])
        for line in (left, right):
            line.send("NOOP")  # many bad commands in a row would end the session
    return found
