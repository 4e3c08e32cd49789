"""Settings of signing in: password hashing, SCRAM, app passwords, throttling."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from pillarbox.config.browser import BrowserSettings


class ThrottleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[auth.throttle]` section; how it works is told in `accounts/throttle.py`."""

    free_failures: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Different wrong passwords for one account from one network before "
            "pauses begin; people try a few.",
        ),
    ] = 5
    free_network_failures: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Different failures from one network, over all accounts, before pauses "
            "begin; more than one, since offices share an address.",
        ),
    ] = 20
    free_account_failures: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Different failures for one account, from networks where it never "
            "signed in lately, before those networks are made to wait.",
        ),
    ] = 20
    longest_pause_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="Longest pause after a failure; a minute makes guessing useless and is "
            "bearable for a person.",
        ),
    ] = 60
    longest_wait_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=60,
            description="Longest time that an answer is held back while an account is being "
            "guessed from many networks; must stay under the clients' time-outs.",
        ),
    ] = 8
    waiting_per_account: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Sign-ins of one account that may be held back at once; more are "
            "turned away, which bounds the rate of a distributed attack.",
        ),
    ] = 4
    forget_seconds: Annotated[
        int,
        Meta(ge=60, le=86_400, description="Seconds without a failure until all is forgotten."),
    ] = 900
    known_network_days: Annotated[
        int,
        Meta(
            ge=1,
            le=365,
            description="Days that a network counts as known to an account after it signed in "
            "from there.",
        ),
    ] = 30
    remembered_passwords: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Wrong passwords of one name from one network that are remembered (as "
            "keyed hashes): the same one again neither counts nor is verified anew.",
        ),
    ] = 16
    table_entries: Annotated[
        int,
        Meta(
            ge=1000,
            le=10_000_000,
            description="Entries of each table (some 300 octets each); the oldest go first.",
        ),
    ] = 50_000


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[auth]` section."""

    default_domain: Annotated[
        str,
        Meta(description="Domain added to a user name without one; empty adds none."),
    ] = ""
    argon2_passes: Annotated[
        int,
        Meta(ge=1, le=100, description="Passes of argon2id (t); 2 with 19 MiB cost 36 ms."),
    ] = 2
    argon2_memory_kib: Annotated[
        int,
        Meta(
            ge=8,
            le=4_194_304,
            description="Memory of one argon2id verification in KiB (m); 19 MiB resists "
            "graphics cards and fits many at once.",
        ),
    ] = 19_456
    concurrent_verifications: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Password verifications that run at once in a worker; each takes a "
            "core and the memory above.",
        ),
    ] = 2
    waiting_verifications: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Verifications that may wait for their turn; above this, sign-ins get "
            "a passing failure at once. 200 is some 4 s of work.",
        ),
    ] = 200
    success_cache_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=86_400,
            description="Seconds that a verified password is known again without argon2id "
            "(only a keyed hash is kept, in memory); mail programs sign in all the time.",
        ),
    ] = 600
    success_cache_entries: Annotated[
        int,
        Meta(ge=1, le=1_000_000, description="Entries of that memory; some 300 octets each."),
    ] = 10_000
    scram: Annotated[
        bool,
        Meta(
            description="Offer SCRAM and keep its keys beside the argon2id hash; off means that "
            "a stolen database is guessed at argon2id's price only."
        ),
    ] = True
    scram_iterations: Annotated[
        int,
        Meta(
            ge=4096,
            le=1_000_000,
            description="PBKDF2 iterations of newly set passwords; RFC 7677 wants 15,000 or "
            "more for SHA-256, the client pays them at each sign-in.",
        ),
    ] = 20_000
    last_use_minutes: Annotated[
        int,
        Meta(
            ge=1,
            le=10_080,
            description="Minutes between two writes of an app password's last use; keeps "
            "sign-ins from costing a commit each.",
        ),
    ] = 30
    longest_password: Annotated[
        int,
        Meta(ge=64, le=65_536, description="Octets of a password; longer ones are refused."),
    ] = 1024
    longest_exchange_line: Annotated[
        int,
        Meta(
            ge=1024,
            le=65_536,
            description="Octets of one client message of SCRAM; names and nonces are far below.",
        ),
    ] = 8192
    shortest_password: Annotated[
        int,
        Meta(ge=1, le=256, description="Characters that a new password must have."),
    ] = 8
    throttle: Annotated[
        ThrottleSettings, Meta(description="How guessing of passwords is slowed down.")
    ] = ThrottleSettings()
    browser: Annotated[
        BrowserSettings, Meta(description="How long somebody stays signed in at a browser.")
    ] = BrowserSettings()
