"""APPEND: one message, or several in one command (RFC 9051 §6.3.12, RFC 3502 §3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from pillarbox.imap.client.commands import AsLiteral, flag_list, mailbox
from pillarbox.imap.client.dialogue import Dialogue
from pillarbox.imap.client.failure import ImapFailure, refusal
from pillarbox.imap.client.messages import appended_uids
from pillarbox.imap.client.responses import Condition
from pillarbox.imap.wire.encoder import encode_date_time


class MessageContent(Protocol):
    """The octets of a message; the store's `Content` is one."""

    @property
    def size(self) -> int:
        """How many octets there are."""

    def chunks(self) -> AsyncIterator[bytes]:
        """All of them, in pieces that fit into memory."""


class OutgoingMessage(msgspec.Struct, frozen=True):
    """A message to be stored there."""

    content: MessageContent
    flags: tuple[str, ...] = ()
    received_at: int | None = None  # INTERNALDATE as Unix seconds; None: the server's present


class Appended(msgspec.Struct, frozen=True):
    """Where the messages are; 0 and empty where the server does not say (RFC 4315 §3)."""

    uid_validity: int = 0
    uids: tuple[int, ...] = ()


async def append(dialogue: Dialogue, name: bytes, messages: Sequence[OutgoingMessage]) -> Appended:
    """All of them, in one command where MULTIAPPEND is known. Raises ImapFailure.

    Without MULTIAPPEND some may be stored when it raises; with it, none is.
    """
    if len(messages) < 2 or "MULTIAPPEND" in dialogue.capabilities:
        return await _append(dialogue, name, messages) if messages else Appended()
    validity = 0
    uids: list[int] = []
    for message in messages:
        one = await _append(dialogue, name, [message])
        validity = one.uid_validity
        uids += one.uids
    return Appended(validity, tuple(uids) if len(uids) == len(messages) else ())


async def _append(dialogue: Dialogue, name: bytes, messages: Sequence[OutgoingMessage]) -> Appended:
    try:
        ended = await _send(dialogue, name, messages)
    except ImapFailure:
        raise
    except BaseException:
        dialogue.link.close()  # the server is left in the middle of a literal
        raise
    if ended.kind != "OK":
        raise refusal("append", ended)
    validity, uids = appended_uids(ended.code)
    return Appended(validity, tuple(uids))


async def _send(dialogue: Dialogue, name: bytes, messages: Sequence[OutgoingMessage]) -> Condition:
    seconds = dialogue.timeouts.append_seconds
    dialogue.abandon()
    tag = dialogue.begin("append")
    box = mailbox(name)
    ready = b"%b APPEND " % tag
    if isinstance(box, AsLiteral):
        dialogue.link.write(ready + b"{%d}\r\n" % len(box.octets))
        ended = await dialogue.go_ahead(tag, "append", seconds)
        if ended is not None:
            return ended
        ready = box.octets
    else:
        ready += box
    for message in messages:
        size = message.content.size
        unasked = dialogue.takes_unasked(size)
        ready += _introduction(message) + (b"{%d+}\r\n" if unasked else b"{%d}\r\n") % size
        dialogue.link.write(ready)
        if not unasked:
            ended = await dialogue.go_ahead(tag, "append", seconds)
            if ended is not None:
                return ended
        await _send_content(dialogue, message.content, seconds)
        ready = b""
    dialogue.link.write(b"\r\n")
    return await dialogue.end(tag, "append", seconds)


def _introduction(message: OutgoingMessage) -> bytes:
    flags = b" " + flag_list(message.flags) if message.flags else b""
    date = b"" if message.received_at is None else b" " + encode_date_time(message.received_at)
    return flags + date + b" "


async def _send_content(dialogue: Dialogue, content: MessageContent, seconds: float) -> None:
    sent = 0
    async for chunk in content.chunks():
        sent += len(chunk)
        if sent > content.size:
            break
        dialogue.link.write(chunk)
        await dialogue.link.drained("append", seconds, until_spoken=False)
    if sent != content.size:
        dialogue.link.close()
        raise ImapFailure("append", "The message has not as many octets as it should have.")
