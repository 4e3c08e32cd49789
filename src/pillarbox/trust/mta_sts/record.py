"""The TXT record that says there is a policy, and which version of it (RFC 8461 §3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_VERSION = re.compile(r"v=STSv1[ \t]*(?:;|\Z)")
_FIELD = re.compile(r"[ \t]*([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([\x21-\x3a\x3c\x3e-\x7e]+)[ \t]*\Z")
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")

MAX_RECORD_OCTETS = 4096  # of one TXT record; the real ones have 30
HOST_PREFIX = "_mta-sts."
POLICY_HOST_PREFIX = "mta-sts."


def record_name(domain: str) -> str:
    """Where a domain's record is."""
    return HOST_PREFIX + domain


def policy_url(domain: str) -> str:
    """Where a domain's policy is (RFC 8461 §3.2)."""
    return f"https://{POLICY_HOST_PREFIX}{domain}/.well-known/mta-sts.txt"


def parse_sts_record(records: Iterable[bytes]) -> str | None:
    """The id of the one valid record; None: the domain offers no policy now.

    Two records that say v=STSv1, or a faulty one, are as good as none.
    """
    texts = [octets.decode("latin-1") for octets in records if len(octets) <= MAX_RECORD_OCTETS]
    found = [text for text in texts if _VERSION.match(text)]
    return _parse_id(found[0]) if len(found) == 1 else None


def _parse_id(text: str) -> str | None:
    fields: dict[str, str] = {}
    pieces = text.split(";")[1:]
    if pieces and not pieces[-1].strip(" \t"):
        pieces.pop()  # a delimiter may end the record
    for piece in pieces:
        field = _FIELD.match(piece)
        if field is None:
            return None
        fields.setdefault(field[1], field[2])  # of duplicates the first counts
    ident = fields.get("id", "")
    return ident if _ID.match(ident) else None


def encode_sts_record(ident: str) -> str:
    """Our own TXT record. The id changes with the policy."""
    if not _ID.match(ident):
        raise ValueError("an id has 1 to 32 letters and digits")
    return f"v=STSv1; id={ident};"
