"""[store.message]: how far a message is taken apart when it is kept.

What is beyond these bounds is kept and delivered all the same, octet for octet; it is only not
taken apart: deeper parts are one attachment, later header fields are not looked at. Changes hold
for mail that comes from then on.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class MessageSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a message is taken apart; what is beyond is kept whole all the same."""

    max_depth: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Levels of multiparts and enclosed messages; deeper ones are not opened. "
            "Nobody forwards a forwarded message a hundred times.",
        ),
    ] = 100
    max_parts: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Parts of one message; the last one holds the rest. BODYSTRUCTURE of a "
            "thousand parts has some 200 KiB, which each client that looks would be sent.",
        ),
    ] = 1000
    max_part_header_octets: Annotated[
        int,
        Meta(
            ge=4096,
            description="Octets of one header that are looked at for fields. 256 KiB: five "
            "thousand recipients.",
        ),
    ] = 256 * 1024
    max_headers_octets: Annotated[
        int,
        Meta(
            ge=4096,
            description="Octets of all headers of one message, its parts' included, that are "
            "looked at; addresses cost more to read than a body. Of further headers only "
            "`short_header_octets` each.",
        ),
    ] = 1024 * 1024
    short_header_octets: Annotated[
        int,
        Meta(
            ge=128,
            description="Octets looked at of each header behind `max_headers_octets`: enough for "
            "the type and encoding of an ordinary part.",
        ),
    ] = 1024
    max_boundary_octets: Annotated[
        int,
        Meta(
            ge=70,
            le=1000,
            description="Octets of a multipart's boundary. RFC 2046 §5.1.1 allows 70; programs "
            "that make longer ones exist.",
        ),
    ] = 250
    max_near_boundaries: Annotated[
        int,
        Meta(
            ge=100,
            description="Lines that begin with a boundary and go on, until no more are looked at; "
            "each costs a step, and only messages made for it have many.",
        ),
    ] = 10_000
    search_factor: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="How many times its size a message may be searched for boundaries: so many "
            "levels of a large message are opened. Keeps the time in proportion to the size.",
        ),
    ] = 16
    search_octets: Annotated[
        int,
        Meta(
            ge=0,
            description="Octets that may be searched beside that in any case. 16 MiB: all hundred "
            "levels of messages below 160 KiB.",
        ),
    ] = 16 * 1024 * 1024
