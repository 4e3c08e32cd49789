"""Whether a chain of seals holds, from the newest to the first (RFC 8617 §5.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from pillarbox.message.header import header_end
from pillarbox.trust.arc.sets import (
    ArcSet,
    BrokenChain,
    collect_sets,
    highest_instance,
    payload,
)
from pillarbox.trust.dkim.header import Header, without_b
from pillarbox.trust.dkim.key_lookup import KeyRing, look_up
from pillarbox.trust.dkim.result import Unverified
from pillarbox.trust.dkim.signature import (
    Sealed,
    Signature,
    check_time,
    parse_seal,
    parse_signature,
)
from pillarbox.trust.dkim.tags import BadTags, Tags
from pillarbox.trust.dkim.verify import check_signature, hash_bodies

if TYPE_CHECKING:
    from pillarbox.config.trust import TrustSettings
    from pillarbox.dns.resolver import Resolver
    from pillarbox.message.part import Octets

_NOT_SIGNED = b"arc-seal"  # an AMS over a seal could never be sealed in its turn


class ArcResult(Struct, frozen=True):
    """The chain's status. `temperror` is ours: RFC 8617 §5.2.1 knows only `fail` for it."""

    result: Literal["none", "pass", "fail", "temperror"]
    instances: int = 0
    sealers: tuple[str, ...] = ()  # d= of the seals, newest first
    authres: str = ""  # of a chain that passes: what the newest sealer saw, its name in front
    why: str = ""
    oldest_pass: int = 0  # the oldest instance whose signature still holds; 0: all (§5.2 step 5)
    is_ended: bool = False  # the newest seal says cv=fail, or there are 50: nobody seals any more


class _Wanted(Struct):
    """All that has to be verified: seals and signatures, oldest first."""

    seals: list[Sealed]
    signatures: list[Signature | Unverified]


async def verify_chain(
    octets: Octets, resolver: Resolver, now: datetime, settings: TrustSettings
) -> ArcResult:
    """The chain's result; nothing raises."""
    end = header_end(octets, 0, min(len(octets), settings.dkim_max_header_octets + 1))
    if end > settings.dkim_max_header_octets:
        why = f"the header is longer than {settings.dkim_max_header_octets} octets"
        return ArcResult("fail", why=why, is_ended=True)
    header = Header(octets[:end])
    sets: list[ArcSet] = []
    try:
        sets = collect_sets(header)
        if not sets:
            return ArcResult("none")
        _check_structure(sets)
        wanted = _Wanted(
            [_seal(one.seal_tags, now, settings) for one in sets],
            [_signature(one.signature_tags, now, settings) for one in sets],
        )
        if isinstance(wanted.signatures[-1], Unverified):
            raise wanted.signatures[-1]
        oldest = await _verify(octets, end, header, sets, wanted, resolver, settings)
    except (BrokenChain, Unverified) as error:
        is_temporary = isinstance(error, Unverified) and error.result == "temperror"
        return ArcResult(
            "temperror" if is_temporary else "fail",
            instances=highest_instance(header),
            why=str(error),
            is_ended=bool(sets) and sets[-1].chain_validation == b"fail",
        )
    return ArcResult(
        "pass",
        instances=len(sets),
        sealers=tuple(seal.domain for seal in reversed(wanted.seals)),
        authres=payload(header, sets[-1].results),
        oldest_pass=oldest,
    )


def _check_structure(sets: Sequence[ArcSet]) -> None:
    """RFC 8617 §5.2 steps 2 and 3. Raises BrokenChain."""
    if sets[-1].chain_validation == b"fail":
        raise BrokenChain("the newest seal says that the chain had failed")
    for instance, one in enumerate(sets, 1):
        if one.chain_validation != (b"none" if instance == 1 else b"pass"):
            raise BrokenChain(f"cv= of instance {instance} is not what it has to be")
        if b"h" in one.seal_tags.values:
            raise BrokenChain(f"the seal of instance {instance} has h=")


def _seal(tags: Tags, now: datetime, settings: TrustSettings) -> Sealed:
    """Raises BrokenChain or Unverified."""
    try:
        seal = parse_seal(tags)
    except BadTags as error:
        raise BrokenChain(f"a seal is malformed: {error}") from error
    check_time(seal, now, settings.dkim_clock_skew_seconds)
    return seal


def _signature(tags: Tags, now: datetime, settings: TrustSettings) -> Signature | Unverified:
    """An older one may be anything: it says only how far back the message is unchanged."""
    try:
        signature = parse_signature(tags)
        check_time(signature, now, settings.dkim_clock_skew_seconds)
    except BadTags as error:
        return Unverified("permerror", f"a signature is malformed: {error}")
    except Unverified as error:
        return error
    if _NOT_SIGNED in signature.signed:
        return Unverified("permerror", "a signature names ARC-Seal in h=")
    return signature


async def _verify(
    octets: Octets,
    body_start: int,
    header: Header,
    sets: Sequence[ArcSet],
    wanted: _Wanted,
    resolver: Resolver,
    settings: TrustSettings,
) -> int:
    """Steps 4 to 6; the oldest instance that passes. Raises Unverified."""
    signatures = [one for one in wanted.signatures if isinstance(one, Signature)]
    ring = await look_up([*wanted.seals, *signatures], resolver, settings)
    bodies = await hash_bodies(octets, body_start, signatures)
    oldest = 0
    for instance in range(len(sets), 0, -1):
        signature = wanted.signatures[instance - 1]
        try:
            if isinstance(signature, Unverified):
                raise signature
            place, keys = sets[instance - 1].signature, ring.keys(signature)
            check_signature(header, place, signature, keys, bodies)
        except Unverified as error:
            if instance == len(sets):
                raise Unverified(error.result, f"newest signature: {error.why}") from error
            oldest = instance + 1
            break
    _verify_seals(header, sets, wanted.seals, ring)
    return oldest


def _verify_seals(
    header: Header, sets: Sequence[ArcSet], seals: Sequence[Sealed], ring: KeyRing
) -> None:
    """Each seal covers all sets up to its own (RFC 8617 §5.1.1). Raises Unverified."""
    digest = hashlib.sha256()
    for instance, (one, seal) in enumerate(zip(sets, seals, strict=True), 1):
        digest.update(header.canonical(one.results, "relaxed"))
        digest.update(header.canonical(one.signature, "relaxed"))
        sealed = digest.copy()
        sealed.update(without_b(header.fields[one.seal], seal.b_span, "relaxed"))
        if ring.keys(seal).verifying(seal.octets, sealed.digest()) is None:
            raise Unverified("fail", f"the seal of instance {instance} does not hold")
        digest.update(header.canonical(one.seal, "relaxed"))
