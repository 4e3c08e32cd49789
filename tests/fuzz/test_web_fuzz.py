"""What browsers, JMAP programs and other people's web servers send: any of it has an answer.

Fuzzed: requests and the records in them, what OAuth servers and autoconfig files say.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pillarbox.flow.collect.autodetect import Guess, parse_autoconfig
from pillarbox.flow.collect.oauth_messages import (
    OAuthEndpoints,
    Registration,
    code_in,
    new_request,
    parse_device,
    parse_tokens,
)
from pillarbox.flow.collect.settings import ServerSpec
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.jmap.capabilities import MAIL
from pillarbox.jmap.email.draft import parse_received_at
from pillarbox.jmap.email.given import parse_keywords, parse_mailbox_ids
from pillarbox.jmap.email.patch import parse_update
from pillarbox.jmap.errors import RecordRefused, RequestRefused
from pillarbox.jmap.request import parse_request
from pillarbox.jmap.submission.envelope import read_envelope
from pillarbox.net.secret import Secret
from support.fuzzing import LONGER

EXAMPLES = settings(max_examples=200 * LONGER, deadline=None)
ENDPOINTS = OAuthEndpoints(
    authorization="https://o.example/authorize", token="https://o.example/token",
    device="https://o.example/device", scope="mail",
)  # fmt: skip
US = Registration(
    provider="", endpoints=ENDPOINTS, client_id="pillarbox", client_secret=Secret("s")
)

# Words that mean something to one of the parsers, so that examples come far.
WORDS = st.sampled_from(
    ["using", "methodCalls", "createdIds", MAIL, "Email/get", "keywords", "keywords/$seen",
     "mailboxIds", "mailboxIds/M1", "$seen", "mailFrom", "rcptTo", "email", "parameters", "NOTIFY",
     "a@example.org", "2026-11-23T00:00:00Z", "0000-00-00T00:00:00Z", "access_token",
     "refresh_token", "token_type", "Bearer", "expires_in", "device_code", "user_code",
     "verification_uri", "interval", "error", "authorization_pending", "a/b/~1", "~", ""],
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
RECORDS = st.dictionaries(WORDS | st.text(max_size=10), VALUES, max_size=5)
CALLS = st.lists(st.tuples(WORDS, RECORDS, WORDS), max_size=3)
REQUESTS = st.builds(
    lambda using, calls: {"using": using, "methodCalls": calls}, st.lists(WORDS, max_size=2), CALLS
)
JSON = (VALUES | REQUESTS).map(lambda value: json.dumps(value).encode())
CHANGES = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4)


def changed(octets: bytes, changes: list[tuple[int, int]]) -> bytes:
    """With some octets as nobody meant them."""
    made = bytearray(octets)
    for at, value in changes:
        if at < len(made):
            made[at] = value
    return bytes(made)


@EXAMPLES
@given(JSON, CHANGES)
@example(b"[" * 100_000, [])
@example(b'{"using":[],"methodCalls":[],"createdIds":{"a":null}}', [])
def test_requests(octets: bytes, changes: list[tuple[int, int]]) -> None:
    try:
        request = parse_request(changed(octets, changes), known=frozenset({MAIL}), max_calls=2)
    except RequestRefused as refused:
        assert str(refused)
        return
    assert len(request.method_calls) <= 2 and set(request.using) <= {MAIL}


PARSERS: tuple[Callable[[Any], object], ...] = (
    parse_keywords, parse_mailbox_ids, parse_received_at, read_envelope,
)  # fmt: skip


@EXAMPLES
@given(st.sampled_from(PARSERS), VALUES | RECORDS)
@example(parse_received_at, "9999-12-31T23:59:59+23:59")
@example(parse_received_at, "0001-01-01T00:00:00Z")
def test_values_of_records(parse: Callable[[Any], object], value: Any) -> None:
    try:
        parse(value)
    except RecordRefused as refused:
        assert str(refused)


@EXAMPLES
@given(RECORDS)
def test_patches(patch: dict[str, Any]) -> None:
    try:
        parse_update(patch)
    except RecordRefused as refused:
        assert str(refused)


@EXAMPLES
@given(st.sampled_from([200, 400, 500]), RECORDS | VALUES, CHANGES)
@example(200, {"access_token": "a", "expires_in": float("inf")}, [])
@example(200, {"access_token": "a", "expires_in": float("nan")}, [])
def test_oauth_servers(status: int, value: Any, changes: list[tuple[int, int]]) -> None:
    body = changed(json.dumps(value).encode(), changes)
    for parse in (parse_tokens, lambda s, b: parse_device(US, s, b)):
        try:
            parse(status, body)
        except SourceFailure as failure:
            assert str(failure)


@EXAMPLES
@given(st.text(max_size=60) | st.lists(WORDS, max_size=6).map("&code=".join))
@example("http://[")
@example("https://o.example/?state=\udcff&code=a")
@example("\udcff")
def test_what_is_pasted(text: str) -> None:
    try:
        assert code_in(text, new_request(US, "http://127.0.0.1/"))
    except SourceFailure as failure:
        assert str(failure)


FILE = b"""<clientConfig version="1.1"><emailProvider id="example.org"><domain>example.org</domain>
<incomingServer type="imap"><hostname>imap.example.org</hostname><port>993</port>
<socketType>SSL</socketType><username>%EMAILADDRESS%</username>
<authentication>password-cleartext</authentication></incomingServer>
</emailProvider></clientConfig>"""


def _servers(found: Guess) -> tuple[ServerSpec | None, ...]:
    return found.servers.imap, found.servers.pop3, found.servers.smtp


@EXAMPLES
@given(st.binary(max_size=200) | st.just(FILE), CHANGES)
@example(FILE.replace(b"993", b"99999999999999999999"), [])
@example(b"<a>" * 20_000, [])
def test_autoconfig_files(octets: bytes, changes: list[tuple[int, int]]) -> None:
    found = parse_autoconfig(changed(octets, changes), "alice@example.org")
    for server in _servers(found) if found is not None else ():
        assert server is None or (server.host and 0 < server.port < 65_536)
