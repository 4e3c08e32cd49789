"""Long listings in little room: some 50 octets a message, made into values when looked at."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import overload

from pillarbox.flow.collect.source import RemoteMessage

_UNKNOWN = -(1 << 62)


class Located(RemoteMessage, frozen=True):
    """A message that also knows where it is: only its own source can tell what the numbers say."""

    file: int = 0
    start: int = 0
    end: int = 0


class Listing(Sequence[RemoteMessage]):
    """Messages in the order in which they were added."""

    def __init__(self) -> None:
        self._keys = array("Q")
        self._repeats: dict[int, int] = {}  # index → how many before it have the same key
        self._seen: set[int] = set()
        self._repeated: dict[int, int] = {}  # key → how many there are
        self._files = array("L")
        self._spans = array("Q")
        self._flags = array("H")
        self._received = array("q")
        self._words: dict[str, int] = {"": 0}
        self._keywords = array("L")
        self._word_list = [""]

    def add(
        self, key: int, place: tuple[int, int, int], flags: int, keywords: str, received: int | None
    ) -> None:
        """A message with a key of 64 bits out of its content; `place`: file, start and end."""
        if key in self._seen:
            before = self._repeats[len(self._keys)] = self._repeated.get(key, 1)
            self._repeated[key] = before + 1
        self._seen.add(key)
        self._keys.append(key)
        self._files.append(place[0])
        self._spans.extend(place[1:])
        self._flags.append(flags)
        self._received.append(_UNKNOWN if received is None else received)
        if keywords not in self._words:
            self._words[keywords] = len(self._word_list)
            self._word_list.append(keywords)
        self._keywords.append(self._words[keywords])

    def finish(self) -> None:
        """Nothing is added from now on."""
        self._seen, self._repeated = set(), {}

    def octets(self) -> int:
        """Of all messages, as they are in the file."""
        return sum(self._spans[1::2]) - sum(self._spans[::2])

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> RemoteMessage: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RemoteMessage]: ...

    def __getitem__(self, index: int | slice) -> RemoteMessage | Sequence[RemoteMessage]:
        if isinstance(index, slice):
            return [self._get(one) for one in range(*index.indices(len(self)))]
        return self._get(range(len(self))[index])

    def __iter__(self) -> Iterator[RemoteMessage]:
        return (self._get(index) for index in range(len(self)))

    def _get(self, index: int) -> Located:
        repeat = self._repeats.get(index)
        key = f"{self._keys[index]:016x}"
        start, end = self._spans[index * 2], self._spans[index * 2 + 1]
        received = self._received[index]
        return Located(
            key=key if repeat is None else f"{key}.{repeat}",
            size=end - start,
            flags=self._flags[index],
            keywords=self._word_list[self._keywords[index]],
            received_at=None if received == _UNKNOWN else received,
            file=self._files[index],
            start=start,
            end=end,
        )
