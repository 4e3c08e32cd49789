"""[collect]: mail that is fetched from other servers for our accounts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from pillarbox.config.collect_files import CollectFileSettings
from pillarbox.config.imap_client import ImapClientLimits, ImapClientTimeouts
from pillarbox.config.intake import IntakeSettings
from pillarbox.config.oauth_client import OAuthClientSettings, OAuthLimits
from pillarbox.config.pop3_client import Pop3ClientLimits, Pop3ClientTimeouts


class OAuthProviderSettings(
    OAuthClientSettings, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """This server as an application that is registered with a provider."""

    provider: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="The provider, by its name in `pillarbox collect add --help`; or a name of "
            "yours for one that is given by its addresses.",
        ),
    ]
    authorization_url: Annotated[
        str,
        Meta(
            pattern="^(https://.*)?$",
            max_length=2048,
            description="Where people sign in, if that is not what all customers of the provider "
            "use: a company's own tenant at Microsoft, for instance. Beginning with https://.",
        ),
    ] = ""
    token_url: Annotated[
        str,
        Meta(
            pattern="^(https://.*)?$",
            max_length=2048,
            description="Where permissions are given and renewed, likewise.",
        ),
    ] = ""
    scope: Annotated[
        str,
        Meta(max_length=2048, description="What is asked for; empty: what mail needs there."),
    ] = ""
    hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Names of the mail servers that take these permissions; none: those of "
            "the provider. No other server is ever shown one, so where people also write through "
            "the provider, the name of its SMTP server belongs here, too."
        ),
    ] = ()


class CollectSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Remote accounts: how many at once, how often, with what patience."""

    enabled: Annotated[
        bool,
        Meta(
            description="Whether the server fetches mail for remote accounts by itself. Off, they "
            "wait; `pillarbox collect run` and `pillarbox import` work all the same."
        ),
    ] = True
    allow_private: Annotated[
        bool,
        Meta(
            description="Whether every remote account may be at a private, link-local or own "
            "address, and at one of this computer without TLS. Otherwise whoever may add a remote "
            "account could reach what is only meant for your network; `pillarbox collect add "
            "--allow-private` allows it for one."
        ),
    ] = False
    max_remotes: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Remote accounts that one account may have, those that were brought over "
            "once not counted.",
        ),
    ] = 20
    max_imports: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="Places, files among them, from which one account's mail was brought over "
            "once and of which is remembered what was.",
        ),
    ] = 1000
    authorities: Annotated[
        str,
        Meta(
            description="File with the certificates of authorities that vouch for other servers, "
            "in PEM; a relative path counts from `store.data_dir`. Empty: those that the system "
            "trusts."
        ),
    ] = ""
    concurrent: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Remote accounts that a worker fetches from at the same moment. Each may "
            "take a few MiB of memory; twenty keep a 1 Gbit/s line busy.",
        ),
    ] = 20
    concurrent_per_host: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Of these, remote accounts at the same server. Large providers count "
            "connections from one address and turn away who makes many.",
        ),
    ] = 5
    waiting: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="Connections that a worker holds open to be told of new mail at once "
            "(IMAP IDLE). Remote accounts beyond it are looked at by their schedule. Each takes "
            "some 60 KiB, most of it for TLS.",
        ),
    ] = 500
    shortest_schedule_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=86_400,
            description="Seconds between two looks at a remote account, at least, whatever it "
            "asks for. Providers lock out who asks more often than every few minutes.",
        ),
    ] = 120
    lease_seconds: Annotated[
        int,
        Meta(
            ge=3,
            le=3600,
            description="Seconds for which a process has a remote account for itself before it "
            "must say so again. After a crash its work goes on so much later.",
        ),
    ] = 60
    progress_seconds: Annotated[
        float,
        Meta(
            ge=0.5,
            le=60,
            description="Seconds between two notes of how far a run is, for `pillarbox collect "
            "show` and for pages. Each is a small write.",
        ),
    ] = 2.0
    round_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3600,
            description="Seconds between looks for remote accounts that are due. What is changed "
            "by hand is heard of at once.",
        ),
    ] = 15.0
    first_retry_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=86_400,
            description="Seconds after a failure until the next try; doubled at each further one.",
        ),
    ] = 60
    longest_retry_seconds: Annotated[
        int,
        Meta(
            ge=60,
            le=604_800,
            description="Seconds between two tries at most. Six hours: what is down for days is "
            "asked four times a day.",
        ),
    ] = 21_600
    sign_in_tries: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Failed sign-ins in a row after which a remote account needs a person's "
            "attention and is left alone. A password is rarely right again by itself, and "
            "providers lock accounts after ten wrong ones.",
        ),
    ] = 3
    look_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=600,
            description="Seconds that a person waits at most for a look at another provider in the "
            "account's pages. After that what is known of its folders is shown; the rest is found "
            "out while the mail comes.",
        ),
    ] = 45.0
    looks_per_minute: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Looks at other providers that one account may have in a minute by the "
            "account's pages, by trying, adding or running. Each is a sign-in there in this "
            "server's name: without a limit somebody could guess passwords of others through it.",
        ),
    ] = 10
    stop_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=600,
            description="Seconds that taking an import back waits for its run to stop. A run looks "
            "up after each message.",
        ),
    ] = 20.0
    keep_runs: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Runs of a remote account in which something happened that are kept for "
            "its history.",
        ),
    ] = 100
    pop3_timeouts: Pop3ClientTimeouts = field(default_factory=Pop3ClientTimeouts)
    pop3_limits: Pop3ClientLimits = field(default_factory=Pop3ClientLimits)
    imap_timeouts: ImapClientTimeouts = field(default_factory=ImapClientTimeouts)
    imap_limits: ImapClientLimits = field(default_factory=ImapClientLimits)
    intake: IntakeSettings = field(default_factory=IntakeSettings)
    oauth: tuple[OAuthProviderSettings, ...] = ()
    oauth_limits: OAuthLimits = field(default_factory=OAuthLimits)
    files: CollectFileSettings = field(default_factory=CollectFileSettings)
