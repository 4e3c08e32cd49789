"""What is in a folder, and what changed in it (RFC 7162 §3.1.4, §3.2.6)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from contextlib import aclosing

from pillarbox.flow.collect.source import (
    FlagsNow,
    FolderChanges,
    OpenFolder,
    RemoteFolder,
    RemoteMessage,
    SourceFailure,
)
from pillarbox.flow.collect.sources.imap_flags import read_flags
from pillarbox.imap.client.connection import ImapConnection
from pillarbox.imap.client.failure import nonsense, refusal
from pillarbox.imap.client.messages import SetEnd
from pillarbox.imap.client.responses import Fetched, ServerLiteral
from pillarbox.imap.client.selected import Selected
from pillarbox.imap.wire.sequence_set import encode_numbers
from pillarbox.message.thread import message_id

_LISTED = b"(UID FLAGS INTERNALDATE RFC822.SIZE)"
_HEADER = b"(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"


async def list_messages(
    connection: ImapConnection, selected: Selected, folder: RemoteFolder
) -> OpenFolder:
    """Everything that is in the open mailbox, by UID. Raises ImapFailure."""
    if not selected.uid_validity:
        raise nonsense("select", "The server has no UIDVALIDITY, so its messages have no names.")
    validity, state = selected.uid_validity, selected.highest_modseq
    found: dict[int, RemoteMessage] = {}
    most = connection.limits.max_folder_messages
    if selected.exists > most:
        raise _too_many(most)
    if selected.exists:
        for one in await _all(connection, b"1:*", _LISTED):
            if one.uid and one.size is not None:
                bits, keywords = read_flags(one.flags or b"")
                found[one.uid] = RemoteMessage(
                    str(one.uid), one.size, bits, keywords, one.received_at
                )
    if len(found) < selected.exists:
        # Some servers list nothing of a message that they cannot read. It is there all the same:
        # a mirror must not take it for deleted, and whoever moves in is told that it is missing.
        for uid in await connection.search(b"ALL"):
            found.setdefault(uid, RemoteMessage(str(uid)))
    messages = tuple(found[uid] for uid in sorted(found))
    return OpenFolder(folder, str(validity), messages, str(state) if state else "")


async def find_changes(connection: ImapConnection, opened: OpenFolder, since: str) -> FolderChanges:
    """Raises ImapFailure."""
    selected = connection.selected
    assert selected is not None
    modseq = int(since) if since.isdigit() and selected.highest_modseq else 0
    known = [int(message.key) for message in opened.messages]
    resync = bool(modseq) and "QRESYNC" in connection.enabled
    modifiers = b""
    if modseq:
        modifiers = b" (CHANGEDSINCE %d%b)" % (modseq, b" VANISHED" if resync else b"")
    selected.vanished.clear()
    items = b"(UID FLAGS MODSEQ)" if selected.highest_modseq else b"(UID FLAGS)"
    found = await _all(connection, b"1:*", items, modifiers) if selected.exists or resync else []
    flags = {one.uid: one for one in found if one.uid and one.flags is not None}
    if resync:
        gone = _within(known, selected)
    else:
        there = set(flags) if not modseq else set(await connection.search(b"ALL"))
        gone = [uid for uid in known if uid not in there]
    state = max([selected.highest_modseq, modseq, *(one.modseq for one in flags.values())])
    return FolderChanges(
        flags=tuple(_flags_now(one) for one in flags.values()),
        vanished=tuple(map(str, gone)),
        state=str(state) if state else "",
    )


async def find_message_ids(
    connection: ImapConnection, messages: Sequence[RemoteMessage]
) -> dict[str, bytes]:
    """Message-IDs by key; b"" for none. Raises ImapFailure."""
    step = connection.limits.set_numbers
    uids = sorted(int(message.key) for message in messages)
    sets = (encode_numbers(uids[start : start + step]) for start in range(0, len(uids), step))
    found = {message.key: b"" for message in messages}
    async with aclosing(connection.fetch(sets, _HEADER)) as stream:
        async for one in stream:
            if not isinstance(one, Fetched):
                _check(one)
                continue
            octets = one.body.octets if isinstance(one.body, ServerLiteral) else one.body
            one.discard()
            key = str(one.uid)
            if key in found and octets:
                found[key] = message_id(octets.partition(b":")[2].strip())
    return found


def _too_many(most: int) -> SourceFailure:
    """Of one folder alone: the others come."""
    return SourceFailure(
        "gone",
        f"The folder has more than {most} messages, and is left where it is. The administrator can "
        "allow more (collect.imap_limits.max_folder_messages).",
    )


async def _all(
    connection: ImapConnection, uids: bytes, items: bytes, modifiers: bytes = b""
) -> list[Fetched]:
    """One FETCH. Raises ImapFailure."""
    most = connection.limits.max_folder_messages
    found: list[Fetched] = []
    async with aclosing(connection.fetch([uids], items, modifiers=modifiers)) as stream:
        async for one in stream:
            if isinstance(one, SetEnd):
                _check(one)
            elif len(found) >= most:
                raise _too_many(most)
            else:
                one.discard()
                found.append(one)
    return found


def _check(end: SetEnd) -> None:
    if end.condition.kind != "OK":
        raise refusal("fetch", end.condition)


def _flags_now(one: Fetched) -> FlagsNow:
    bits, keywords = read_flags(one.flags or b"")
    return FlagsNow(str(one.uid), bits, keywords)


def _within(known: Sequence[int], selected: Selected) -> list[int]:
    gone: set[int] = set()
    for ranges in selected.vanished:
        for low, high in ranges:
            gone.update(known[bisect_left(known, low) : bisect_right(known, high)])
    return sorted(gone)
