"""[server], [log] and [[listener]]: where this server lives and what it listens on."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from pillarbox.config.addresses import BindAddress, parse_bind_address


class ServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The process and its place."""

    hostname: Annotated[
        str,
        Meta(
            max_length=253,
            pattern=r"^$|^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$",
            description="Name of this server in greetings and Received fields. Empty: the "
            "computer's own full name. Other servers look it up, so it should resolve to this "
            "computer.",
        ),
    ] = ""
    user: Annotated[
        str,
        Meta(
            description="User that worker processes become once the sockets are bound and the "
            "certificates read, when started as root. Empty: no change. The user must own "
            "`store.data_dir`."
        ),
    ] = ""
    group: Annotated[
        str,
        Meta(description="Group that goes with `user`. Empty: that user's own group."),
    ] = ""
    workers: Annotated[
        int,
        Meta(
            ge=0,
            le=256,
            description="Worker processes. 0: one for each processor core, since Python uses one "
            "core a process and the kernel spreads connections over them.",
        ),
    ] = 0
    drain_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds that SIGTERM lets commands under way take before connections "
            "are cut. Below systemd's own bound of 90 seconds.",
        ),
    ] = 20.0
    retire_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=86400,
            description="Seconds that connections may live on in the old workers after SIGHUP "
            "brought a new configuration. Ten minutes let nearly every session end by itself.",
        ),
    ] = 600.0
    start_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3600,
            description="Seconds that a worker may take to get ready, recovery of the store "
            "after a crash included, before it is started anew.",
        ),
    ] = 120.0
    hang_seconds: Annotated[
        float,
        Meta(
            ge=5,
            le=3600,
            description="Seconds without a sign of life after which a worker counts as hung and "
            "is killed and replaced. Signs come every second, so a minute is no accident.",
        ),
    ] = 60.0
    restart_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=3600,
            description="Longest pause before a worker that keeps dying is started again. The "
            "first restart is at once and each further pause doubles up to this.",
        ),
    ] = 30.0
    maintain_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=86400,
            description="Seconds between rounds of the store's housekeeping (search index, "
            "tombstones past their time, dead blobs). One worker at a time does it.",
        ),
    ] = 60.0


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written to standard error, and how."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(
            description="The least severe events that are written. `info` has a line for each "
            "message, sign-in and connection."
        ),
    ] = "info"
    format: Annotated[
        Literal["json", "text"],
        Meta(
            description="`json`: one object a line, for journals and collectors. `text`: one "
            "readable line, for a terminal."
        ),
    ] = "json"


class ListenerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One service on one or several addresses."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9-]{0,31}$",
            description="Name in logs and metrics, and the name (`FileDescriptorName=`) by which "
            "systemd hands over its socket.",
        ),
    ]
    role: Annotated[
        Literal["mx", "submission", "lmtp", "imap", "pop3", "web", "http"],
        Meta(
            description="What is spoken: `mx` takes mail from other servers, `submission` from "
            "our users after they sign in, `lmtp` from a mail server in front; `imap` and `pop3` "
            "are for reading; `web` is JMAP over HTTP; `http` answers `/healthz`, `/readyz` and "
            "`/metrics` for those who watch the server."
        ),
    ]
    addresses: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            description="Where to listen: `host:port` (`*:25` is every address, IPv4 and IPv6; "
            "`[::1]:25` one IPv6 address; port 0 any free one) or `unix:PATH`, a relative path "
            "counting from `store.data_dir`.",
        ),
    ]
    tls: Annotated[
        Literal["none", "starttls", "implicit"],
        Meta(
            description="`implicit`: TLS from the first octet. `starttls`: the client may change "
            "to TLS, and must before it sends a password unless it is on this computer. "
            "`none`: never."
        ),
    ] = "none"
    mode: Annotated[
        str,
        Meta(
            pattern=r"^0?[0-7]{3}$",
            description="Permissions of a Unix socket, octal. 660 lets its owner and group in.",
        ),
    ] = "660"

    def bind_addresses(self) -> tuple[BindAddress, ...]:
        """The addresses parsed. Raises ConfigurationError."""
        return tuple(parse_bind_address(text, self.name) for text in self.addresses)


STANDARD_LISTENERS: tuple[ListenerSettings, ...] = (
    ListenerSettings(name="smtp", role="mx", addresses=("*:25",), tls="starttls"),
    ListenerSettings(name="submission", role="submission", addresses=("*:587",), tls="starttls"),
    ListenerSettings(name="submissions", role="submission", addresses=("*:465",), tls="implicit"),
    ListenerSettings(name="imap", role="imap", addresses=("*:143",), tls="starttls"),
    ListenerSettings(name="imaps", role="imap", addresses=("*:993",), tls="implicit"),
    ListenerSettings(name="pop3", role="pop3", addresses=("*:110",), tls="starttls"),
    ListenerSettings(name="pop3s", role="pop3", addresses=("*:995",), tls="implicit"),
    ListenerSettings(name="https", role="web", addresses=("*:443",), tls="implicit"),
    ListenerSettings(name="lmtp", role="lmtp", addresses=("unix:run/lmtp.sock",)),
    ListenerSettings(name="http", role="http", addresses=("127.0.0.1:8080",)),
)
