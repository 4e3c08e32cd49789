"""[recovery]: ways back into an account, help at the sign-in page, and making accounts there."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class RecoverySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ways there are, and how often they may be gone."""

    by_address: Annotated[
        bool,
        Meta(description="Whether a link for a new password may go to a recovery address."),
    ] = True
    by_code: Annotated[
        bool, Meta(description="Whether one of ten codes on paper opens that page, too.")
    ] = True
    by_administrator: Annotated[
        bool,
        Meta(
            description="Whether people may ask for help at the sign-in page; "
            "`pillarbox account help-requests` lists who did."
        ),
    ] = True
    by_device: Annotated[
        bool,
        Meta(
            description="Whether a browser in which somebody is signed in may let another one "
            "choose a new password. Only accounts whose sign-in takes codes of an authenticator "
            "program are asked: who sits at a foreign browser has the session, but not the code."
        ),
    ] = True
    link_minutes: Annotated[
        int, Meta(ge=5, le=1440, description="Minutes that a link sent to an address is good.")
    ] = 30
    administrator_link_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=720,
            description="Hours that a link made by `pillarbox account reset-link` is good.",
        ),
    ] = 24
    code_minutes: Annotated[
        int,
        Meta(
            ge=5,
            le=10_080,
            description="Minutes in which a new recovery address has to show its code.",
        ),
    ] = 60
    code_tries: Annotated[
        int, Meta(ge=1, le=100, description="Wrong codes after which a new one must be sent.")
    ] = 10
    approval_minutes: Annotated[
        int,
        Meta(
            ge=1,
            le=30,
            description="Minutes in which a browser that is signed in has to answer; the other one "
            "waits so long, whether anybody is asked or not.",
        ),
    ] = 5
    denials_per_day: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Refusals after which no question comes up by itself in an account's "
            "browsers that day (counted apart for networks where one of them is signed in): else "
            "somebody asks until a tired owner says yes. And wrong numbers after which nothing is "
            "approved that day: so often can somebody be lucky with an owner who guesses.",
        ),
    ] = 3
    asks_per_day: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Questions that come up by themselves in one account's browsers in a day, "
            "answered or not, and as many from networks where one of them is signed in: else a "
            "stranger has them asked all day long. Others wait until their owner looks for them "
            "under Sign-in and recovery: no stranger closes this way.",
        ),
    ] = 6
    asks_waiting: Annotated[
        int,
        Meta(
            ge=1,
            le=90,
            description="Questions to one account that wait at once, one for each network; one "
            "more takes the place of the oldest from a strange network. Few, because the owner "
            "looks through them, and each has one of 90 numbers.",
        ),
    ] = 5
    wait_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=720,
            description="Hours after a change of the recovery address in which it alone opens "
            "nothing: who sits at a foreign browser for a minute cannot take the account over, and "
            "the former address is told meanwhile.",
        ),
    ] = 72
    per_account_and_hour: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Links to the address of one account in an hour; questions that come up "
            "in its browsers are counted apart, and there may be as many.",
        ),
    ] = 3
    per_network_and_hour: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Wishes from one network (IPv4 /24, IPv6 /64) in an hour.",
        ),
    ] = 10
    per_day: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Wishes in a day, from everywhere.")
    ] = 1000
    codes_per_account_and_hour: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Codes on paper that may be tried for one account in an hour; each has 58 "
            "bits.",
        ),
    ] = 10
    invitation_days: Annotated[
        int, Meta(ge=1, le=365, description="Days that an invitation is good.")
    ] = 14
    sign_up_domains: Annotated[
        tuple[str, ...],
        Meta(
            description="Domains in which anybody may make an account of their own at /sign-up; "
            "none: only with an invitation."
        ),
    ] = ()
    sign_up_quota_octets: Annotated[
        int, Meta(ge=0, description="Quota of such an account; 0: no limit.")
    ] = 1 << 30
    sign_ups_per_day: Annotated[
        int, Meta(ge=1, le=100_000, description="Accounts that may be made there in a day.")
    ] = 50
    contact: Annotated[
        str,
        Meta(
            max_length=2000,
            description="What /admin-help tells people about whom to ask; a phone number, say. "
            'Plain text; "" tells the postmaster\'s address.',
        ),
    ] = ""
