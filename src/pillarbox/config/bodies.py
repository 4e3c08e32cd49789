"""[web.bodies] and [web.pictures]: how mail is shown to people, and what is fetched for it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class BodySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mail is cleaned in processes of their own, which may be killed at any time."""

    processes: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Cleaning processes of each worker; the first starts when somebody "
            "signs in or opens a message. Two: one may be held up by a message that was made "
            "for it.",
        ),
    ] = 2
    cpu_seconds: Annotated[
        float,
        Meta(
            gt=0.05,
            le=60,
            description="CPU seconds for one message; then the process is killed and the message "
            "is shown as plain text. A newsletter of two megabytes takes a quarter of a second.",
        ),
    ] = 1.4
    answer_seconds: Annotated[
        float,
        Meta(
            gt=0.1,
            le=60,
            description="Seconds until an answer is there whatever happens: the message as plain "
            "text, or 503 where too many wait. Readers give up after a few seconds.",
        ),
    ] = 1.7
    memory_octets: Annotated[
        int,
        Meta(
            ge=64 << 20,
            le=8 << 30,
            description="Address space of a cleaning process; what needs more is shown as text.",
        ),
    ] = 256 << 20
    shown_octets: Annotated[
        int,
        Meta(
            ge=16_384,
            le=64 << 20,
            description="Octets of a message's decoded text that are shown; a longer page would "
            "hold up the browser. The rest comes when the whole message is asked for.",
        ),
    ] = 1 << 20
    whole_octets: Annotated[
        int,
        Meta(ge=16_384, le=64 << 20, description="The same when the whole message is asked for."),
    ] = 8 << 20
    style_octets: Annotated[
        int,
        Meta(
            ge=0,
            le=4 << 20,
            description="Octets of a message's style sheets that are read; what is behind them is "
            "left out. Newsletters have some tens of thousands.",
        ),
    ] = 256 << 10
    nesting: Annotated[
        int,
        Meta(
            ge=50,
            le=2000,
            description="Levels of elements; a message with more is shown as plain text. Browsers "
            "themselves build no more than 512.",
        ),
    ] = 500
    parts: Annotated[
        int,
        Meta(
            ge=1, le=1000, description="Text parts of a message that are shown one below another."
        ),
    ] = 50
    cache_octets: Annotated[
        int,
        Meta(
            ge=0,
            le=8 << 30,
            description="Octets of cleaned messages that each worker keeps in memory, so that "
            "going back to one is immediate.",
        ),
    ] = 32 << 20


class PictureSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures of other servers are fetched by this one, so that senders learn nothing."""

    enabled: Annotated[
        bool,
        Meta(
            description="Whether pictures are fetched from other servers when a person asks for "
            "them. Otherwise they are never shown."
        ),
    ] = True
    octets: Annotated[
        int,
        Meta(ge=1024, le=1 << 30, description="Largest picture that is fetched."),
    ] = 10 << 20
    seconds: Annotated[
        float,
        Meta(
            gt=0.1,
            le=120,
            description="Seconds for one picture, from the question for the name to the last "
            "octet, redirects included.",
        ),
    ] = 10.0
    redirects: Annotated[
        int,
        Meta(ge=0, le=10, description="Redirects that are followed; each address is checked anew."),
    ] = 3
    at_once: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Pictures that one worker fetches at the same moment; others wait. Each "
            "is in memory whole.",
        ),
    ] = 12
    per_minute: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Pictures fetched for one account in a minute; those that are kept do "
            "not count. A long newsletter has a hundred.",
        ),
    ] = 600
    cache_days: Annotated[
        int,
        Meta(ge=0, le=365, description="Days that a fetched picture is kept."),
    ] = 7
    cache_octets: Annotated[
        int,
        Meta(
            ge=0,
            le=1 << 50,
            description="Octets of fetched pictures that are kept on disk, in the data folder; "
            "the oldest go first.",
        ),
    ] = 256 << 20
    fetch_at_delivery: Annotated[
        bool,
        Meta(
            description="Whether the pictures of a message are fetched when it comes to an inbox, "
            "not when somebody has them shown: so a sender does not learn from them when, or "
            "whether, it is opened. It costs the traffic, the time and the room of all pictures of "
            "all mail, opened or not (give cache_octets several gigabytes), and cleaning of each "
            "message with HTML once more. Only a hint: what did not come in time or went from the "
            "cache is fetched when it is shown. People still choose whose pictures they see.",
        ),
    ] = False
    delivery_pictures: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Pictures of one message that are fetched when it comes; the rest when "
            "they are shown. A long newsletter has a hundred.",
        ),
    ] = 100
    delivery_seconds: Annotated[
        float,
        Meta(
            gt=0.1,
            le=3600,
            description="Seconds for all pictures of a message that has come; slow servers would "
            "hold up the pictures of the next.",
        ),
    ] = 30.0
    delivery_waiting: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Messages of one worker that wait for their pictures to be fetched, two "
            "numbers each, in memory; those above wait for being opened.",
        ),
    ] = 1000

    def __post_init__(self) -> None:
        """Raises ValueError, which msgspec reports with the place of the fault."""
        if self.fetch_at_delivery and not (self.enabled and self.cache_days):
            raise ValueError("fetch_at_delivery needs enabled, and cache_days above 0")


class UnsubscribeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lists are left with one click (RFC 8058): this server asks theirs when a person wants it."""

    enabled: Annotated[
        bool, Meta(description="Whether it is offered; otherwise the list's own page is opened.")
    ] = True
    seconds: Annotated[
        float,
        Meta(gt=0.1, le=120, description="Seconds for the answer of a list's server."),
    ] = 10.0
    per_minute: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Lists that one account leaves in a minute. Each is a request to a server "
            "that a message named; 30 are more than anybody clicks.",
        ),
    ] = 30
