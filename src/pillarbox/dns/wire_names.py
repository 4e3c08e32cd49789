"""Names in a DNS message, where the end of one may stand elsewhere (RFC 1035 §4.1.4)."""

from __future__ import annotations

Labels = tuple[bytes, ...]

MAX_NAME_OCTETS = 255
MAX_LABEL_OCTETS = 63
MAX_HOPS = 32  # pointers from one to the next; servers write two or three
_POINTER = 0xC0


class MalformedReply(Exception):
    """Octets that are no answer, or an answer that contradicts itself."""


class NameReader:
    """Reads each place once, however many names point to it."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._known: dict[int, tuple[Labels, int, int]] = {}  # start → labels, their size, end

    def read(self, at: int) -> tuple[Labels, int]:
        """The labels of the name at `at`, and where it ends there.

        Raises MalformedReply, and IndexError past the end.
        """
        labels, _, end = self._read(at, MAX_HOPS)
        return labels, end

    def _read(self, start: int, hops: int) -> tuple[Labels, int, int]:
        known = self._known.get(start)
        if known is not None:
            return known
        octets, at, labels, size = self._octets, start, list[bytes](), 1
        while length := octets[at]:
            if length & _POINTER == _POINTER:
                target = (length & 0x3F) << 8 | octets[at + 1]
                if target >= start or not hops:
                    raise MalformedReply  # only what came before can be pointed to
                rest, rest_size, _ = self._read(target, hops - 1)
                labels += rest
                size += rest_size - 1
                at += 1
                break
            if length > MAX_LABEL_OCTETS or at + 1 + length >= len(octets):
                raise MalformedReply
            labels.append(octets[at + 1 : at + 1 + length])
            size += 1 + length
            at += 1 + length
            if size > MAX_NAME_OCTETS:
                raise MalformedReply
        if size > MAX_NAME_OCTETS:
            raise MalformedReply
        found = tuple(labels), size, at + 1
        self._known[start] = found
        return found
