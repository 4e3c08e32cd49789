"""[trust]: how mail from elsewhere is judged: what is checked, how long, and what comes of it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

_DAY = 86_400


def _check_networks(name: str, networks: tuple[str, ...]) -> None:
    """Raises ValueError, which the loader tells the administrator."""
    for network in networks:
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise ValueError(f"{name}: {network!r} is no network, such as 192.0.2.0/24") from None


class DnsblSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A DNS list of addresses (RFC 5782) that is asked about every client."""

    zone: Annotated[
        str,
        Meta(description="The list's name in the DNS: the client's address is asked below it."),
    ]
    action: Annotated[
        Literal["junk", "reject"],
        Meta(
            description="What becomes of mail from a listed client: `junk` puts it into the junk "
            "mailbox, `reject` refuses it with 550 5.7.1, naming the list."
        ),
    ] = "reject"
    answers: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks of the answers that mean listed. The lists answer within "
            "127.0.0.0/8 (RFC 5782 §2.1); 127.255.255.0/24, with which some tell that they do not "
            "answer this resolver, never counts."
        ),
    ] = ("127.0.0.0/8",)

    def __post_init__(self) -> None:
        _check_networks("answers", self.answers)


class GreylistSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asking strangers to come again (RFC 6647): off by default, since it delays first letters."""

    enabled: Annotated[
        bool,
        Meta(
            description="Whether the first mail of a client network, sender and recipient that "
            "were not seen together before is answered 451 4.7.1 at RCPT."
        ),
    ] = False
    delay_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=_DAY,
            description="How long after its first attempt a client must wait. RFC 6647 §5 asks "
            "for one minute to a day; most senders come again within 5 to 15 minutes.",
        ),
    ] = 300
    window_seconds: Annotated[
        int,
        Meta(
            ge=3600,
            le=30 * _DAY,
            description="How long after its first attempt a client may come again. Who comes "
            "later begins anew; 2 days hold the slow queues.",
        ),
    ] = 2 * _DAY
    keep_days: Annotated[
        int,
        Meta(
            ge=1,
            le=365,
            description="Days without mail until a client that passed is a stranger again. 36 "
            "days hold a letter that comes every month.",
        ),
    ] = 36
    ipv4_prefix: Annotated[
        int,
        Meta(
            ge=8,
            le=32,
            description="Bits of an IPv4 client that count. 24: large senders come again from "
            "another address of the same network.",
        ),
    ] = 24
    ipv6_prefix: Annotated[
        int, Meta(ge=16, le=128, description="Bits of an IPv6 client that count.")
    ] = 64
    max_rows: Annotated[
        int,
        Meta(
            ge=1000,
            description="Strangers remembered at one time, some 150 octets each. Beyond them "
            "strangers are let in unasked, so that a flood cannot fill the disk.",
        ),
    ] = 1_000_000


class TrustSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked about mail that comes in, and what the answers lead to."""

    judge: Annotated[
        bool,
        Meta(
            description="Whether mail on port 25 is judged at all: iprev, SPF, DKIM, ARC, DMARC. "
            "Off: it is taken as it comes, with no Authentication-Results of ours."
        ),
    ] = True
    trusted_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Clients that are not judged: this computer and relays of your own. They "
            "have judged already, and what they hand over came from elsewhere. LMTP is not judged "
            "either."
        ),
    ] = ("127.0.0.0/8", "::1/128")
    authserv_id: Annotated[
        str,
        Meta(
            description="Our name in Authentication-Results. Empty: the server's host name. "
            "Servers that trust one another's results share one name (RFC 8601 §2.5)."
        ),
    ] = ""
    seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=120,
            description="Time for all checks of one message together, from MAIL on as far as they "
            "need no message. What is not known then counts as a temporary error and the mail is "
            "taken. Senders wait 10 minutes for the answer (RFC 5321 §4.5.3.2.6).",
        ),
    ] = 30.0
    concurrent_checks: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Messages of one worker whose checks ask the DNS at the same time; others "
            "wait within `seconds`. Bounds the questions that a flood of mail makes.",
        ),
    ] = 200

    # What the results lead to

    dmarc: Annotated[
        Literal["enforce", "junk", "observe"],
        Meta(
            description="What a failed DMARC check leads to. `enforce`: p=reject refuses the mail "
            "and p=quarantine puts it into the junk mailbox; `junk`: both go there; `observe`: it "
            "is only written into the header and the trace."
        ),
    ] = "enforce"
    spf_fail: Annotated[
        Literal["junk", "reject", "accept"],
        Meta(
            description="What becomes of mail whose sender's domain says by SPF (-all) that the "
            "client may not send for it, when DMARC does not decide and no DKIM signature "
            "verifies. Forwarded mail looks so too: `reject` loses it."
        ),
    ] = "junk"
    trusted_arc_sealers: Annotated[
        tuple[str, ...],
        Meta(
            description="Domains (the d= of their ARC seals) whose word is taken that a message "
            "passed DMARC before they forwarded it; mailing lists and forwarding services. Only a "
            "chain that verifies whole and whose newest seal is theirs counts."
        ),
    ] = ()

    # SPF (RFC 7208). Ten lookups, ten names of an MX or PTR are the RFC's own and fixed.

    spf_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=120,
            description="Time for one SPF evaluation, then temperror. RFC 7208 §4.6.4 asks for 20 "
            "seconds at least.",
        ),
    ] = 20.0
    spf_void_lookups: Annotated[
        int,
        Meta(
            ge=0,
            le=10,
            description="Questions without an answer that an SPF record may lead to, then "
            "permerror (RFC 7208 §4.6.4).",
        ),
    ] = 2
    spf_max_record_octets: Annotated[
        int,
        Meta(
            ge=512,
            le=65_536,
            description="Longest SPF record in octets; a longer one is a permerror. RFC 7208 §3.4 "
            "recommends 450, large senders publish up to 2000.",
        ),
    ] = 16_384
    spf_explanation_octets: Annotated[
        int,
        Meta(
            ge=0,
            le=450,
            description="Octets of a domain's own explanation (exp=) that are shown in our reply. "
            "0 shows none.",
        ),
    ] = 250

    # DKIM (RFC 6376) and the seals of ARC (RFC 8617), which are signatures of the same kind

    dkim_max_signatures: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="DKIM signatures of a message that are looked at, from the top; what is "
            "below them is only counted. Honest mail has one to four.",
        ),
    ] = 10
    dkim_min_rsa_bits: Annotated[
        int,
        Meta(
            ge=1024,
            le=4096,
            description="Shortest RSA key whose signatures count. RFC 8301 §3.2 forbids shorter "
            "ones than 1024 bits and recommends 2048, which some senders still do not have.",
        ),
    ] = 1024
    dkim_max_rsa_bits: Annotated[
        int,
        Meta(
            ge=2048,
            le=16_384,
            description="Longest RSA key that is tried. RFC 8301 §3.2 asks for 4096; the work "
            "grows with the square of the length, and who publishes a key chooses it.",
        ),
    ] = 8192
    dkim_max_key_record_octets: Annotated[
        int,
        Meta(
            ge=2048,
            le=65_536,
            description="Longest key record in octets; a longer one is a permerror. An RSA key of "
            "8192 bits takes 1400.",
        ),
    ] = 16_384
    dkim_max_header_octets: Annotated[
        int,
        Meta(
            ge=65_536,
            le=16 * 1024 * 1024,
            description="Longest header in octets whose signatures and seals are looked at; the "
            "same as the largest that port 25 takes.",
        ),
    ] = 1024 * 1024
    dkim_clock_skew_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=_DAY,
            description="How far the signer's clock may be from ours: a signature counts so long "
            "after its expiry and so long before its own date.",
        ),
    ] = 3600
    dkim_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=120,
            description="Time for the keys of one message, then temperror; and again for those of "
            "an ARC chain.",
        ),
    ] = 15.0

    # DMARC (RFC 7489 and its successor)

    dmarc_from_domains: Annotated[
        int,
        Meta(
            ge=1,
            le=50,
            description="Domains of the From field that are evaluated; the strictest result "
            "counts. With more the message is a permerror.",
        ),
    ] = 5
    dmarc_report_addresses: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Addresses of rua= or ruf= that are read; RFC 7489 §6.2 asks for two at "
            "least.",
        ),
    ] = 10

    dnsbl: tuple[DnsblSettings, ...] = ()
    greylist: GreylistSettings = field(default_factory=GreylistSettings)

    def __post_init__(self) -> None:
        _check_networks("trusted_networks", self.trusted_networks)
