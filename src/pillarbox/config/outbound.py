"""[outbound]: how mail goes to other servers: by which way, how safely, with what patience."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

_FIVE_MINUTES = 300.0


class ClientTimeouts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long another server may take; the values of RFC 5321 §4.5.3.2 where it has one."""

    connect_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description="Seconds until a TCP connection stands. A host that is up answers in "
            "one; 30 outlast four lost packets and soon go on to the next address.",
        ),
    ] = 30.0
    greeting_seconds: Annotated[
        float,
        Meta(ge=1, le=3600, description="Seconds until the greeting; busy servers make one wait."),
    ] = _FIVE_MINUTES
    ehlo_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds until the reply to EHLO or HELO.")
    ] = _FIVE_MINUTES
    tls_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=600,
            description="Seconds for the reply to STARTTLS, and then for the handshake: some "
            "octets each way and a signature.",
        ),
    ] = 60.0
    auth_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until each reply while signing in; RFC 4954 has "
            "none, and slow password hashes take some.",
        ),
    ] = 180.0
    mail_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds until the reply to MAIL, or to RSET.")
    ] = _FIVE_MINUTES
    rcpt_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds until the reply to each RCPT; lists may be "
            "expanded and callers checked meanwhile.",
        ),
    ] = _FIVE_MINUTES
    data_start_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds until the go-ahead for DATA.")
    ] = 120.0
    data_block_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=3600,
            description="Seconds for the peer to take a block of the message, of "
            "`limits.block_octets`.",
        ),
    ] = 180.0
    data_end_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=7200,
            description="Seconds until the reply to a whole message. Giving up "
            "early makes duplicates, so it is long.",
        ),
    ] = 600.0
    transaction_seconds: Annotated[
        float,
        Meta(
            ge=60,
            le=86_400,
            description="Seconds that one message may take in all, so that a "
            "peer that is only just fast enough ends too: 50 MiB at 8 KiB a second.",
        ),
    ] = 7200.0
    quit_seconds: Annotated[
        float,
        Meta(ge=1, le=300, description="Seconds until the reply to QUIT. Nothing hangs on it."),
    ] = 5.0


class ClientLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of another server's answers is kept, and how much it is sent at a time."""

    max_reply_line_octets: Annotated[
        int,
        Meta(
            ge=512,
            le=65_536,
            description="Longest line of a reply. RFC 5321 §4.5.3.1.5 has "
            "512; some write explanations of a few lines' length into one.",
        ),
    ] = 4096
    max_reply_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=1_048_576,
            description="Longest reply of several lines. The longest "
            "answers to EHLO have some 1,500 octets.",
        ),
    ] = 16_384
    max_recipients: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Recipients of one transaction where the peer names "
            "no limit: RFC 5321 §4.5.3.1.8 promises 100.",
        ),
    ] = 100
    max_transactions: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Messages in one connection where the peer names "
            "no limit; then a new one is made, so that load spreads over its servers.",
        ),
    ] = 1000
    block_octets: Annotated[
        int,
        Meta(
            ge=4096,
            le=4_194_304,
            description="Octets of a message that are handed to the "
            "network at a time, and the size of a BDAT chunk; so much of it is in memory.",
        ),
    ] = 262_144
    eager_octets: Annotated[
        int,
        Meta(
            ge=0,
            le=1_048_576,
            description="Largest message that is sent together with its "
            "envelope where the peer takes BDAT: it saves a round trip, and wastes the octets "
            "if all recipients are refused.",
        ),
    ] = 65_536
    max_scram_iterations: Annotated[
        int,
        Meta(
            ge=4096,
            le=100_000_000,
            description="Most rounds of hashing that a server may ask "
            "of us when we sign in by SCRAM. 1,000,000 take half a second; more is an attack.",
        ),
    ] = 1_000_000


RouteTls = Literal["none", "opportunistic", "encrypted", "verified", "implicit"]


class RouteSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mail that takes another way than its domain's MX records: a smarthost, or a fixed server."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9-]{0,62}$",
            description="Name in logs and in the queue's list, for `pillarbox queue route` and for "
            "[[queue.destination]].",
        ),
    ]
    recipients: Annotated[
        tuple[str, ...],
        Meta(
            description="Domains of the recipients that take it: a name, a name with everything "
            'below it (".example.org"), or "*" for all. Empty: whatever the recipient is, if '
            "`senders` says something."
        ),
    ] = ()
    senders: Annotated[
        tuple[str, ...],
        Meta(
            description="Domains of the senders that take it, written alike. The first route of "
            "which both lists fit counts; one without either is for `pillarbox queue route` only."
        ),
    ] = ()
    hosts: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            description='Servers in the order in which they are tried: "smtp.example.net:587", '
            '"[192.0.2.1]:25"; without a port it is `outbound.port`. Their MX records do not '
            "matter, and they may have private addresses.",
        ),
    ]
    tls: Annotated[
        RouteTls,
        Meta(
            description="`verified`: only over TLS with a certificate for the server's name; "
            "`implicit`: the same from the first octet (port 465); `encrypted`: only over TLS, "
            "with any certificate; `opportunistic`: where it is offered; `none`: never, for a "
            "server on this computer."
        ),
    ] = "verified"
    tls_name: Annotated[
        str,
        Meta(description="Name that the certificate must have, if not that of the server."),
    ] = ""
    username: Annotated[
        str, Meta(description="Name to sign in with. Empty: without signing in.")
    ] = ""
    password: Annotated[
        str, Meta(description="The password that goes with it. Better is `password_file`.")
    ] = ""
    password_file: Annotated[
        str,
        Meta(
            description="File whose first line is the password; read at each start, as the user "
            "that the workers become. A relative path counts from `store.data_dir`."
        ),
    ] = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"RouteSettings(name={self.name!r}, hosts={self.hosts!r})"


class OutboundSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sending to other servers."""

    transport: Annotated[
        Literal["smtp", "directory", "none"],
        Meta(
            description="`smtp`: to the world. `directory`: mail that would leave this server is "
            "written into a folder, for tests. `none`: nothing is sent; it waits in the queue."
        ),
    ] = "smtp"
    directory: Annotated[
        str,
        Meta(
            min_length=1,
            description="That folder; a relative path counts from `store.data_dir`.",
        ),
    ] = "outbound"
    port: Annotated[
        int,
        Meta(ge=1, le=65_535, description="Port of other mail servers; tests take another one."),
    ] = 25
    source_ipv4: Annotated[
        str, Meta(description="Our address towards IPv4 servers. Empty: the system chooses.")
    ] = ""
    source_ipv6: Annotated[
        str, Meta(description="Our address towards IPv6 servers. Empty: the system chooses.")
    ] = ""
    private_addresses: Annotated[
        bool,
        Meta(
            description="Go to addresses that are not of the open Internet when a domain's MX "
            "records say so. Off, because whoever writes an MX record could make this server talk "
            "to machines inside its own network. Routes are not asked."
        ),
    ] = False
    max_addresses: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Addresses of a destination that one attempt tries to connect to. With "
            "`timeouts.connect_seconds` it bounds what a dead destination costs.",
        ),
    ] = 8
    max_sessions: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Connections that one attempt goes on to when servers break off in the "
            "middle of it.",
        ),
    ] = 3
    connections_per_destination: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="Most connections that one worker has to one destination. It begins with "
            "`initial_connections`, gets one more with each success and half with each trouble.",
        ),
    ] = 20
    initial_connections: Annotated[
        int,
        Meta(
            ge=1, le=1000, description="Connections to a destination about which nothing is known."
        ),
    ] = 4
    idle_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=300,
            description="Seconds for which a connection is kept for the next message of its "
            "destination. Other servers count connections; a few seconds bridge a burst.",
        ),
    ] = 5.0
    idle_connections: Annotated[
        int,
        Meta(ge=0, le=10_000, description="Such connections at most, over all destinations."),
    ] = 100
    host_memory_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=86_400,
            description="Seconds for which a server that could not be reached, or with which TLS "
            "could not be agreed upon, is remembered: it is tried after all others, or without "
            "TLS where nothing demands it.",
        ),
    ] = 300.0
    remembered_destinations: Annotated[
        int,
        Meta(
            ge=10,
            le=10_000_000,
            description="Destinations, and servers, about which something is remembered; some "
            "hundred octets each.",
        ),
    ] = 20_000
    dane: Annotated[
        bool,
        Meta(description="Heed TLSA records (RFC 7672). It needs `dns.trust_ad` to do anything."),
    ] = True
    mta_sts: Annotated[
        bool, Meta(description="Fetch and heed the policies of MTA-STS (RFC 8461).")
    ] = True
    authorities: Annotated[
        str,
        Meta(
            description="PEM file with the authorities that vouch for other servers. Empty: those "
            "that the system trusts."
        ),
    ] = ""
    results_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=86_400,
            description="Seconds between writes of what became of TLS, which the reports of RFC "
            "8460 are made from. A crash loses so much of them.",
        ),
    ] = 60.0
    results_days: Annotated[
        int, Meta(ge=1, le=366, description="Days for which they are kept; a report is daily.")
    ] = 8
    timeouts: ClientTimeouts = field(default_factory=ClientTimeouts)
    limits: ClientLimits = field(default_factory=ClientLimits)
    route: Annotated[
        tuple[RouteSettings, ...], Meta(description="Other ways than MX records.")
    ] = ()
