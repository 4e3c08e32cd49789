"""[web.links]: files too large for a letter, behind an address that ends by itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class LinkSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whoever has the address gets the file, so all of it is bounded."""

    enabled: Annotated[
        bool,
        Meta(
            description="Files that are too large for a letter may be sent as a link. Off: nobody "
            "is offered that, and the links that there are lead nowhere until it is on again."
        ),
    ] = True
    max_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=1 << 40,
            description="Largest file, in octets. 2 GiB hold some minutes of a phone's video or a "
            "folder of photographs; while it is stored the disk needs twice its room.",
        ),
    ] = 2 << 30
    account_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=1 << 50,
            description="Octets that the links of one account hold together. They count against "
            "its quota as well; this bounds accounts that have none.",
        ),
    ] = 10 << 30
    account_links: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Links of one account at a time; the page in the settings shows all.",
        ),
    ] = 200
    days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="Days after which a link ends where its owner chooses no other time. A "
            "month outlasts a holiday.",
        ),
    ] = 30
    most_days: Annotated[
        int,
        Meta(ge=1, le=3650, description="The longest that may be chosen; `days` is cut to it."),
    ] = 90
    uploads: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Files of one person that come in at the same moment, in each worker. "
            "The page sends them one behind the other; a second place is for another device.",
        ),
    ] = 2
    pause_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="Seconds without an octet after which an upload is given up; its place "
            "and its part of the disk are free again.",
        ),
    ] = 60
    requests_per_minute: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Requests of one network (an IPv4 address or an IPv6 /64) for links in a "
            "minute, in each worker. An office behind one address fetches a file for everybody; "
            "addresses cannot be guessed in any number.",
        ),
    ] = 120

    def days_of(self, wished: int | None) -> int:
        """For how long a new link is good."""
        return max(1, min(self.days if wished is None else wished, self.most_days))
