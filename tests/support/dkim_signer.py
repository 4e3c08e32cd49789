"""A slow signer of any tags whatever, sensible or not, over the oracle's canonical forms."""

from __future__ import annotations

import base64
import hashlib
import re

from pillarbox.trust.dkim import SigningKey
from support import dkim_oracle


def signature(
    message: bytes, key: SigningKey, name: str = "DKIM-Signature", **tags: str | None
) -> bytes:
    """A field over the message; a tag of None is left out, `class_` style names are not needed.

    Tags that are not given are those of an ordinary signature. b= is made last, over what the
    others say; `b="…"` puts something else there.
    """
    header, _, body = message.partition(b"\r\n\r\n")
    canon = tags.get("c") or "relaxed/relaxed"
    header_canon, _, body_canon = canon.partition("/")
    whole = dkim_oracle.body(body, body_canon or "simple")
    length = tags.get("l")
    cut = whole[: int(length)] if length and length.isdigit() else whole
    usual: dict[str, str | None] = {
        "v": "1",
        "a": key.algorithm,
        "c": "relaxed/relaxed",
        "d": key.domain,
        "s": key.selector,
        "h": "From:To:Subject",
        "bh": base64.b64encode(hashlib.sha256(cut).digest()).decode(),
    }
    given = {**usual, **tags}
    wanted_b = given.pop("b", "")
    head = "; ".join(f"{tag}={value}" for tag, value in given.items() if value is not None)
    field = f"{name}: {head}; b=".encode()
    chosen = _chosen(header, (given["h"] or "").split(":"))
    hashed = b"".join(dkim_oracle.field(raw, header_canon) for raw in chosen)
    hashed += dkim_oracle.field(field + b"\r\n", header_canon)[:-2]
    made = base64.b64encode(key.sign_digest(hashlib.sha256(hashed).digest())).decode()
    return field + (wanted_b or made).encode() + b"\r\n"


def _chosen(header: bytes, names: list[str]) -> list[bytes]:
    """The fields that h= names, last ones first."""
    left = [raw + b"\r\n" for raw in re.split(rb"\r\n(?![ \t])", header)]
    chosen = []
    for name in names:
        wanted = name.strip().lower().encode()
        for raw in reversed(left):
            if raw.partition(b":")[0].strip().lower() == wanted:
                chosen.append(raw)
                left.remove(raw)
                break
    return chosen
