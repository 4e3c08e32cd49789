"""[outbound]: how long other servers are waited for, and how much of them is read."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

_FIVE_MINUTES = 300.0


class ClientTimeouts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long another server may take; the values of RFC 5321 §4.5.3.2 where it has one."""

    connect_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description="Seconds until a TCP connection stands. A host that is up answers in "
            "one; 30 outlast four lost packets and soon go on to the next address.",
        ),
    ] = 30.0
    greeting_seconds: Annotated[
        float,
        Meta(ge=1, le=3600, description="Seconds until the greeting; busy servers make one wait."),
    ] = _FIVE_MINUTES
    ehlo_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds until the reply to EHLO or HELO.")
    ] = _FIVE_MINUTES
    tls_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description="Seconds for the reply to STARTTLS, and then for the handshake: some "
            "octets each way and a signature.",
        ),
    ] = 60.0
    auth_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until each reply while signing in; RFC 4954 has "
            "none, and slow password hashes take some.",
        ),
    ] = 180.0
    mail_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds until the reply to MAIL, or to RSET.")
    ] = _FIVE_MINUTES
    rcpt_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until the reply to each RCPT; lists may be "
            "expanded and callers checked meanwhile.",
        ),
    ] = _FIVE_MINUTES
    data_start_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds until the go-ahead for DATA.")
    ] = 120.0
    data_block_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds for the peer to take a block of the message, of "
            "`limits.block_octets`.",
        ),
    ] = 180.0
    data_end_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=7200,
            description="Seconds until the reply to a whole message. Giving up "
            "early makes duplicates, so it is long.",
        ),
    ] = 600.0
    transaction_seconds: Annotated[
        float,
        Meta(
            ge=60,
            le=86_400,
            description="Seconds that one message may take in all, so that a "
            "peer that is only just fast enough ends too: 50 MiB at 8 KiB a second.",
        ),
    ] = 7200.0
    quit_seconds: Annotated[
        float,
        Meta(ge=1, le=300, description="Seconds until the reply to QUIT. Nothing hangs on it."),
    ] = 5.0


class ClientLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of another server's answers is kept, and how much it is sent at a time."""

    max_reply_line_octets: Annotated[
        int,
        Meta(
            ge=512,
            le=65_536,
            description="Longest line of a reply. RFC 5321 §4.5.3.1.5 has "
            "512; some write explanations of a few lines' length into one.",
        ),
    ] = 4096
    max_reply_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=1_048_576,
            description="Longest reply of several lines. The longest "
            "answers to EHLO have some 1,500 octets.",
        ),
    ] = 16_384
    max_recipients: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Recipients of one transaction where the peer names "
            "no limit: RFC 5321 §4.5.3.1.8 promises 100.",
        ),
    ] = 100
    max_transactions: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Messages in one connection where the peer names "
            "no limit; then a new one is made, so that load spreads over its servers.",
        ),
    ] = 1000
    block_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=4_194_304,
            description="Octets of a message that are handed to the "
            "network at a time, and the size of a BDAT chunk; so much of it is in memory.",
        ),
    ] = 262_144
    eager_octets: Annotated[
        int,
        Meta(
            ge=0,
            le=1_048_576,
            description="Largest message that is sent together with its "
            "envelope where the peer takes BDAT: it saves a round trip, and wastes the octets "
            "if all recipients are refused.",
        ),
    ] = 65_536
    max_scram_iterations: Annotated[
        int,
        Meta(
            ge=4096,
            le=100_000_000,
            description="Most rounds of hashing that a server may ask "
            "of us when we sign in by SCRAM. 1,000,000 take half a second; more is an attack.",
        ),
    ] = 1_000_000
