"""[bulk]: operations on thousands of messages at once."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class BulkSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How they are done beside everything else, and how long they can be undone."""

    concurrent: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Operations that one worker does at the same moment, of as many accounts. "
            "2: they all share one disk, and deliveries go first.",
        ),
    ] = 2
    first_step_messages: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Messages in the first step of an operation; later ones take as many as "
            "fit into `step_milliseconds`. 100: a few milliseconds.",
        ),
    ] = 100
    most_step_messages: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Messages in one step at most. 2000: clients that wait for changes learn "
            "of so many at once without a pause.",
        ),
    ] = 2000
    step_milliseconds: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="How long the transaction of a step should take, without its commit; a "
            "delivery may have to wait for both. 3: some 100 messages, which take no longer than "
            "their commit.",
        ),
    ] = 3
    rest_percent: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="Pause after each step, as a share of the time that it took, while others "
            "write, too: most deliveries find the store free. 400: an operation takes five times "
            "as long, as far as `aim_seconds` allows; never less than 100 then.",
        ),
    ] = 400
    aim_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=86_400,
            description="Seconds in which an operation should be done though others write: the "
            "pauses get shorter where it would take longer. 20: 50000 messages on a small machine.",
        ),
    ] = 20.0
    quiet_rest_percent: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="The same while nobody else writes. 50: 50000 messages take some seconds.",
        ),
    ] = 50
    quiet_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Seconds without a write of others after which there is quiet; who writes "
            "every second is spared, who writes now and then waits for one step.",
        ),
    ] = 2.0
    lease_seconds: Annotated[
        int,
        Meta(
            ge=2,
            le=3600,
            description="After so long without a step another worker goes on, in seconds: the "
            "time that an operation rests when its worker was killed.",
        ),
    ] = 5
    undo_days: Annotated[
        int,
        Meta(
            ge=0,
            le=365,
            description="Days for which an operation can be undone and stands in the history. "
            "What was destroyed comes back as long as `store.retention_days` keeps it.",
        ),
    ] = 30
    trash_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="Days after which mail is destroyed that was moved to the trash; 0 for "
            "never. `store.retention_days` later it is gone for good.",
        ),
    ] = 30
    junk_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="The same for the junk mailbox: days since a message came there.",
        ),
    ] = 30
