"""[collect.imap]: how mail is fetched from other IMAP servers; how long they may take, and say."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ImapClientTimeouts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long another IMAP server may take."""

    connect_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description="Seconds until a TCP connection stands. A host that is up answers in one; "
            "30 outlast four lost packets.",
        ),
    ] = 30.0
    greeting_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds until the greeting; busy servers wait.")
    ] = 60.0
    tls_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description="Seconds for the answer to STARTTLS, and then for the handshake.",
        ),
    ] = 60.0
    auth_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until each answer while signing in; servers delay "
            "wrong passwords, and slow password hashes take some.",
        ),
    ] = 120.0
    command_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until each further line of an answer. The first SELECT of a "
            "large folder may make a server read all of it.",
        ),
    ] = 300.0
    whole_command_seconds: Annotated[
        float,
        Meta(
            ge=10,
            le=86_400,
            description="Seconds that one command may take in all, fetching aside, so that a "
            "server that says a line now and then ends, too.",
        ),
    ] = 3600.0
    fetch_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until each further message while fetching, and for each 64 KiB "
            "of a long one, so that a slow line may take its time and a dead one may not.",
        ),
    ] = 120.0
    append_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds for the server to take a block of a message that is stored there, "
            "and until its answer to the whole.",
        ),
    ] = 300.0
    idle_seconds: Annotated[
        float,
        Meta(
            ge=10,
            le=1740,
            description="Seconds after which IDLE is said anew. RFC 2177 §3 has at most 29 "
            "minutes; routers forget silent connections much earlier.",
        ),
    ] = 540.0
    poll_seconds: Annotated[
        float,
        Meta(
            ge=10,
            le=86_400,
            description="Seconds between two looks at a folder where the server knows no IDLE.",
        ),
    ] = 120.0
    redial_seconds: Annotated[
        float,
        Meta(
            ge=0.1,
            le=600,
            description="Seconds before a connection that was cut is made anew; twice as many "
            "each time that nothing came in between.",
        ),
    ] = 1.0
    logout_seconds: Annotated[
        float,
        Meta(ge=0.1, le=300, description="Seconds until the answer to LOGOUT; nothing needs it."),
    ] = 5.0


class ImapClientLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of another IMAP server's answers is kept, and how much is asked for at a time."""

    max_line_octets: Annotated[
        int,
        Meta(
            ge=8192,
            le=67_108_864,
            description="Longest line of an answer. The longest ones are sets of numbers: of the "
            "messages that are gone, some 7 octets each.",
        ),
    ] = 4_194_304
    held_literal_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=1_048_576,
            description="Longest literal that is kept in memory while it arrives. Longer messages "
            "go on to a file piece by piece; any other literal of this length is refused.",
        ),
    ] = 65_536
    max_response_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=134_217_728,
            description="Octets of one answer that are kept in all, with its literals.",
        ),
    ] = 8_388_608
    max_skipped_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=1_099_511_627_776,
            description="Longest message that is read to its end only to be dropped, because it "
            "is larger than is taken here. Where a longer one is announced the connection ends.",
        ),
    ] = 1_073_741_824
    read_ahead_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=67_108_864,
            description="Octets that wait here unread before the server is made to wait.",
        ),
    ] = 1_048_576
    max_folders: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Folders of one account; a list that is longer is refused.",
        ),
    ] = 50_000
    max_folder_messages: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000_000,
            description="Messages of one folder, of each of which some 200 octets are in memory "
            "while it is open; a larger folder is refused.",
        ),
    ] = 5_000_000
    max_unasked: Annotated[
        int,
        Meta(
            ge=100,
            le=100_000_000,
            description="Answers to one command that it did not ask for, such as changes made by "
            "others meanwhile, before the server is taken to be broken.",
        ),
    ] = 1_000_000
    fetch_messages: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Messages that one FETCH asks for. Some servers answer a long one only as "
            "a whole, and what arrived is lost where a connection breaks.",
        ),
    ] = 100
    fetch_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=1_073_741_824,
            description="Octets that one FETCH asks for, by the sizes in the server's list; at "
            "least one message.",
        ),
    ] = 2_097_152
    fetches_in_flight: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="FETCH commands that are sent before the first is answered, so that the "
            "line never stands still.",
        ),
    ] = 3
    set_numbers: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Messages that one STORE, MOVE or EXPUNGE names: RFC 2683 §3.2.1.5 has "
            "servers take lines of 8,000 octets.",
        ),
    ] = 500
    max_redials: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="How often in a row a connection that was cut is made anew at once though "
            "no message came in between. After that it is a matter for the next run.",
        ),
    ] = 5
    max_scram_iterations: Annotated[
        int,
        Meta(
            ge=4096,
            le=100_000_000,
            description="Most rounds of hashing that a server may ask of us when we sign in by "
            "SCRAM. 1,000,000 take half a second; more is an attack.",
        ),
    ] = 1_000_000
    compress_level: Annotated[
        int,
        Meta(
            ge=1,
            le=9,
            description="How hard zlib tries with what we send, where COMPRESS is used: 1 is "
            "fast, 9 is small. What comes is compressed by the server.",
        ),
    ] = 6
