"""[reports]: what we tell other domains about their mail once a day, and what they tell us."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ReportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """DMARC aggregate reports (RFC 7489 §7.2) and TLS reports (RFC 8460), both ways."""

    dmarc: Annotated[
        bool,
        Meta(
            description="Whether domains that ask for it by DMARC are told once a day how mail in "
            "their name was judged here. It holds addresses of their senders and counts, nothing "
            "about recipients or content."
        ),
    ] = True
    tls: Annotated[
        bool,
        Meta(
            description="Whether domains that ask for it (RFC 8460) are told once a day how well "
            "their mail hosts could be reached by TLS."
        ),
    ] = True
    organization: Annotated[
        str,
        Meta(max_length=200, description="Who reports; empty: server.hostname."),
    ] = ""
    contact: Annotated[
        str,
        Meta(
            max_length=320,
            description="The address that reports come from, where people may ask about them; "
            "empty: postmaster at server.hostname. Its domain should have a DKIM key, or one of "
            "the domains above it: unsigned reports are not believed. Where it has no dot, such "
            "as localhost, no reports are sent.",
        ),
    ] = ""
    addresses: Annotated[
        tuple[str, ...],
        Meta(
            max_length=20,
            description="Addresses of ours that others send their reports to: what we publish "
            "with rua=. What comes there stays mail, and is also read and kept for `pillarbox "
            "reports list`.",
        ),
    ] = ()
    spread_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=72_000,
            description="Reports go out within so many seconds after midnight UTC, each domain's "
            "at its own time. Four hours: all the world reports at midnight, and receivers like "
            "the rest.",
        ),
    ] = 14_400
    max_a_day: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Reports that are sent on one day (UTC) at most. 2000 are the domains "
            "that write to a server for thousands of people; a flood of made-up ones ends there.",
        ),
    ] = 2000
    give_up_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=240,
            description="Hours after its time in which a report that could not be made or handed "
            "over is tried again. RFC 8460 §5.5 asks for 24.",
        ),
    ] = 24
    max_rows: Annotated[
        int,
        Meta(
            ge=1,
            le=20_000,
            description="Rows of one domain's day: sources and results that differ. A sender "
            "that makes up more is counted no further on that day; 2000 make a report of 100 KiB.",
        ),
    ] = 2000
    max_pending: Annotated[
        int,
        Meta(
            ge=100,
            le=1_000_000,
            description="Rows that a worker holds in memory between two writes; at about 1 KiB "
            "each. What does not fit is not reported.",
        ),
    ] = 5000
    flush_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3600,
            description="Seconds between writes of what was counted: what a crash loses of it.",
        ),
    ] = 30.0
    round_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3600,
            description="Seconds between looks for reports that are due and for those that came. "
            "Nobody waits for either; a minute costs nothing.",
        ),
    ] = 60.0
    max_received_a_day: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            description="Reports of others that are read on one day (UTC) at most; the rest stays "
            "mail. Anybody can send them, and each takes up to 128 KiB of the store; 1000 are "
            "what the world's large receivers send to a hundred domains.",
        ),
    ] = 1000
    keep_days: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Days for which reports, received and sent, are kept for `pillarbox "
            "reports`. A year and a month lets the same month be compared.",
        ),
    ] = 400
