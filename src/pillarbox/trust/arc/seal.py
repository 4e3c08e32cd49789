"""Our ARC set in front of a message that we pass on (RFC 8617 §5.1)."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from pillarbox.message.header import header_end
from pillarbox.trust.arc.chain import ArcResult
from pillarbox.trust.arc.sets import MAX_SETS, collect_sets
from pillarbox.trust.dkim.body import hash_body
from pillarbox.trust.dkim.header import Header, relaxed_field
from pillarbox.trust.dkim.sign import (
    header_digest,
    list_of_names,
    names_to_sign,
    signed_field,
)
from pillarbox.trust.folding import fold

if TYPE_CHECKING:
    from pillarbox.message.part import Octets
    from pillarbox.trust.dkim.keys import SigningKey

_RESULTS = b"ARC-Authentication-Results"
_ALSO_SIGNED = (b"DKIM-Signature",)  # RFC 8617 §4.1.2; never Authentication-Results or ARC's own


def seal(
    octets: Octets,
    size: int,
    authres_payload: str,
    chain: ArcResult,
    key: SigningKey,
    authserv_id: str,
    now: datetime,
) -> bytes:
    """The three fields, to stand in front; b"" where the chain is at its end, or was not readable
    just now: it may hold at the next server, and cv=fail would end it for ever.

    `chain` is what verify_chain() found in the same octets, `authres_payload` the findings behind
    our name. Raises BadSigningKey.
    """
    if chain.is_ended or chain.result == "temperror" or chain.instances >= MAX_SETS:
        return b""
    end = header_end(octets, 0, size)
    header = Header(octets[:end])
    instance = chain.instances + 1
    results = b"%b: %b\r\n" % (
        _RESULTS,
        fold(f"i={instance}; {authserv_id}; {authres_payload}".encode(), len(_RESULTS) + 2),
    )
    names = names_to_sign(header, _ALSO_SIGNED)
    body_hash = base64.b64encode(hash_body(octets, end, size, "relaxed").digests[None])
    head = [b"i=%d" % instance, *_signer(key, now)]
    signature = signed_field(
        b"ARC-Message-Signature",
        [*head, b"c=relaxed/relaxed", list_of_names(names), b"bh=%b" % body_hash],
        key,
        header_digest(header, names),
    )
    digest = hashlib.sha256()
    if chain.result == "pass":
        for one in collect_sets(header):
            for index in (one.results, one.signature, one.seal):
                digest.update(header.canonical(index, "relaxed"))
    digest.update(relaxed_field(results))
    digest.update(relaxed_field(signature))
    status = chain.result if chain.result in ("none", "pass") else "fail"
    seal_field = signed_field(b"ARC-Seal", [*head, b"cv=%b" % status.encode()], key, digest)
    return seal_field + signature + results


def _signer(key: SigningKey, now: datetime) -> list[bytes]:
    return [
        b"a=%b" % key.algorithm.encode(),
        b"d=%b" % key.domain.encode(),
        b"s=%b" % key.selector.encode(),
        b"t=%d" % int(now.timestamp()),
    ]
