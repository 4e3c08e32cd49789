"""[queue]: mail on its way out: when it is tried again, how much at once, how long it is kept."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Minutes = tuple[Annotated[int, Meta(ge=1, le=10_080)], ...]


class DestinationRetrySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another schedule for one destination; what is not given is as in [queue]."""

    domain: Annotated[
        str,
        Meta(
            min_length=1,
            description="The recipients' domain, or the name of a route that `pillarbox queue "
            "route` set.",
        ),
    ]
    retry_minutes: Annotated[
        Minutes, Meta(description="As queue.retry_minutes; empty: the same as there.")
    ] = ()
    delay_warning_hours: Annotated[
        Annotated[int, Meta(ge=0, le=10_000)] | None,
        Meta(description="As queue.delay_warning_hours."),
    ] = None
    expire_hours: Annotated[
        Annotated[int, Meta(ge=1, le=10_000)] | None, Meta(description="As queue.expire_hours.")
    ] = None


class QueueSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Retries (RFC 5321 §4.5.4.1), warnings, and how a worker takes its share."""

    retry_minutes: Annotated[
        Minutes,
        Meta(
            min_length=1,
            description="Minutes after each failed attempt until the next; the last one repeats. "
            "The first are short because greylisting servers take the second attempt, the later "
            "ones long because what is down for hours is rarely back in minutes.",
        ),
    ] = (2, 5, 10, 20, 30, 60, 120, 240)
    delay_warning_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Hours after which a sender is told once that a message still waits; 0: "
            "never. Four hours is within the day on which it matters.",
        ),
    ] = 4
    expire_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Hours after which a message is given up and its sender told. RFC 5321 "
            "§4.5.4.1 asks for four to five days.",
        ),
    ] = 120
    destination: Annotated[
        tuple[DestinationRetrySettings, ...],
        Meta(description="Other schedules for single destinations."),
    ] = ()
    unreachable_minutes: Annotated[
        Minutes,
        Meta(
            min_length=1,
            description="Minutes for which a destination is left alone when no connection to it "
            "could be made, by how often that happened in a row; the last one repeats. However "
            "much waits for it, it costs one attempt each time.",
        ),
    ] = (1, 2, 5, 10, 15, 30)
    sends: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Messages that one worker process sends at one time, over all "
            "destinations. Each is a connection and some tens of KiB; most of them wait for the "
            "other side.",
        ),
    ] = 100
    messages_per_send: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Messages that are marked and handed to one connection together. More of "
            "them cost fewer commits; after a crash as many, for each connection, say that they "
            "may have been sent already.",
        ),
    ] = 10
    leased_recipients: Annotated[
        int,
        Meta(
            ge=10,
            le=100_000,
            description="Recipients that one worker process takes from the queue ahead of their "
            "turn. Some KiB of memory each; enough to keep all its connections busy.",
        ),
    ] = 1000
    lease_seconds: Annotated[
        int,
        Meta(
            ge=15,
            le=86_400,
            description="How long a worker may keep recipients without a sign of life; it renews "
            "this three times as often. What a killed worker had is taken up after it.",
        ),
    ] = 90
    poll_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="Time between looks for due mail of which no worker was told. New mail "
            "and retries are not waited for with this; it mends lost wake-ups and takes up what "
            "a killed worker had.",
        ),
    ] = 30
    lanes_at_once: Annotated[
        int,
        Meta(
            ge=10,
            le=100_000,
            description="Destinations that one look into the queue reads together, some "
            "microseconds each.",
        ),
    ] = 500
    sweep_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=86_400,
            description="Time between looks for mail that has waited too long, whether it was "
            "tried lately or not. Warnings and reports are at most so late.",
        ),
    ] = 60
    sweep_recipients: Annotated[
        int,
        Meta(
            ge=10,
            le=100_000,
            description="Recipients that such a look, and one write of it, takes at a time; some "
            "milliseconds.",
        ),
    ] = 1000
    report_wait_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=86_400,
            description="How long a report waits for the other recipients of its message, so "
            "that its sender gets one and not fifty.",
        ),
    ] = 60
    max_returned_octets: Annotated[
        int,
        Meta(
            ge=0,
            le=2**31 - 1,
            description="Largest message that a failure report returns whole, in octets; of a "
            "larger one it returns the header. 256 KiB holds any letter and few attachments.",
        ),
    ] = 256 * 1024
    keep_finished_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="How long a message that went out or was given up stays in the list of "
            "the queue, octets included. Three days answer most questions about lost mail.",
        ),
    ] = 72
