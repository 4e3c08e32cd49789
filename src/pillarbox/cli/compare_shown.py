"""A comparison in words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pillarbox.cli.collect_told import count, in_order
from pillarbox.cli.output import plain, print_json, print_table, size
from pillarbox.clock import from_unix_seconds
from pillarbox.flow.collect.compare import Comparison, Difference
from pillarbox.flow.collect.folders import tell_unknown

MOST_LINES = 20  # differences of one sort that are shown to a person; --json has more


def print_comparison(found: Comparison, *, as_json: bool) -> int:
    """Exit code 0: nothing is missing."""
    if as_json:
        value = {"complete": found.complete, "sentence": verdict(found)}
        print_json(value | msgspec.to_builtins(found))
        return 0 if found.complete else 1
    for line in tell(found):
        print(line)
    return 0 if found.complete else 1


def tell(found: Comparison) -> list[str]:
    """Everything in lines but the table, which is printed."""
    rows = [
        (
            one.folder,
            one.mailbox,
            one.there,
            one.equal,
            one.elsewhere + one.copies,
            one.missing,
            one.flags_differ,
            one.only_here,
        )
        for one in sorted(found.folders, key=lambda one: in_order(one.folder))
    ]
    heads = ("FOLDER", "HERE", "THERE", "EQUAL", "ELSEWHERE", "MISSING", "FLAGS DIFFER", "NEW HERE")
    print_table(heads, rows)
    lines = [""]
    for folder in found.left_out:
        lines.append(f"{plain(folder.folder)} was left out: {folder.why}")
    lines += map(tell_unknown, map(plain, found.unknown))
    lines += _notes("Missing", found.missing, found.total("missing"))
    lines += _notes("Could not be read there", found.unread, found.total("unread"))
    lines += _notes("In another mailbox here", found.elsewhere, 0)
    lines += _notes("Flags differ", found.flags, found.total("flags_differ"))
    dates = found.total("dates_differ")
    if dates:
        lines.append(f"{count(dates)} came here at another time than there, by their dates.")
    there = found.total("there")
    how = "each by its octets" if found.by_octets else "by Message-ID and size"
    if found.read and not found.by_octets:
        how += f", {found.read} of them by their octets"
    lines.append(f"Compared {count(there)} in {count(len(rows), 'folder')}, {how}.")
    lines.append(verdict(found))
    return lines


def verdict(found: Comparison) -> str:
    """The sentence that counts."""
    missing, unread = found.total("missing"), found.total("unread")
    if missing:
        folders = sum(1 for one in found.folders if one.missing)
        return (
            f"MISSING: {count(missing)} of {count(folders, 'folder')} cannot be found here. The "
            "same import again brings what was not brought yet; what was deleted here since stays "
            "deleted."
        )
    if unread:
        return (
            f"IN DOUBT: {count(unread)} could not be read there, so that it is not "
            "known whether anything is missing. Try again, or look at them there."
        )
    if not found.complete:
        return "IN DOUBT: not all that was asked for could be compared."
    return "OK: nothing is missing."


def _notes(title: str, notes: Sequence[Difference], total: int) -> list[str]:
    if not notes:
        return []
    lines = [f"{title}:"]
    for note in notes[:MOST_LINES]:
        when = ""
        if note.received_at is not None:
            when = from_unix_seconds(note.received_at).strftime(", %Y-%m-%d %H:%M:%S UTC")
        about = f"{size(note.size)}{when}" if note.size else when.removeprefix(", ")
        lines.append(f"  {plain(note.folder)}, {plain(note.key)} ({about}): {plain(note.what)}")
    more = max(total, len(notes)) - len(notes[:MOST_LINES])
    return [*lines, f"  … and {more} more"] if more else lines
