"""The `[imap]` section."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class ImapSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits and time-outs of the IMAP door. Octets and seconds unless said otherwise."""

    login_timeout: Annotated[
        int,
        Meta(
            ge=5,
            description="Seconds until a connection that has not signed in is closed; a mail "
            "program signs in at once, a person typing needs a minute.",
        ),
    ] = 180
    idle_timeout: Annotated[
        int,
        Meta(
            ge=1800,
            description="Seconds without a command until a signed-in connection is closed; "
            "RFC 9051 §5.4 asks for 30 minutes at least, and mail programs rely on it.",
        ),
    ] = 1860
    command_timeout: Annotated[
        int,
        Meta(
            ge=10,
            description="Seconds that the rest of a begun command (a literal, above all) may keep "
            "silent before the connection is closed; slow lines pause, dead ones never end.",
        ),
    ] = 300
    whole_command_timeout: Annotated[
        int,
        Meta(
            ge=10,
            le=86_400,
            description="Seconds from the first octet of a command until its last must have come; "
            "an hour is 50 MiB at 15 KiB/s. A client that drips octets, each before "
            "`command_timeout`, cannot hold a place and a half message for ever.",
        ),
    ] = 3600
    write_timeout: Annotated[
        int,
        Meta(
            ge=10,
            description="Seconds that a client may take no octet of an answer before it is given "
            "up; it holds memory meanwhile.",
        ),
    ] = 300
    max_line: Annotated[
        int,
        Meta(
            ge=8192,
            description="Octets of one command line; RFC 7162 §4 asks for 8192 at least, long "
            "message sets of some programs want more.",
        ),
    ] = 65_536
    max_literal: Annotated[
        int,
        Meta(
            ge=1024,
            description="Octets of one literal that is kept in memory (all but those of APPEND, "
            "which go to a file).",
        ),
    ] = 1_048_576
    max_literal_before_login: Annotated[
        int,
        Meta(
            ge=512,
            description="The same before sign-in; a name and a password are shorter, and a "
            "thousand strangers hold 8 MiB at most.",
        ),
    ] = 8192
    max_command: Annotated[
        int, Meta(ge=16_384, description="Octets of one whole command in memory.")
    ] = 2_097_152
    max_skipped: Annotated[
        int,
        Meta(
            ge=1024,
            description="Octets of a refused command that are read and dropped before the "
            "connection is closed instead; a little more than the largest message keeps programs "
            "going that send without asking.",
        ),
    ] = 134_217_728
    max_pending: Annotated[
        int,
        Meta(
            ge=65_536,
            description="Octets of pipelined commands that are read ahead before reading pauses.",
        ),
    ] = 262_144
    max_append: Annotated[
        int,
        Meta(
            ge=1024,
            description="Octets of one message that APPEND takes; advertised as APPENDLIMIT. The "
            "default fits what other mail systems let through.",
        ),
    ] = 52_428_800
    max_append_total: Annotated[
        int,
        Meta(
            ge=1024,
            description="Octets of all messages of one APPEND (MULTIAPPEND); they lie in temporary "
            "files until the last has come.",
        ),
    ] = 268_435_456
    max_append_messages: Annotated[
        int, Meta(ge=1, description="Messages in one APPEND (MULTIAPPEND).")
    ] = 200
    max_fetch_items: Annotated[
        int,
        Meta(
            ge=20,
            description="Items of one FETCH; a short line could else ask for a whole mailbox a "
            "thousand times over. Programs ask for ten.",
        ),
    ] = 200
    max_search_keys: Annotated[
        int,
        Meta(
            ge=20,
            description="Keys of one SEARCH; each may be a pass over the mailbox. Programs that "
            "search for many senders at once join some hundred by OR.",
        ),
    ] = 1000
    max_search_depth: Annotated[
        int,
        Meta(
            ge=4,
            le=100,
            description="Levels of keys inside keys (NOT, OR, parentheses) of one SEARCH; bounds "
            "the stack.",
        ),
    ] = 32
    max_sort_criteria: Annotated[
        int,
        Meta(
            ge=9,
            description="Criteria of one SORT; each is a pass over all messages found, and there "
            "are nine different ones.",
        ),
    ] = 20
    max_thread_climb: Annotated[
        int,
        Meta(
            ge=50,
            description="Ancestors looked at before THREAD joins two messages; past it the join "
            "counts as a loop. Without it, messages made for it would cost the square of their "
            "number.",
        ),
    ] = 1000
    max_list_patterns: Annotated[
        int, Meta(ge=1, description="Patterns of one LIST; each is tried on each mailbox.")
    ] = 100
    max_list_wildcards: Annotated[
        int,
        Meta(
            ge=2,
            description="Wildcards in all patterns of one LIST; each is a step for each mailbox.",
        ),
    ] = 50
    max_bad_commands: Annotated[
        int,
        Meta(
            ge=3,
            description="Commands in a row that are not understood until the connection is closed; "
            "a program that speaks another protocol is cut off early.",
        ),
    ] = 20
    max_failed_logins: Annotated[
        int, Meta(ge=1, description="Wrong passwords on one connection until it is closed.")
    ] = 5
    idle_keepalive: Annotated[
        int,
        Meta(
            ge=30,
            description="Seconds between the signs of life that an idling client gets; home "
            "routers forget silent connections after some minutes.",
        ),
    ] = 240
    compress: Annotated[
        bool, Meta(description="Offer COMPRESS=DEFLATE (about 64 KiB of memory a connection).")
    ] = True
    max_inflated: Annotated[
        int,
        Meta(
            ge=4096,
            description="Octets that a compressed stream is expanded to at a time; a thousandth "
            "of it may have been sent, so this bounds the memory that a few octets can take.",
        ),
    ] = 65_536
    compress_level: Annotated[
        int, Meta(ge=1, le=9, description="zlib's level; 1 is fast and does most of the work.")
    ] = 1
    disabled_capabilities: Annotated[
        tuple[str, ...],
        Meta(
            description="Capabilities that are not advertised, for mail programs that mishandle "
            'one; for instance ["COMPRESS=DEFLATE"].'
        ),
    ] = ()
