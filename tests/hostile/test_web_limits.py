"""JMAP over HTTPS with the default settings: bodies at and over their limits, and their cost."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator

import pytest

from pillarbox.testing import RunningServer, running_server
from support.jmap_client import CORE, JmapClient, basic
from support.raw_peer import watched

LOGIN, PASSWORD = "alice@example.org", "correct-horse-9"
MOST = 10_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("web")
    with running_server(folder, accounts={LOGIN: PASSWORD}) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[JmapClient]:
    with JmapClient(server.https, server.certificate, basic(LOGIN, PASSWORD)) as made:
        assert made.ask("GET", "/jmap/session").status == 200
        yield made


def chunks(octets: int) -> Iterator[bytes]:
    while octets > 0:
        yield b" " * min(octets, 65_536)
        octets -= 65_536


def test_one_octet_too_many_is_refused_unread(client: JmapClient, server: RunningServer) -> None:
    with watched(server.pids[1]) as peak:
        client.connection.putrequest("POST", "/jmap/api")
        client.connection.putheader("Authorization", client.authorization)
        client.connection.putheader("Content-Type", "application/json")
        client.connection.putheader("Content-Length", str(MOST + 1))
        client.connection.endheaders()
        response = client.connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read())["limit"] == "maxSizeRequest"
    assert peak.growth_mib < 5


def test_without_a_length_no_more_than_the_limit_is_held(
    client: JmapClient, server: RunningServer
) -> None:
    with watched(server.pids[1]) as peak:
        headers = {"Authorization": client.authorization, "Content-Type": "application/json"}
        body = chunks(MOST + 1)
        client.connection.request("POST", "/jmap/api", body, headers, encode_chunked=True)
        assert client.connection.getresponse().status == 413
    assert peak.growth_mib < 45


ODD = {
    "brackets": b"[" * MOST,
    "braces": b'{"a":' * (MOST // 5),
    "a string": b'{"using":["' + b"a" * (MOST - 40) + b'"],"methodCalls":[]}',
    "a number": b'{"using":[],"methodCalls":' + b"9" * (MOST - 40) + b"}",
    "escapes": b'{"using":["' + b"\\u0041" * ((MOST - 40) // 6) + b'"],"methodCalls":[]}',
    "names": b'{"using":["x"' + b',"x"' * ((MOST - 60) // 4) + b'],"methodCalls":[]}',
    "calls": b'{"using":[],"methodCalls":[' + b'["",{},""],' * 800_000 + b'["",{},""]]}',
}


@pytest.mark.timed
@pytest.mark.parametrize("kind", ODD)
def test_ten_megabytes_of_something(kind: str, client: JmapClient, server: RunningServer) -> None:
    assert len(ODD[kind]) <= MOST
    with watched(server.pids[1]) as peak:
        began = time.monotonic()
        found = client.post(ODD[kind])
        assert time.monotonic() - began < 5
    assert found.status == 400
    assert len(found.body) < 2000
    assert peak.growth_mib < 400
    assert client.call(["Core/echo", {}, "c"]).status == 200


@pytest.mark.parametrize("depth", [100, 500, 900, 1000, 5000, 100_000])
def test_depths(depth: int, client: JmapClient) -> None:
    """Answered or refused, never a fault."""
    nested = b"[" * depth + b"]" * depth
    body = b'{"using":["%b"],"methodCalls":[["Core/echo",{"a":%b},"c"]]}'
    found = client.post(body % (CORE.encode(), nested))
    assert found.status in (200, 400)
    if depth <= 100:
        assert found.status == 200
        assert nested in found.body
    if depth > 5000:
        assert found.status == 400


@pytest.mark.timed
def test_slow_ones_do_not_hold_up_others(client: JmapClient, server: RunningServer) -> None:
    """Fifty that sent half a request each; who asks meanwhile is answered at once."""
    context = ssl.create_default_context(cafile=str(server.certificate))
    half = []
    for _ in range(50):
        connection = http.client.HTTPSConnection("localhost", server.https, context=context)
        connection.putrequest("POST", "/jmap/api")
        connection.putheader("Content-Length", "1000")
        connection.endheaders()
        connection.send(b"{")
        half.append(connection)
    worst = 0.0
    for _ in range(20):
        began = time.monotonic()
        assert client.call(["Core/echo", {}, "c"]).status == 200
        worst = max(worst, time.monotonic() - began)
    assert worst < 1
    for connection in half:
        connection.close()
