"""Our signatures: relaxed on both sides, all keys in one pass over the message (RFC 6376 §5)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pillarbox.message.header import header_end
from pillarbox.trust.dkim.body import hash_body
from pillarbox.trust.dkim.header import Header, relaxed_field
from pillarbox.trust.dkim.keys import SigningKey
from pillarbox.trust.folding import LINE, fold

if TYPE_CHECKING:
    from pillarbox.message.part import Octets

# Named once more than they are there, so that none can be added behind our back: what a reader
# sees as the letter's sender, people, subject and time; where an answer goes; how the body is read.
OVERSIGNED = (
    b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"Reply-To",
    b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding",
)  # fmt: skip
# Signed where they are, and free to be added: mailing lists and resending people do that without
# changing the letter (RFC 6376 §5.4.1). RFC 8058 §4 wants both List-Unsubscribe fields signed,
# RFC 8460 §5.3 those of a TLS report.
SIGNED = (
    b"Sender", b"In-Reply-To", b"References", b"Content-ID", b"Content-Description",
    b"Content-Disposition", b"Content-Language", b"Resent-Date", b"Resent-From", b"Resent-Sender",
    b"Resent-To", b"Resent-Cc", b"Resent-Message-ID", b"List-ID", b"List-Help",
    b"List-Unsubscribe", b"List-Unsubscribe-Post", b"List-Subscribe", b"List-Post", b"List-Owner",
    b"List-Archive", b"Autocrypt", b"TLS-Report-Domain", b"TLS-Report-Submitter", b"TLS-Required",
)  # fmt: skip
_MOST_OF_ONE = 50  # fields of one name that are signed; RFC 5322 §3.6 allows one of nearly all


def sign(
    octets: Octets,
    size: int,
    keys: Sequence[SigningKey],
    now: datetime,
    *,
    lifetime: timedelta | None = None,
) -> bytes:
    """A DKIM-Signature field for each key, to stand in front. Raises BadSigningKey.

    `lifetime` sets x=. The signatures do not cover one another, so each holds alone.
    """
    end = header_end(octets, 0, size)
    header = Header(octets[:end])
    names = names_to_sign(header)
    body_hash = base64.b64encode(hash_body(octets, end, size, "relaxed").digests[None])
    digest = header_digest(header, names)
    signed_at = int(now.timestamp())
    made = []
    for key in keys:
        tags = [b"v=1", b"a=%b" % key.algorithm.encode(), b"c=relaxed/relaxed"]
        tags += [b"d=%b" % key.domain.encode(), b"s=%b" % key.selector.encode()]
        tags.append(b"t=%d" % signed_at)
        if lifetime is not None:
            tags.append(b"x=%d" % (signed_at + int(lifetime.total_seconds())))
        tags += [list_of_names(names), b"bh=%b" % body_hash]
        made.append(signed_field(b"DKIM-Signature", tags, key, digest))
    return b"".join(made)


def names_to_sign(header: Header, more: Iterable[bytes] = ()) -> list[bytes]:
    """What h= names: the fields that are there, `more` among them, and the guards."""
    names: list[bytes] = []
    for name in OVERSIGNED:
        names += [name] * (min(len(header.indexes(name.lower())), _MOST_OF_ONE) + 1)
    for name in (*SIGNED, *more):
        names += [name] * min(len(header.indexes(name.lower())), _MOST_OF_ONE)
    return names


def header_digest(header: Header, names: Sequence[bytes]) -> hashlib._Hash:
    """The hash of the relaxed fields, to which the signature's own field is still to come."""
    lower = [name.lower() for name in names]
    return hashlib.sha256(b"".join(header.signed(lower, "relaxed")))


def list_of_names(names: Sequence[bytes]) -> bytes:
    """The h= tag, with places where it may be folded."""
    return b"h=" + b": ".join(names)


def signed_field(
    name: bytes, tags: Sequence[bytes], key: SigningKey, digest: hashlib._Hash
) -> bytes:
    """The whole field, folded; `digest` holds all that stands in front of it in the hash."""
    field = name + b": " + fold(b"; ".join([*tags, b"b="]), len(name) + 2)
    digest = digest.copy()
    digest.update(relaxed_field(field).removesuffix(b"\r\n"))
    signature = base64.b64encode(key.sign_digest(digest.digest()))
    at = len(field) - field.rfind(b"\n") - 1
    first = max(LINE - at, 4)
    lines = [signature[:first]]
    lines += [signature[i : i + LINE - 1] for i in range(first, len(signature), LINE - 1)]
    return field + b"\r\n ".join(lines) + b"\r\n"
