"""[smtp]: what SMTP, submission and LMTP accept, and for how long they wait."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

_DAY = 86_400


class SmtpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of the SMTP door; the floors are those of RFC 5321 §4.5.3."""

    max_message_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=2**31 - 1,
            description="Largest message in octets, told to clients as SIZE. 50 MiB is what the "
            "large mail services take with attachments.",
        ),
    ] = 50 * 1024 * 1024
    max_recipients: Annotated[
        int,
        Meta(
            ge=100,
            le=100_000,
            description="Recipients of one message, told to clients as LIMITS RCPTMAX. RFC 5321 "
            "asks for 100 at least; 1000 lets a club write to its members.",
        ),
    ] = 1000
    max_transactions: Annotated[
        int,
        Meta(
            ge=1,
            description="Messages in one connection, told to clients as LIMITS MAILMAX. A busy "
            "relay reuses connections; ten thousand keeps the log of one session readable.",
        ),
    ] = 10_000
    max_bad_commands: Annotated[
        int,
        Meta(
            ge=1,
            description="Commands answered with an error before the connection is closed with "
            "421. People mistype less; who guesses addresses meets it soon.",
        ),
    ] = 20
    max_idle_commands: Annotated[
        int,
        Meta(
            ge=10,
            description="Commands in a row that bring no message (NOOP, RSET, VRFY …) before the "
            "connection is closed with 421. RCPT does not count.",
        ),
    ] = 500
    max_received_fields: Annotated[
        int,
        Meta(
            ge=30,
            description="Received fields of a message that is taken for a loop and refused. RFC "
            "5321 §6.3 asks for a large number, normally 100 at least.",
        ),
    ] = 100
    max_header_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            description="Largest header of a message in octets. 1 MiB is a thousand recipients "
            "in To with their names; larger ones are made to hurt programs that read them.",
        ),
    ] = 1024 * 1024
    max_authors: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Addresses in the From field of submitted mail; each costs a look into "
            "the directory.",
        ),
    ] = 50
    max_command_octets: Annotated[
        int,
        Meta(
            ge=2048,
            description="Longest command line in octets that is kept in memory. RFC 5321 allows "
            "512 and extensions add to MAIL and RCPT; AUTH may need 12288 (RFC 4954 §4).",
        ),
    ] = 12_288
    max_pipelined_octets: Annotated[
        int,
        Meta(
            ge=4096,
            description="Octets of commands that a client may send ahead of our answers; reading "
            "pauses there. 64 KiB holds a thousand recipients.",
        ),
    ] = 65_536
    command_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=_DAY,
            description="Wait for the next command, to the end of its line. RFC 5321 §4.5.3.2.7 "
            "asks for 5 minutes.",
        ),
    ] = 300.0
    data_block_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=_DAY,
            description="Wait for the next octets of a message. RFC 5321 §4.5.3.2.5 gives the "
            "sender 3 minutes a block.",
        ),
    ] = 180.0
    data_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=_DAY,
            description="Time for all octets of one message. An hour is 50 MiB at 15 KiB/s; a "
            "sender that drips octets cannot hold a place for ever.",
        ),
    ] = 3600.0
    greeting_delay_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Pause before the greeting. A client that speaks in it breaks RFC 5321 "
            "§3.1 and is refused. 5 ms finds programs that send without reading; a real MX may "
            "wait some seconds.",
        ),
    ] = 0.005
    auth_on_mx: Annotated[
        bool,
        Meta(
            description="Whether AUTH is offered on port 25 too. Off: password guessing there "
            "has no target, and programs submit on 465 or 587 (RFC 8314)."
        ),
    ] = False
    vrfy: Annotated[
        bool,
        Meta(
            description="Whether VRFY tells signed-in clients if an address exists. All others "
            "get 252 (RFC 5321 §7.3)."
        ),
    ] = True
    check_from: Annotated[
        bool,
        Meta(
            description="Whether the From field of submitted mail must be one of the account's "
            "addresses. The envelope sender must be one always."
        ),
    ] = True
