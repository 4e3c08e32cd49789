"""THREAD and UID THREAD (RFC 5256, BASE.6.4.THREAD)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pillarbox.ids import Uid
from pillarbox.imap.server.command import SELECTED, CommandSpec, Done, Hooks
from pillarbox.imap.server.commands.search import Program, find, parse_program
from pillarbox.imap.server.commands.thread_order import (
    Node,
    encode_threads,
    ordered_subject,
    references,
)
from pillarbox.imap.server.context import Context
from pillarbox.imap.wire import responses
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.store import Reader as StoreReader
from pillarbox.store.query import ThreadRow
from pillarbox.store.sql import messages

Algorithm = Callable[[Sequence[ThreadRow], int], list[Node]]
ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        "ORDEREDSUBJECT": lambda rows, _: ordered_subject(rows),
        "REFERENCES": references,
    }
)


@dataclass(frozen=True, slots=True)
class Thread:
    """A whole command."""

    uid: bool
    algorithm: Algorithm
    program: Program


def parse_thread(reader: Reader, hooks: Hooks) -> Thread:
    return _parse(reader, hooks, uid=False)


def parse_uid_thread(reader: Reader, hooks: Hooks) -> Thread:
    return _parse(reader, hooks, uid=True)


def _parse(reader: Reader, hooks: Hooks, *, uid: bool) -> Thread:
    algorithm = ALGORITHMS.get(reader.word())
    if algorithm is None:
        raise BadSyntax("THREAD knows ORDEREDSUBJECT and REFERENCES.")
    reader.space()
    charset = reader.astring()
    reader.space()
    return Thread(uid, algorithm, parse_program(reader, hooks, charset))


async def run(thread: Thread, ctx: Context) -> Done:
    """Search, thread and tell the result."""
    every, indexes = await find(ctx, thread.program)
    account, mailbox = ctx.account, ctx.selected.mailbox.id
    uids = [Uid(every[at]) for at in indexes]
    if thread.uid:
        numbers = {int(uid): int(uid) for uid in uids}
    else:
        numbers = {int(uid): at + 1 for uid, at in zip(uids, indexes, strict=True)}

    max_climb = ctx.settings.max_thread_climb

    async def ask(reader: StoreReader) -> bytes:
        rows = await messages.thread_rows(reader, account, mailbox, uids)
        rows.sort(key=lambda row: row.uid)
        return encode_threads(thread.algorithm(rows, max_climb), numbers)

    ctx.send(responses.Thread(await ctx.store.scan(ask) if uids else b""))
    return Done("done")


COMMANDS = (
    CommandSpec("THREAD", SELECTED, parse_thread, run, uses_seqnums=True),
    # Its keys may be sequence numbers, and then nothing may go meanwhile (RFC 7162 §3.2.10.2).
    CommandSpec("UID THREAD", SELECTED, parse_uid_thread, run, uses_seqnums=True),
)
