"""Flags as clients write them → bits and keywords as the store keeps them (RFC 9051 §2.3.2)."""

from __future__ import annotations

from collections.abc import Iterable

from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.store.model import FLAGS_BY_FOLDED_NAME


def parse_flags(names: Iterable[str]) -> tuple[int, str]:
    r"""Bits, and the other keywords separated by spaces.

    `\Recent` is the server's alone and passed over; other unknown `\` flags are errors.
    """
    bits = 0
    keywords: list[str] = []
    for name in names:
        folded = name.lower()
        flag = FLAGS_BY_FOLDED_NAME.get(folded)
        if flag is not None:
            bits |= flag
        elif not name.startswith("\\"):
            keywords.append(name)
        elif folded != "\\recent":
            raise BadSyntax(f"There is no flag {name}.")
    return bits, " ".join(keywords)
