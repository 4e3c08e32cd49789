"""What CAPA answers (RFC 2449 §5): exactly what works on this connection now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pillarbox.config.pop3 import Pop3Settings


def capabilities(
    settings: Pop3Settings, *, mechanisms: Sequence[str], user: bool, stls: bool
) -> Iterator[str]:
    """The capability lines. `user`: USER and PASS are taken; `stls`: STLS is."""
    yield "TOP"
    yield "UIDL"
    yield "PIPELINING"
    yield "RESP-CODES"
    yield "AUTH-RESP-CODE"
    if user:
        yield "USER"
    if mechanisms:
        yield "SASL " + " ".join(mechanisms)
    if stls:
        yield "STLS"
    yield "UTF8 USER"
    yield "LANG"
    yield "EXPIRE NEVER" if settings.keep_retrieved else "EXPIRE 0"
    yield f"LOGIN-DELAY {settings.login_delay_seconds}"
    yield "IMPLEMENTATION Pillarbox"
