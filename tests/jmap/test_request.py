"""Requests as octets: what is one, and how what is none is refused (RFC 8620 §3.6.1)."""

from __future__ import annotations

import pytest

from pillarbox.jmap.errors import RequestRefused
from pillarbox.jmap.request import Call, parse_request

CORE = "urn:ietf:params:jmap:core"
KNOWN = frozenset({CORE})


def test_a_request_with_members_of_later_specifications() -> None:
    octets = (
        b'{"using":["urn:ietf:params:jmap:core"],"new":1,'
        b'"methodCalls":[["Core/echo",{"a":1},"c1"]],"createdIds":{"k":"M1"}}'
    )
    request = parse_request(octets, known=KNOWN, max_calls=16)
    assert request.using == (CORE,)
    assert request.method_calls == (Call("Core/echo", {"a": 1}, "c1"),)
    assert request.created_ids == {"k": "M1"}


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (b"", "notJSON"),
        (b"{", "notJSON"),
        (b'{"using":["\xff"],"methodCalls":[]}', "notJSON"),
        (b'{"using":[],"methodCalls":[["a",{"x":' + b"[" * 100_000, "notJSON"),
        (b"[]", "notRequest"),
        (b'{"methodCalls":[]}', "notRequest"),
        (b'{"using":[],"methodCalls":[["Core/echo",{}]]}', "notRequest"),
        (b'{"using":[],"methodCalls":[["Core/echo",[],"c"]]}', "notRequest"),
        (b'{"using":["urn:x"],"methodCalls":[]}', "unknownCapability"),
        (b'{"using":[],"methodCalls":[' + b'["a",{},"c"],' * 16 + b'["a",{},"c"]]}', "limit"),
    ],
)
def test_what_is_refused(octets: bytes, kind: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_request(octets, known=KNOWN, max_calls=16)
    assert refused.value.kind == kind
    assert refused.value.problem()["type"] == f"urn:ietf:params:jmap:error:{kind}"
    if kind == "limit":
        assert refused.value.problem()["limit"] == "maxCallsInRequest"
