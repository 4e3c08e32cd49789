"""Which of a message's DKIM signatures hold (RFC 6376 §6.1).

Nothing raises: each signature has a result. All signatures share the header's canonical fields and
one pass over the body for each canonical form.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from pillarbox.message.header import header_end
from pillarbox.trust.dkim.body import BodyHashes, hash_body
from pillarbox.trust.dkim.header import Canon, Header, without_b
from pillarbox.trust.dkim.key_lookup import KeyRing, Keys, look_up
from pillarbox.trust.dkim.result import DkimResult, Unverified
from pillarbox.trust.dkim.signature import Signature, check_time, outline, parse_dkim
from pillarbox.trust.dkim.tags import BadTags, parse_tags

if TYPE_CHECKING:
    from pillarbox.config.trust import TrustSettings
    from pillarbox.dns.resolver import Resolver
    from pillarbox.message.part import Octets

Bodies = dict[Canon, BodyHashes]
_FIELD = b"dkim-signature"
_HASHED_HERE = 256 * 1024  # octets of a body that are hashed in the event loop: below a millisecond


class Claim(msgspec.Struct):
    """A signature on its way to its result."""

    index: int  # of its field in the header
    result: DkimResult
    signature: Signature | None = None


async def verify(
    octets: Octets, resolver: Resolver, now: datetime, settings: TrustSettings
) -> tuple[DkimResult, ...]:
    """The results of all signatures, top to bottom; () where there is none."""
    end = header_end(octets, 0, min(len(octets), settings.dkim_max_header_octets + 1))
    if end > settings.dkim_max_header_octets:
        why = f"the header is longer than {settings.dkim_max_header_octets} octets"
        return (DkimResult("policy", why=why),)
    header = Header(octets[:end])
    places = header.indexes(_FIELD)
    if not places:
        return ()
    claims = [_claim(header, at, now, settings) for at in places[: settings.dkim_max_signatures]]
    sound = [claim for claim in claims if claim.signature is not None]
    ring = await look_up([_of(claim) for claim in sound], resolver, settings)
    with_key = [claim for claim in sound if _has_key(claim, ring)]
    bodies = await hash_bodies(octets, end, [_of(claim) for claim in with_key])
    for claim in with_key:
        claim.result = _judged(claim, ring.keys(_of(claim)), header, bodies)
    results = [claim.result for claim in claims]
    if more := len(places) - len(claims):
        why = f"{more} more below {settings.dkim_max_signatures} signatures are not looked at"
        results.append(DkimResult("policy", why=why))
    return tuple(results)


def _claim(header: Header, index: int, now: datetime, settings: TrustSettings) -> Claim:
    """Read one signature; its result stands already where it cannot hold."""
    result = DkimResult("neutral")
    try:
        tags = parse_tags(header.fields[index].value)
        result = outline(tags)
        signature = parse_dkim(tags)
        check_time(signature, now, settings.dkim_clock_skew_seconds)
    except BadTags as error:
        return Claim(index, msgspec.structs.replace(result, why=f"malformed: {error}"))
    except Unverified as error:
        return Claim(index, _refused(result, error))
    return Claim(index, msgspec.structs.replace(result, domain=signature.domain), signature)


def _of(claim: Claim) -> Signature:
    assert claim.signature is not None
    return claim.signature


async def hash_bodies(octets: Octets, start: int, wanted: Sequence[Signature]) -> Bodies:
    """One pass over the body for each canonical form; a long one beside the event loop."""
    lengths: dict[Canon, set[int]] = {}
    for signature in wanted:
        of_form = lengths.setdefault(signature.body_canon, set())
        if signature.body_length is not None:
            of_form.add(signature.body_length)
    size = len(octets)
    if size - start <= _HASHED_HERE:
        return {form: hash_body(octets, start, size, form, of) for form, of in lengths.items()}
    return {
        form: await asyncio.to_thread(hash_body, octets, start, size, form, of)
        for form, of in lengths.items()
    }


def check_signature(
    header: Header, index: int, signature: Signature, keys: Keys, bodies: Bodies
) -> int:
    """The bits of the key with which the message was signed. Raises Unverified."""
    body = bodies[signature.body_canon]
    length = signature.body_length
    if length is not None and length > body.length:
        raise Unverified("permerror", "l= is longer than the body")
    if body.digests[length] != signature.body_hash:
        raise Unverified("fail", "the body was changed")
    digest = hashlib.sha256()
    for field in header.signed(signature.signed, signature.header_canon, without=index):
        digest.update(field)
    digest.update(without_b(header.fields[index], signature.b_span, signature.header_canon))
    key = keys.verifying(signature.octets, digest.digest())
    if key is None:
        raise Unverified("fail", "the header was changed, or another key signed")
    if length is not None and length < body.length:
        # RFC 6376 §8.2: what stands behind l= may be anybody's, and with MIME it may be all that
        # a reader sees. So such a signature does not count, though it holds.
        raise Unverified("policy", f"{body.length - length} octets of the body are not signed")
    return key.bits


def _has_key(claim: Claim, ring: KeyRing) -> bool:
    """Without one the result stands, and the body need not be read."""
    try:
        ring.keys(_of(claim))
    except Unverified as error:
        claim.result = _refused(claim.result, error)
        return False
    return True


def _refused(result: DkimResult, error: Unverified) -> DkimResult:
    return msgspec.structs.replace(result, result=error.result, why=error.why)


def _judged(claim: Claim, keys: Keys, header: Header, bodies: Bodies) -> DkimResult:
    signature = _of(claim)
    result = msgspec.structs.replace(
        claim.result,
        testing=any("y" in key.flags for key in keys.records),
        key_bits=keys.records[0].bits,
        authentic=keys.authentic,
    )
    try:
        bits = check_signature(header, claim.index, signature, keys, bodies)
        if any("s" in key.flags for key in keys.records):
            _check_exact(signature)
    except Unverified as error:
        return _refused(result, error)
    return msgspec.structs.replace(result, result="pass", key_bits=bits)


def _check_exact(signature: Signature) -> None:
    """t=s: no subdomains in i= (RFC 6376 §3.6.1)."""
    if signature.identity_domain != signature.domain:
        raise Unverified("permerror", "the key is not for subdomains, which i= names")
