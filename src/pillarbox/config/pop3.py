"""Settings of POP3."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Pop3Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[pop3]` section."""

    exclusive: Annotated[
        bool,
        Meta(
            description="One session at a time for an account, as RFC 1939 wants; off lets "
            "several programs read at once (deleting twice is harmless)."
        ),
    ] = True
    deleted_goes_to: Annotated[
        Literal["nowhere", "trash"],
        Meta(
            description="What becomes of messages deleted over POP3: `nowhere` destroys them, as "
            "POP3 says, `trash` moves them to the account's Trash."
        ),
    ] = "nowhere"
    keep_retrieved: Annotated[
        bool,
        Meta(
            description="Whether messages may stay on the server after they were retrieved "
            "(announced as EXPIRE NEVER); off deletes them at QUIT (EXPIRE 0)."
        ),
    ] = True
    non_ascii_headers: Annotated[
        Literal["surrogate", "refuse"],
        Meta(
            description="What a program that has not said UTF8 gets of a message whose header is "
            "not ASCII (RFC 6856): a `surrogate` with the header encoded, or `refuse` with the "
            "response code UTF8."
        ),
    ] = "surrogate"
    language: Annotated[
        str,
        Meta(description="Language of the answers until a client asks for another (LANG *)."),
    ] = "en"
    login_delay_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=86_400,
            description="Seconds that must pass between two sessions of an account; 0 is none. "
            "Asking costs this server little, so none is needed.",
        ),
    ] = 0
    idle_seconds: Annotated[
        int,
        Meta(
            ge=10,
            le=86_400,
            description="Seconds without a command until the connection is closed, deleting "
            "nothing; RFC 1939 wants 600 or more.",
        ),
    ] = 600
    login_seconds: Annotated[
        int,
        Meta(
            ge=5,
            le=86_400,
            description="The same before sign-in, counted from the connection's beginning for "
            "those who never sign in.",
        ),
    ] = 600
    stalled_seconds: Annotated[
        int,
        Meta(
            ge=5,
            le=3600,
            description="Seconds that a client may leave what we send unread before it is cut off.",
        ),
    ] = 120
    longest_line: Annotated[
        int,
        Meta(
            ge=512,
            le=65_536,
            description="Octets of a command line; RFC 2449 asks for 255, long names need more.",
        ),
    ] = 2048
    longest_response: Annotated[
        int,
        Meta(
            ge=1024,
            le=65_536,
            description="Octets of a line within AUTH; SCRAM needs 1,000, tokens up to 12,000.",
        ),
    ] = 16_384
    input_octets: Annotated[
        int,
        Meta(
            ge=1024,
            le=1_048_576,
            description="Octets of pipelined commands that are read ahead; a client that sends "
            "more waits.",
        ),
    ] = 65_536
    sign_in_failures: Annotated[
        int,
        Meta(ge=1, le=100, description="Failed sign-ins until the connection is closed."),
    ] = 5
    bad_commands: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Commands that are not understood until the connection is closed.",
        ),
    ] = 25
