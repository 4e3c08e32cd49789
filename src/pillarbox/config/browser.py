"""[auth.browser]: how long somebody stays signed in at a browser."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class BrowserSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[auth.browser]` section: sessions behind cookies."""

    idle_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=720,
            description="Hours without a request until a session without 'keep me signed in' ends; "
            "half a day outlasts a working day's pauses.",
        ),
    ] = 12
    most_days: Annotated[
        int,
        Meta(
            ge=1,
            le=365,
            description="Days after which such a session ends in any case.",
        ),
    ] = 7
    stay_idle_days: Annotated[
        int,
        Meta(
            ge=1,
            le=365,
            description="Days without a request until a session with 'keep me signed in' ends.",
        ),
    ] = 30
    stay_most_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="Days after which such a session ends in any case; a browser that was "
            "forgotten somewhere is let go of in the end.",
        ),
    ] = 180
    token_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=720,
            description="Hours until a session gets another cookie; a stolen one is good for no "
            "longer than that.",
        ),
    ] = 24
    seen_minutes: Annotated[
        int,
        Meta(
            ge=1,
            le=1440,
            description="Minutes between two writes of when a session was last seen; keeps "
            "requests from costing a commit each.",
        ),
    ] = 5
    fresh_minutes: Annotated[
        int,
        Meta(
            ge=1,
            le=1440,
            description="Minutes after the password (or a code) was given in which what guards "
            "the account may be changed without giving it again.",
        ),
    ] = 10
    sessions_per_account: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Sessions of an account; one more ends the one that was unused longest.",
        ),
    ] = 100
    history_days: Annotated[
        int,
        Meta(ge=1, le=3650, description="Days that the history of sign-ins goes back."),
    ] = 90
    history_rows: Annotated[
        int,
        Meta(
            ge=10,
            le=100_000,
            description="Rows of that history for an account, successes and failures counted "
            "apart; a botnet's guesses push out other guesses only.",
        ),
    ] = 500
    preferences_octets: Annotated[
        int,
        Meta(
            ge=1024,
            le=1_048_576,
            description="Octets of what the web page keeps for a person (theme, language, senders "
            "whose pictures are shown).",
        ),
    ] = 65_536
    app_password_for_programs: Annotated[
        bool,
        Meta(
            description="Where an account asks for a second step, mail programs must use app "
            "passwords; off lets the account's password alone open IMAP, POP3, SMTP and JMAP, so "
            "that the second step guards only the web pages."
        ),
    ] = True
    code_free_failures: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Wrong codes of the second step before pauses begin; whoever is asked for "
            "one has given the right password.",
        ),
    ] = 5
    code_longest_pause_minutes: Annotated[
        int,
        Meta(
            ge=1,
            le=1440,
            description="Longest pause after wrong codes; each further one doubles half a minute "
            "up to this. An hour leaves a guesser 24 of a million codes a day.",
        ),
    ] = 60
    app_passwords_per_account: Annotated[
        int,
        Meta(ge=1, le=10_000, description="App passwords that people may make on their page."),
    ] = 100
    passkeys_per_account: Annotated[
        int, Meta(ge=1, le=1000, description="Passkeys that an account may have.")
    ] = 20
