"""[collect.intake]: how mail from elsewhere is put into mailboxes, and what waits for a yes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class IntakeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of one run of collecting."""

    batch_messages: Annotated[
        int,
        Meta(
            ge=1,
            le=5000,
            description="Messages that share one transaction at most. Measured: with 200, the "
            "commit costs little beside the messages, and nobody waits for it for long.",
        ),
    ] = 200
    batch_octets: Annotated[
        int,
        Meta(
            ge=1024,
            description="Octets of the messages that share one transaction, one message more at "
            "most. 16 MiB bounds what a run holds in memory to twice that.",
        ),
    ] = 16 * 1024 * 1024
    batch_seconds: Annotated[
        float,
        Meta(
            gt=0,
            description="After so many seconds what has come is put into its mailbox, full batch "
            "or not: a source that is slow loses no more than this to a cut.",
        ),
    ] = 5.0
    reopenings: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            description="How often a run opens one folder again that was numbered anew while it "
            "was read; then it goes on with the next folder. 3: more is no accident.",
        ),
    ] = 3
    settle_keys: Annotated[
        int,
        Meta(
            ge=1,
            description="Messages that are marked, moved or deleted at the source in one visit; "
            "the others follow in the next run. 100000 bounds the memory that they take.",
        ),
    ] = 100_000
    deletions_unasked: Annotated[
        int,
        Meta(
            ge=0,
            description="Two ways: so many messages of a folder may go at once without asking. "
            "A folder that loses more, and more than `deletions_unasked_percent`, is left alone "
            "until someone confirms it: the other side may be broken or half restored.",
        ),
    ] = 20
    deletions_unasked_percent: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            description="Two ways: the share of a folder that may go at once without asking, "
            "where that is more messages than `deletions_unasked`.",
        ),
    ] = 30
