"""[collect.pop3_timeouts, collect.pop3_limits]: other providers' POP3 servers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Pop3ClientTimeouts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long another POP3 server may take."""

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
    ] = 60.0
    tls_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description="Seconds for the answer to STLS, and then for the handshake: some octets "
            "each way and a signature.",
        ),
    ] = 60.0
    auth_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until each answer while signing in. Opening a large maildrop "
            "happens in it, and wrong passwords are answered late on purpose.",
        ),
    ] = 180.0
    command_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until the first line of an answer. UIDL of 100,000 messages, or "
            "a message from slow storage, take a minute with some.",
        ),
    ] = 180.0
    body_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds in which some octets of a long answer must arrive.",
        ),
    ] = 120.0
    message_seconds: Annotated[
        float,
        Meta(
            ge=10,
            le=86_400,
            description="Seconds that one whole long answer may take, so that a server that sends "
            "an octet now and then ends, too: 50 MiB at 16 KiB a second.",
        ),
    ] = 3600.0
    quit_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until the answer to QUIT. It says what was deleted, and deleting "
            "thousands of messages takes a while.",
        ),
    ] = 300.0


class Pop3ClientLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of another POP3 server's answers is kept, and how much is asked for at a time."""

    max_line_octets: Annotated[
        int,
        Meta(
            ge=512,
            le=65_536,
            description="Longest line of an answer that is no message. RFC 2449 has 512 octets; "
            "some servers write web addresses and explanations into one line.",
        ),
    ] = 8192
    max_messages: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000_000,
            description="Most messages of a maildrop that are listed; some hundred octets of "
            "memory each. What is beyond comes when those before it are gone.",
        ),
    ] = 500_000
    max_capabilities: Annotated[
        int,
        Meta(ge=10, le=10_000, description="Lines of an answer to CAPA; servers have some 20."),
    ] = 200
    max_header_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=16_777_216,
            description="Most octets of an answer to TOP, by which messages are told apart where "
            "a server has no names for them. Headers have up to some 50 KiB.",
        ),
    ] = 1_048_576
    max_hashed_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=1_073_741_824,
            description="Octets of a message by which it is told apart where a server has neither "
            "names (UIDL) nor TOP. All of them are read, at each visit.",
        ),
    ] = 67_108_864
    pipeline_commands: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Commands on the way at a time where the server says that it takes them "
            "so (PIPELINING). It hides the way there and back; more of them brings nothing.",
        ),
    ] = 32
    unread_octets: Annotated[
        int,
        Meta(
            ge=16_384,
            le=67_108_864,
            description="Octets that may wait here before the server is made to wait.",
        ),
    ] = 1_048_576
    drain_octets: Annotated[
        int,
        Meta(
            ge=0,
            le=1_073_741_824,
            description="Octets that are read and thrown away when a run ends while messages are "
            "on the way, so that those that are safe here can still be deleted there. Beyond "
            "them the connection is given up, and they are deleted the next time.",
        ),
    ] = 33_554_432
    max_scram_iterations: Annotated[
        int,
        Meta(
            ge=4096,
            le=100_000_000,
            description="Most rounds of hashing that a server may ask of us when we sign in by "
            "SCRAM. 1,000,000 take half a second; more is an attack.",
        ),
    ] = 1_000_000
