"""Whether a list may be left with one click, and where (RFC 8058). Pure.

Only what a valid signature covers counts, as our own check at delivery found it: the message's
header may say anything, and keys change.
"""

from __future__ import annotations

import re

from pillarbox.message.header import pick
from pillarbox.trust.authres import parse
from pillarbox.trust.dkim.header import Header
from pillarbox.trust.dkim.result import DkimResult
from pillarbox.trust.dkim.signature import outline
from pillarbox.trust.dkim.tags import BadTags, parse_tags

POSTED = b"List-Unsubscribe=One-Click"  # the whole of what is sent (RFC 8058 §3.2)
_LEAVE, _POST = b"list-unsubscribe", b"list-unsubscribe-post"
_RESULTS = b"authentication-results"
_SIGNATURE = b"dkim-signature"
_MOST_SIGNATURES = 20
_URI = re.compile(rb"<\s*(https://[^<>\s]{1,2000})\s*>", re.IGNORECASE)


def one_click_url(trace: bytes, header: bytes, authserv_id: str) -> str | None:
    """The first https URI of List-Unsubscribe, if it may be posted to (RFC 8058 §4).

    `trace` are the fields that this server wrote at delivery, `header` those of the message.
    """
    fields = pick(header, frozenset((_LEAVE, _POST)))
    leave, post = fields.get(_LEAVE, []), fields.get(_POST, [])
    if len(leave) != 1 or len(post) != 1:  # a second one is not signed
        return None
    found = _URI.search(leave[0])
    if post[0].strip().lower() != POSTED.lower() or found is None or not found[1].isascii():
        return None
    if not _is_covered(Header(header), _valid(trace, authserv_id)):
        return None
    return found[1].decode()


def _valid(trace: bytes, authserv_id: str) -> set[tuple[str, str, str]]:
    """Domain, selector and beginning of each signature that held at delivery."""
    valid: set[tuple[str, str, str]] = set()
    for value in pick(trace, frozenset((_RESULTS,))).get(_RESULTS, []):
        told = parse(value)
        if told is None or told.authserv_id != authserv_id.lower():
            continue
        for finding in told.findings:
            if finding.method == "dkim" and finding.result == "pass":
                of = {name: text for kind, name, text in finding.properties if kind == "header"}
                valid.add((of.get("d", ""), of.get("s", ""), of.get("b", "")))
    return valid


def _is_covered(header: Header, valid: set[tuple[str, str, str]]) -> bool:
    for index in header.indexes(_SIGNATURE)[:_MOST_SIGNATURES]:
        try:
            tags = parse_tags(header.fields[index].value)
            signed = {name.lower().encode() for name in tags.words(b"h")}
        except BadTags:
            continue
        if _key(outline(tags)) in valid and {_LEAVE, _POST} <= signed:
            return True
    return False


def _key(told: DkimResult) -> tuple[str, str, str]:
    return told.domain, told.selector, told.signature
