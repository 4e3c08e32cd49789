"""[rules]: what people may have done with their mail by themselves."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class RuleSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of forwarding, blocking, answering and deleting."""

    forwarding: Annotated[
        bool,
        Meta(
            description="Whether people may have mail sent on to other addresses. Each address "
            "must first show a code that is sent there."
        ),
    ] = True
    most_forwards: Annotated[
        int, Meta(ge=1, le=100, description="Addresses that one person's mail may go on to.")
    ] = 5
    code_hours: Annotated[
        int, Meta(ge=1, le=720, description="Hours that such a code may be used.")
    ] = 48
    codes_per_day: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Codes that one person may have sent in a day; they go to strangers.",
        ),
    ] = 5
    code_tries: Annotated[
        int, Meta(ge=1, le=100, description="Wrong codes after which a new one must be sent.")
    ] = 10
    most_blocked: Annotated[
        int, Meta(ge=1, le=100_000, description="Senders that one person may block.")
    ] = 2000
    most_delete_after: Annotated[
        int, Meta(ge=1, le=1000, description="Rules of one person that delete old mail.")
    ] = 50
    longest_vacation: Annotated[
        int,
        Meta(
            ge=1000,
            le=1_048_576,
            description="Characters of the text, and of the HTML, that an absent person answers "
            "with. It is sent to many.",
        ),
    ] = 32_768
