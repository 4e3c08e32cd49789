"""What is done at an IMAP server: marks, moves, deletions, flags of both ways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pillarbox.flow.collect.source import FlagsNow
from pillarbox.flow.collect.sources.imap_flags import flag_words
from pillarbox.imap.client.connection import ImapConnection
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.imap.client.mailbox_names import encode_levels
from pillarbox.imap.client.mailboxes import MailboxEntry
from pillarbox.store.model import DELIMITER


async def mark(connection: ImapConnection, uids: Sequence[int]) -> list[int]:
    r"""\Seen. Raises ImapFailure where nothing was done."""

    async def work(some: Sequence[int]) -> None:
        await connection.store(some, b"+FLAGS", ["\\Seen"])

    return await _in_parts(connection, uids, work)


async def delete(connection: ImapConnection, uids: Sequence[int]) -> list[int]:
    """Remove them for good. Raises ImapFailure where nothing was done."""

    async def work(some: Sequence[int]) -> None:
        await connection.store(some, b"+FLAGS", ["\\Deleted"])
        await connection.expunge(some)

    return await _in_parts(connection, uids, work)


async def move(connection: ImapConnection, uids: Sequence[int], target: bytes) -> list[int]:
    """To another folder, which is made if need be. Raises ImapFailure where nothing was done."""

    async def work(some: Sequence[int]) -> None:
        try:
            await connection.move(some, target)
        except ImapFailure as failure:
            if failure.code_name != "TRYCREATE":
                raise
            await connection.create(target)
            await connection.subscribe(target)
            await connection.move(some, target)

    return await _in_parts(connection, uids, work)


def target_name(path: str, entries: Mapping[str, MailboxEntry]) -> bytes:
    """The name of a folder there; of one that is to be made, as the others are named."""
    if path in entries:
        return entries[path].name
    delimiter = next((one.delimiter for one in entries.values() if one.delimiter), "")
    return encode_levels(path.split(DELIMITER), delimiter or DELIMITER, utf8=False)


async def set_flags(connection: ImapConnection, changes: Sequence[FlagsNow]) -> list[str]:
    """Make the flags those given; keys for which all of it is done. Raises ImapFailure.

    What a server keeps only in part is not done: whoever asks would take the rest for removed.
    """
    selected = connection.selected
    if selected is None or selected.read_only:
        return []
    alike: dict[tuple[int, str], list[int]] = {}
    for change in changes:
        alike.setdefault((change.flags, change.keywords), []).append(int(change.key))
    found: list[str] = []
    for (bits, keywords), uids in alike.items():
        wanted = flag_words(bits, keywords)
        words = [word for word in wanted if selected.may_set(word)]
        done, _ = await connection.store(uids, b"FLAGS", words)
        if len(words) == len(wanted):
            found += map(str, done)
    return found


async def _in_parts(
    connection: ImapConnection,
    uids: Sequence[int],
    work: Callable[[Sequence[int]], Awaitable[None]],
) -> list[int]:
    """As much as can be done before something fails."""
    done: list[int] = []
    step = connection.limits.set_numbers
    for start in range(0, len(uids), step):
        some = uids[start : start + step]
        try:
            await work(some)
        except ImapFailure:
            if not done:
                raise
            return done
        done += some
    return done
