"""What another server said to CAPA (RFC 2449 §5). Sans-IO; nonsense is passed over."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Capabilities(msgspec.Struct, frozen=True):
    """What may be used. Servers older than CAPA say nothing and have most of it still."""

    known: bool = False  # it understood CAPA
    sasl: tuple[str, ...] = ()  # mechanisms in upper case
    stls: bool = False
    pipelining: bool = False
    uidl: bool = False
    top: bool = False
    user: bool = False
    utf8: bool = False
    login_delay: int = 0  # seconds between two sessions; 0: it did not say
    expire: str = ""  # "NEVER", or the days for which messages stay there (RFC 2449 §6.7)
    implementation: str = ""


def parse_capabilities(lines: Iterable[str]) -> Capabilities:
    """From the lines of the answer."""
    said: dict[str, list[str]] = {}
    for line in lines:
        words = line.split()
        if words:
            said.setdefault(words[0].upper(), []).extend(words[1:])
    delay = said.get("LOGIN-DELAY", [""])[:1] or [""]
    return Capabilities(
        known=True,
        sasl=tuple(dict.fromkeys(word.upper() for word in said.get("SASL", []))),
        stls="STLS" in said,
        pipelining="PIPELINING" in said,
        uidl="UIDL" in said,
        top="TOP" in said,
        user="USER" in said,
        utf8="UTF8" in said,
        login_delay=int(delay[0]) if delay[0].isascii() and delay[0].isdigit() else 0,
        expire=" ".join(said.get("EXPIRE", [])),
        implementation=" ".join(said.get("IMPLEMENTATION", [])),
    )
