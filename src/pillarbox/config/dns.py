"""[dns]: which resolvers are asked, how long, and what is kept of their answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

_DAY = 86_400


class DnsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Questions to the Domain Name System."""

    servers: Annotated[
        tuple[str, ...],
        Meta(
            description="IP addresses of the resolvers to ask, each with a port if it is not 53 "
            '("127.0.0.1:5353", "[::1]:5353"). They must follow questions to their end '
            "(recursion). Empty: those of /etc/resolv.conf. One on this computer is best: mail "
            "asks much, and some block lists refuse the large public resolvers."
        ),
    ] = ()
    trust_ad: Annotated[
        bool,
        Meta(
            description="Believe the resolvers when they say that an answer is authentic "
            "(DNSSEC), which DANE rests on. Set it only if they validate, and if nobody can "
            "change their answers on the way: on this computer, or over a protected network. A "
            "line `options trust-ad` in /etc/resolv.conf says the same where `servers` is empty."
        ),
    ] = False
    try_seconds: Annotated[
        float,
        Meta(
            ge=0.1,
            le=60,
            description="Seconds to wait for one resolver before the next is asked. A resolver "
            "that finds a name's servers slow needs some 2.",
        ),
    ] = 3.0
    tries: Annotated[
        int,
        Meta(
            ge=1,
            le=10,
            description="How often each resolver is asked: the packet may have been lost, or the "
            "answer may by then have reached a resolver that was slow.",
        ),
    ] = 2
    total_seconds: Annotated[
        float,
        Meta(
            ge=0.1,
            le=120,
            description="Seconds after which a question has failed, whatever was tried. An SMTP "
            "client waits minutes for its reply, and one message takes some 20 questions.",
        ),
    ] = 12.0
    dead_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds for which a resolver that was silent twice is asked only after "
            "all others.",
        ),
    ] = 30.0
    concurrent_questions: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Questions on their way at one time in each worker; more wait. Every one "
            "has a socket of its own, so that its port cannot be guessed.",
        ),
    ] = 256
    cache_entries: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000_000,
            description="Sets of records kept in each worker; those unused the longest go first. "
            "One takes some 500 octets, so this is 10 MiB.",
        ),
    ] = 20_000
    cache_octets: Annotated[
        int,
        Meta(
            ge=0,
            le=2**31,
            description="Octets of records kept in each worker, since one set may hold 64 KiB.",
        ),
    ] = 32 * 1024 * 1024
    minimum_ttl: Annotated[
        int,
        Meta(
            ge=0,
            le=_DAY,
            description="Seconds for which an answer is kept at least, even if it says 0: all "
            "checks of one message should see the same.",
        ),
    ] = 5
    maximum_ttl: Annotated[
        int,
        Meta(
            ge=1,
            le=7 * _DAY,
            description="Seconds for which an answer is kept at most, so that a mistake in "
            "somebody's zone ends within a day.",
        ),
    ] = _DAY
    maximum_negative_ttl: Annotated[
        int,
        Meta(
            ge=1,
            le=_DAY,
            description="Seconds for which the absence of a name or record is kept at most: a "
            "domain that sets up its mail is seen in minutes.",
        ),
    ] = 900
    failure_ttl: Annotated[
        int,
        Meta(
            ge=0,
            le=300,
            description="Seconds for which a failed question is not asked again, so that many "
            "messages of a domain whose name servers are down do not each wait for them.",
        ),
    ] = 10
