"""Sets of sequence numbers or UIDs (RFC 9051 §9 sequence-set): parse, resolve, write.

Kept free of other imports but the wire's error, so that it can be compiled.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pillarbox.imap.wire.errors import BadSyntax

STAR = 0  # "*" in a range: no number is 0
_MAX = 2**32 - 1

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Ranges as they were written; `*` is STAR, and `$` is `saved` with no ranges."""

    ranges: Ranges
    saved: bool = False  # the result of the last SEARCH that saved one (RFC 9051 §6.4.4.1)

    @property
    def has_star(self) -> bool:
        """Whether `*` occurs."""
        return any(low == STAR or high == STAR for low, high in self.ranges)

    @property
    def largest(self) -> int:
        """The largest number that is written out; 0 where there is none."""
        return max((max(pair) for pair in self.ranges), default=0)

    def resolve(self, last: int) -> list[tuple[int, int]]:
        """Ascending ranges that neither touch nor overlap, `*` being `last`."""
        pairs = []
        for low, high in self.ranges:
            low, high = low or last, high or last
            pairs.append((low, high) if low <= high else (high, low))
        return merge_ranges(pairs)


def merge_ranges(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same numbers as ascending ranges with gaps between them."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pairs):
        if merged and low <= merged[-1][1] + 1:
            if high > merged[-1][1]:
                merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return merged


def parse_sequence_set(octets: bytes) -> SequenceSet:
    """Raises BadSyntax unless `octets` are a whole set, such as `2,4:7,12:*` or `$`."""
    if octets == b"$":
        return SequenceSet((), saved=True)
    ranges = []
    for piece in octets.split(b","):
        low, colon, high = piece.partition(b":")
        first = _number(low)
        ranges.append((first, _number(high) if colon else first))
    return SequenceSet(tuple(ranges))


def _number(octets: bytes) -> int:
    if octets == b"*":
        return STAR
    if octets.isdigit() and len(octets) <= 10:
        number = int(octets)
        if 0 < number <= _MAX:
            return number
    raise BadSyntax("A message set has numbers from 1 on, such as 2,4:7,12:*.")


def indexes_within(numbers: Sequence[int], ranges: Iterable[tuple[int, int]]) -> list[range]:
    """Which stretches of the ascending `numbers` the ranges cover, as ranges of indexes."""
    found = []
    for low, high in ranges:
        start, stop = bisect_left(numbers, low), bisect_right(numbers, high)
        if start < stop:
            found.append(range(start, stop))
    return found


def ranges_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of numbers that follow one another, in the order given."""
    if isinstance(numbers, range) and numbers.step == 1:
        return [(numbers.start, numbers.stop - 1)] if numbers else []
    runs: list[tuple[int, int]] = []
    first = last = -1
    for number in numbers:
        if number == last + 1 and first >= 0:
            last = number
            continue
        if first >= 0:
            runs.append((first, last))
        first = last = number
    if first >= 0:
        runs.append((first, last))
    return runs


def missing_from(
    numbers: Sequence[int], ranges: Iterable[tuple[int, int]], last: int
) -> list[tuple[int, int]]:
    """What of the ranges, up to `last`, is not among the ascending `numbers`."""
    missing: list[tuple[int, int]] = []
    for low, high in ranges:
        at, high = low, min(high, last)
        for index in range(bisect_left(numbers, low), bisect_right(numbers, high)):
            if numbers[index] > at:
                missing.append((at, numbers[index] - 1))
            at = numbers[index] + 1
        if at <= high:
            missing.append((at, high))
    return missing


def encode_ranges(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Ranges as a set; a range of one is written as a number."""
    return ",".join([str(a) if a == b else f"{a}:{b}" for a, b in ranges]).encode("ascii")


def encode_numbers(numbers: Iterable[int]) -> bytes:
    """Numbers as a compact set, in the order given (COPYUID pairs them up by it)."""
    return encode_ranges(ranges_of(numbers))
