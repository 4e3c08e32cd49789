"""[submission]: how much an account may send, and what is done to what it sends."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class SubmissionSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules for the mail of our own accounts."""

    max_messages_a_day: Annotated[
        int,
        Meta(
            ge=0,
            description="Messages that one account may send on one day (UTC); 0: any number. "
            "1000 is more than people write, and bounds what a stolen password can do.",
        ),
    ] = 1000
    max_new_recipients_a_day: Annotated[
        int,
        Meta(
            ge=0,
            description="Addresses to which one account may write for the first time on one day "
            "(UTC); 0: any number. 200: who writes to so many strangers a day is an advertiser, "
            "or somebody with a stolen password.",
        ),
    ] = 200
    hold_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=3600,
            description="Seconds for which submitted mail waits in the queue so that it can be "
            "taken back with `pillarbox queue drop`; 0: none. Only people who write in a web page "
            "expect to be able to.",
        ),
    ] = 0
    max_hold_days: Annotated[
        int,
        Meta(
            ge=0,
            le=365,
            description="Days for which a sender may ask that a message wait (FUTURERELEASE); 0: "
            "that is not offered. 30: a month ahead is a holiday, a year ahead is a mistake.",
        ),
    ] = 30
    no_repeat_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=720,
            description="Hours for which the same message, of the same number in the account, is "
            "not sent to the same recipients again over JMAP, unless it was taken back or failed; "
            "0: it always is. 24: a program that lost the answer tries again within a day.",
        ),
    ] = 24
    keep_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="Days for which JMAP clients can ask what became of a message that they "
            "sent. 30: who asks later looks into the message itself.",
        ),
    ] = 30
    sign: Annotated[
        bool,
        Meta(
            description="Whether mail is signed with the domain's DKIM keys. `pillarbox dkim` "
            "makes them."
        ),
    ] = True
