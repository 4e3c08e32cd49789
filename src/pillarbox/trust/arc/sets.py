"""ARC sets as they stand in a header: three fields for each instance (RFC 8617 §4.2)."""

from __future__ import annotations

import re

from msgspec import Struct

from pillarbox.message.header import unfold
from pillarbox.trust.dkim.header import Header
from pillarbox.trust.dkim.tags import BadTags, Tags, parse_tags

MAX_SETS = 50  # RFC 8617 §4.2.1
RESULTS = b"arc-authentication-results"
SIGNATURE = b"arc-message-signature"
SEAL = b"arc-seal"
_INSTANCE_DIGITS = 2
_RESULTS_HEAD = re.compile(rb"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([0-9]{1,2})[ \t\r\n]*;")

_ANY_INSTANCE = re.compile(rb"\bi[ \t\r\n]*=[ \t\r\n]*([0-9]{1,2})\b")


class BrokenChain(ValueError):
    """The sets are no chain; the text says why."""


class ArcSet(Struct, frozen=True):
    """The fields of one instance: their places in the header and, where they have any, tags."""

    results: int
    signature: int
    signature_tags: Tags
    seal: int
    seal_tags: Tags

    @property
    def chain_validation(self) -> bytes:
        """cv= of the seal."""
        return self.seal_tags.values.get(b"cv", b"").lower()


def collect_sets(header: Header) -> list[ArcSet]:
    """The sets, oldest first; [] where there is none. Raises BrokenChain (RFC 8617 §5.2)."""
    places = {name: header.indexes(name) for name in (RESULTS, SIGNATURE, SEAL)}
    count = max(map(len, places.values()))
    if count > MAX_SETS:
        raise BrokenChain(f"there are more than {MAX_SETS} sets")
    if {len(indexes) for indexes in places.values()} != {count}:
        raise BrokenChain("a set is not complete")
    results = {_results_instance(header, index): index for index in places[RESULTS]}
    signatures = dict(_tagged(header, index) for index in places[SIGNATURE])
    seals = dict(_tagged(header, index) for index in places[SEAL])
    whole = set(range(1, count + 1))
    if not whole == set(results) == set(signatures) == set(seals):
        raise BrokenChain("the instances are not 1 to the number of sets")
    return [
        ArcSet(results[instance], *signatures[instance], *seals[instance])
        for instance in range(1, count + 1)
    ]


def highest_instance(header: Header) -> int:
    """The largest instance that any ARC field names, however broken the chain is."""
    highest = 0
    for name in (RESULTS, SIGNATURE, SEAL):
        for index in header.indexes(name):
            match = _ANY_INSTANCE.search(header.fields[index].value)
            highest = max(highest, int(match[1]) if match else 0)
    return highest


def payload(header: Header, index: int) -> str:
    """What an ARC-Authentication-Results field says behind its instance."""
    value = header.fields[index].value
    match = _RESULTS_HEAD.match(value)
    return unfold(value[match.end() if match else 0 :]).decode(errors="replace")


def _results_instance(header: Header, index: int) -> int:
    match = _RESULTS_HEAD.match(header.fields[index].value)
    if match is None:
        raise BrokenChain("ARC-Authentication-Results has no instance")
    return int(match[1])


def _tagged(header: Header, index: int) -> tuple[int, tuple[int, Tags]]:
    field = header.fields[index]
    try:
        tags = parse_tags(field.value)
        instance = tags.number(b"i", _INSTANCE_DIGITS)
    except BadTags as error:
        raise BrokenChain(f"{field.name.decode()} is malformed: {error}") from error
    if instance is None:
        raise BrokenChain(f"{field.name.decode()} has no instance")
    return instance, (index, tags)
