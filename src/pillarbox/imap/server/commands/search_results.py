"""How results are told: SEARCH, SORT or ESEARCH, and what `$` then holds.

RFC 9051 §6.4.4, §7.3.4; RFC 4731; RFC 5182 §2.4 and RFC 5267 §3 (order of a sort kept).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pillarbox.imap.server.command import Hooks
from pillarbox.imap.server.context import Context
from pillarbox.imap.wire import responses
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.sequence_set import encode_numbers


@dataclass(frozen=True, slots=True)
class Found:
    """A search's outcome: indexes of the mailbox in the order of the result."""

    indexes: Sequence[int]
    numbers: Sequence[int]  # the same as sequence numbers or UIDs, as the command wants


Pick = Callable[[Sequence[int]], Sequence[int]]  # of the indexes, those that an option tells


@dataclass(frozen=True, slots=True)
class SearchReturn:
    """A result option: its value (None: it is left out) and the messages that it tells of."""

    value: Callable[[Found], bytes | None]
    picks: Pick


def _all(indexes: Sequence[int]) -> Sequence[int]:
    return indexes


def _first(indexes: Sequence[int]) -> Sequence[int]:
    return indexes[:1]


def _last(indexes: Sequence[int]) -> Sequence[int]:
    return indexes[-1:]


BASE_RETURNS: dict[str, SearchReturn] = {
    "MIN": SearchReturn(lambda f: b"%d" % f.numbers[0] if f.numbers else None, _first),
    "MAX": SearchReturn(lambda f: b"%d" % f.numbers[-1] if f.numbers else None, _last),
    "ALL": SearchReturn(lambda f: encode_numbers(f.numbers) or None, _all),
    "COUNT": SearchReturn(lambda f: b"%d" % len(f.numbers), _all),
}


@dataclass(frozen=True, slots=True)
class Returns:
    """What stood behind RETURN; nothing asks for ALL."""

    options: Mapping[str, SearchReturn]
    save: bool = False

    @property
    def is_silent(self) -> bool:
        """SAVE alone answers nothing (RFC 9051 §6.4.4)."""
        return self.save and not self.options


def parse_returns(reader: Reader, hooks: Hooks) -> Returns | None:
    """`RETURN (…) ` when it comes next, the space behind it taken too."""
    if not reader.take_any_case(b"RETURN ("):
        return None
    options: dict[str, SearchReturn] = {}
    save = False
    while not reader.take(b")"):
        if options or save:
            reader.space()
        name = reader.word()
        known: SearchReturn | None = BASE_RETURNS.get(name) or hooks.search_returns.get(name)
        if name == "SAVE":
            save = True
        elif known is None:
            raise BadSyntax(f"There is no result option {name[:40]}.")
        else:
            options[name] = known
    reader.space()
    if not options and not save:
        options = {"ALL": BASE_RETURNS["ALL"]}
    return Returns(options, save)


@dataclass(frozen=True, slots=True)
class Form:
    """In which words a command tells its result."""

    command: str  # SEARCH or SORT
    uid: bool
    returns: Returns | None
    with_modseq: bool


def tell(ctx: Context, form: Form, uids: Sequence[int], indexes: Sequence[int]) -> None:
    """Send the result, indexes of the mailbox's UIDs, and keep it where that was asked."""
    returns = form.returns
    if returns is not None and returns.save:
        ctx.saved = array("I", sorted(uids[at] for at in _told(returns, indexes)))
        if returns.is_silent:
            return
    numbers = _numbers(uids, indexes, by_uid=form.uid)
    if returns is None and (form.command != "SEARCH" or not ctx.rev2):
        modseq = _highest(ctx, indexes) if form.with_modseq and indexes else None
        ctx.send(responses.Search(numbers, modseq, form.command))
        return
    returns = returns or Returns({"ALL": BASE_RETURNS["ALL"]})
    found = Found(indexes, numbers)
    items = [(name, option.value(found)) for name, option in returns.options.items()]
    told = [(name, value) for name, value in items if value is not None]
    if form.with_modseq and indexes:
        highest = _highest(ctx, _told(returns, indexes))
        told.append(("MODSEQ", b"%d" % highest))
    ctx.send(responses.ESearch(ctx.tag, form.uid, told))


def _numbers(uids: Sequence[int], indexes: Sequence[int], *, by_uid: bool) -> Sequence[int]:
    """What the client calls the messages at these indexes."""
    if isinstance(indexes, range):  # often all that there are
        if by_uid:
            return uids[indexes.start : indexes.stop]
        return range(indexes.start + 1, indexes.stop + 1)
    return [uids[at] for at in indexes] if by_uid else [at + 1 for at in indexes]


def _told(returns: Returns, indexes: Sequence[int]) -> Sequence[int]:
    """The messages that all options together tell of (RFC 4731 §3.2, RFC 5182 §2.4)."""
    if returns.is_silent:
        return indexes
    told = {at for option in returns.options.values() for at in option.picks(indexes)}
    return sorted(told)


def _highest(ctx: Context, indexes: Sequence[int]) -> int:
    modseqs = ctx.selected.modseqs
    return max(modseqs[at] for at in indexes)
