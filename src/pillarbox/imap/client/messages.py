"""Messages of the open mailbox: FETCH, STORE, COPY, MOVE, EXPUNGE, SEARCH, all by UID."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence

import msgspec

from pillarbox.imap.client.commands import Part, flag_list, mailbox, uid_sets
from pillarbox.imap.client.dialogue import Dialogue
from pillarbox.imap.client.failure import ImapFailure, nonsense, refusal
from pillarbox.imap.client.frames import Divert
from pillarbox.imap.client.parser import parse_ranges
from pillarbox.imap.client.responses import Condition, Fetched, Found, Response, ResponseCode
from pillarbox.imap.wire.errors import BadSyntax

_MOST_PAIRS = 1_000_000  # of a COPYUID code


class SetEnd(msgspec.Struct, frozen=True):
    """A FETCH is over: the `number`th set of those given."""

    number: int
    condition: Condition


class Copied(msgspec.Struct, frozen=True):
    """Where messages went (RFC 9051 §7.1 COPYUID); empty where the server does not say."""

    uid_validity: int = 0
    uids: dict[int, int] = {}  # there by here


async def fetch(
    dialogue: Dialogue,
    sets: Iterable[bytes],
    items: bytes,
    *,
    modifiers: bytes = b"",
    divert: Divert | None = None,
    seconds: float | None = None,
) -> AsyncGenerator[Fetched | SetEnd, None]:
    """UID FETCH of each set, several at a time on the way. Raises ImapFailure.

    Whoever takes a body discards it. What else the server says of messages comes along.
    """
    seconds = dialogue.timeouts.fetch_seconds if seconds is None else seconds
    more = enumerate(sets)
    waiting: dict[bytes, int] = {}
    dialogue.abandon()
    dialogue.reader.divert = divert
    # Each message once, and what others do meanwhile.
    most = dialogue.limits.max_folder_messages + dialogue.limits.max_unasked
    try:
        for _ in range(most):
            while len(waiting) < dialogue.limits.fetches_in_flight:
                following = next(more, None)
                if following is None:
                    break
                number, uids = following
                command = (b"UID FETCH ", uids, b" ", items, modifiers)
                waiting[dialogue.start("fetch", *command)] = number
            if not waiting:
                return
            response = dialogue.take("fetch") or await dialogue.receive("fetch", seconds)
            if type(response) is Fetched:
                yield response  # also what nobody asked for: somebody changed flags
            elif isinstance(response, Condition) and response.tag in waiting:
                dialogue.ended(response)
                yield SetEnd(waiting.pop(response.tag), response)
        dialogue.link.close()
        raise nonsense("fetch", "The other server talks without end.")
    finally:
        if waiting and dialogue.is_awaited(next(iter(waiting))):
            dialogue.abandon()


async def store(
    dialogue: Dialogue,
    uids: Iterable[int],
    what: bytes,
    flags: Iterable[str],
    *,
    unchanged_since: int | None = None,
) -> tuple[list[int], list[int]]:
    """UIDs done, and UIDs left alone since they changed meanwhile (RFC 7162 §3.1.3).

    `what`: `+FLAGS`, `-FLAGS` or `FLAGS`. Raises ImapFailure.
    """
    condition = b"" if unchanged_since is None else b" (UNCHANGEDSINCE %d)" % unchanged_since
    words = flag_list(flags)
    done: list[int] = []
    left: list[int] = []
    for octets, chunk in uid_sets(uids, dialogue.limits.set_numbers):
        answer = await dialogue.ask(
            "store", b"UID STORE ", octets, condition, b" ", what, b".SILENT ", words
        )
        modified = _numbers(answer.code, "MODIFIED")
        if answer.kind != "OK" and not modified:
            raise refusal("store", answer)
        left += modified
        done += [uid for uid in chunk if uid not in modified]
    return done, left


async def copy(dialogue: Dialogue, uids: Iterable[int], name: bytes) -> Copied:
    """Raises ImapFailure."""
    return await _copy(dialogue, uids, b"UID COPY ", name)


async def move(dialogue: Dialogue, uids: Sequence[int], name: bytes) -> Copied:
    """MOVE (RFC 6851 §3), or what it stands for where the server does not know it."""
    if not dialogue.capabilities.isdisjoint(("MOVE", "IMAP4REV2")):
        return await _copy(dialogue, uids, b"UID MOVE ", name)
    copied = await copy(dialogue, uids, name)
    await store(dialogue, uids, b"+FLAGS", ["\\Deleted"])
    await expunge(dialogue, uids)
    return copied


async def _copy(dialogue: Dialogue, uids: Iterable[int], command: bytes, name: bytes) -> Copied:
    validity = 0
    pairs: dict[int, int] = {}

    def take(response: Response) -> None:
        if isinstance(response, Condition):
            note(response)

    def note(said: Condition) -> None:  # MOVE says it untagged, before the messages go
        nonlocal validity
        if said.code is not None and said.code.name == "COPYUID":
            validity, found = _copied(said.code)
            pairs.update(found)

    for octets, _ in uid_sets(uids, dialogue.limits.set_numbers):
        parts: tuple[Part, ...] = (command, octets, b" ", mailbox(name))
        note(await dialogue.run("copy", *parts, take=take))
    return Copied(validity, pairs)


async def expunge(dialogue: Dialogue, uids: Sequence[int]) -> None:
    r"""Remove messages that are \Deleted, and no others. Raises ImapFailure.

    Without UIDPLUS (RFC 4315 §2.1), what somebody else marked keeps its mark but for a moment.
    """
    if not dialogue.capabilities.isdisjoint(("UIDPLUS", "IMAP4REV2")):
        for octets, _ in uid_sets(uids, dialogue.limits.set_numbers):
            await dialogue.run("expunge", b"UID EXPUNGE ", octets)
        return
    ours = frozenset(uids)
    others = [uid for uid in await search(dialogue, b"DELETED") if uid not in ours]
    if others:
        await store(dialogue, others, b"-FLAGS", ["\\Deleted"])
    await dialogue.run("expunge", b"EXPUNGE")
    if others:
        await store(dialogue, others, b"+FLAGS", ["\\Deleted"])


async def search(dialogue: Dialogue, criteria: bytes) -> list[int]:
    """UIDs that fit, ascending. Raises ImapFailure."""
    found: set[int] = set()
    limit = dialogue.limits.max_folder_messages

    def take(response: Response) -> None:
        if not isinstance(response, Found):
            return
        found.update(response.numbers)
        if sum(high - low + 1 for low, high in response.all) <= limit:
            found.update(*(range(low, high + 1) for low, high in response.all))
        if len(found) > limit:
            raise ImapFailure("search", f"The folder has more than {limit} messages.")

    extended = not dialogue.capabilities.isdisjoint(("ESEARCH", "IMAP4REV2"))
    command = b"UID SEARCH RETURN (ALL) " if extended else b"UID SEARCH "
    await dialogue.run("search", command + criteria, take=take)
    return sorted(found)


def _numbers(code: ResponseCode | None, name: str) -> list[int]:
    if code is None or code.name != name:
        return []
    try:
        ranges = parse_ranges(code.argument)
    except BadSyntax:
        return []
    if sum(high - low + 1 for low, high in ranges) > _MOST_PAIRS:
        return []
    return [number for low, high in ranges for number in range(low, high + 1)]


def _copied(code: ResponseCode) -> tuple[int, dict[int, int]]:
    """From COPYUID; nothing where it makes no sense."""
    words = code.argument.split()
    if len(words) != 3 or not words[0].isdigit() or len(words[0]) > 10:
        return 0, {}
    here, there = (_numbers(ResponseCode("", word), "") for word in words[1:])
    return int(words[0]), dict(zip(here, there, strict=True)) if len(here) == len(there) else {}


def appended_uids(code: ResponseCode | None) -> tuple[int, list[int]]:
    """UIDVALIDITY and UIDs from APPENDUID; 0 and none where it makes no sense."""
    words = code.argument.split() if code is not None and code.name == "APPENDUID" else []
    if len(words) != 2 or not words[0].isdigit() or len(words[0]) > 10:
        return 0, []
    return int(words[0]), _numbers(ResponseCode("", words[1]), "")
