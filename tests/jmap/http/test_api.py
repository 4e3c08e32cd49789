"""Session and method calls over real sockets with TLS, two workers."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from pillarbox.web.headers import SECURITY
from support.jmap_client import CORE, JmapClient

pytestmark = pytest.mark.timed

LIMIT = "urn:ietf:params:jmap:error:limit"
ECHO = ["Core/echo", {"a": [1, {"b": None}]}, "c0"]


def test_the_session_tells_what_there_is(person: Any) -> None:
    with person.client() as client:
        found = client.ask("GET", "/.well-known/jmap")
        assert found.status == 200
        session = found.json
        assert session["username"] == person.login
        assert session["accounts"][person.id]["name"] == person.login
        assert session["capabilities"][CORE]["maxSizeRequest"] == 100_000
        origin = f"https://localhost:{person.server.https}/jmap/"
        for name in ("apiUrl", "uploadUrl", "downloadUrl", "eventSourceUrl"):
            assert session[name].startswith(origin)
        for word in ("{accountId}", "{blobId}", "{name}", "{type}"):
            assert word in session["downloadUrl"]
        assert client.ask("GET", "/jmap/session").json == session
        assert found.headers["cache-control"] == "no-store"


def test_calls_are_answered_with_the_sessions_state(person: Any) -> None:
    with person.client() as client:
        found = client.call(ECHO, ["Core/nothing", {}, "c1"])
        assert found.status == 200
        assert found.headers["content-type"] == "application/json"
        assert found.json["methodResponses"][0] == ECHO
        assert found.json["methodResponses"][1][:2] == ["error", {"type": "unknownMethod"}]
        assert found.json["sessionState"] == client.session()["state"]
        assert "createdIds" not in found.json
        assert client.call(ECHO, createdIds={"k": "v"}).json["createdIds"] == {"k": "v"}


DEEP = (
    b'{"using":[],"methodCalls":[["Core/echo",{"a":' + b"[" * 40_000 + b"]" * 40_000 + b'},"c"]]}'
)
REFUSED: dict[str, tuple[bytes, str, int, str]] = {
    "no JSON": (b"{", "application/json", 400, "notJSON"),
    "nothing": (b"", "application/json", 400, "notJSON"),
    "no UTF-8": (b'{"using":["\xff"],"methodCalls":[]}', "application/json", 400, "notJSON"),
    "too deep": (DEEP, "application/json", 400, "notJSON"),
    "a list": (b"[]", "application/json", 400, "notRequest"),
    "no calls": (b'{"using":[]}', "application/json", 400, "notRequest"),
    "a number for a name": (
        b'{"using":[],"methodCalls":[[1,{},"c"]]}',
        "application/json",
        400,
        "notRequest",
    ),
    "unknown": (
        b'{"using":["urn:x"],"methodCalls":[]}',
        "application/json",
        400,
        "unknownCapability",
    ),
    "a form": (b'{"using":[],"methodCalls":[]}', "text/plain", 400, "notJSON"),
    "another form": (b"a=b", "application/x-www-form-urlencoded", 400, "notJSON"),
    "no type": (b'{"using":[],"methodCalls":[]}', "", 400, "notJSON"),
    "too many calls": (
        json.dumps({"using": [CORE], "methodCalls": [ECHO] * 65}).encode(),
        "application/json",
        400,
        "limit",
    ),
    "too large": (b" " * 100_001, "application/json", 413, "limit"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_request(person: Any, kind: str) -> None:
    octets, media_type, status, error = REFUSED[kind]
    with person.client() as client:
        found = client.post(octets, Content_Type=media_type)
        assert found.status == status
        assert found.headers["content-type"] == "application/problem+json"
        assert found.json["type"] == f"urn:ietf:params:jmap:error:{error}"
        assert found.json["status"] == status
        assert client.call(ECHO).status == 200  # the connection lives on


def test_the_largest_request_is_heard(person: Any) -> None:
    body = json.dumps({"using": [CORE], "methodCalls": [ECHO]}).encode()
    with person.client() as client:
        assert client.post(body + b" " * (100_000 - len(body))).status == 200
        found = client.post(body + b" " * (100_001 - len(body)))
        assert (found.status, found.json["limit"]) == (413, "maxSizeRequest")


def test_chunks_are_counted(person: Any) -> None:
    with person.client() as client:
        client.connection.request(
            "POST",
            "/jmap/api",
            iter([b" " * 60_000] * 2),
            {"Authorization": client.authorization, "Content-Type": "application/json"},
            encode_chunked=True,
        )
        response = client.connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read())["limit"] == "maxSizeRequest"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/jmap/api", 405),
        ("PUT", "/jmap/api", 405),
        ("OPTIONS", "/jmap/api", 405),
        ("POST", "/jmap/session", 405),
        ("GET", "/jmap/upload/A1/", 405),
        ("GET", "/", 303),
        ("GET", "/jmap", 404),
        ("GET", "/jmap/api/", 404),
        ("GET", "/jmap/../jmap/session", 404),
        ("GET", "//jmap/session", 404),
        ("GET", "/metrics", 404),
    ],
)
def test_other_addresses_and_methods(person: Any, method: str, path: str, status: int) -> None:
    with person.client() as client:
        elsewhere = {} if method in ("PUT", "POST") else {"Origin": "https://evil.example"}
        found = client.ask(method, path, **elsewhere)
        assert found.status == status
        assert not [name for name in found.headers if name.startswith("access-control")]
        for name, value in SECURITY.items():
            assert found.headers[name.decode()] == value.decode()


def test_another_sites_page_is_refused_before_its_password_is_looked_at(person: Any) -> None:
    with person.client() as client:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec_Fetch_Site": "cross-site"},
        ):
            assert client.post(b'{"using":[],"methodCalls":[]}', **headers).status == 403
            path = f"/jmap/upload/{person.id}/"
            assert (
                client.ask("POST", path, b"x", Content_Type="text/plain", **headers).status == 403
            )
        assert client.ask("POST", "/jmap/api", b"{}", Host="evil.example").status == 421


def test_requests_at_the_same_moment(person: Any) -> None:
    """Two of a person are heard in each worker; further ones are told to wait."""
    holding = [person.client() for _ in range(6)]
    body = json.dumps({"using": [CORE], "methodCalls": [ECHO]}).encode()
    for client in holding:
        client.connection.putrequest("POST", "/jmap/api")
        client.connection.putheader("Authorization", client.authorization)
        client.connection.putheader("Content-Type", "application/json")
        client.connection.putheader("Content-Length", str(len(body)))
        client.connection.endheaders()
    refused = []

    def wait(client: JmapClient) -> None:
        client.connection.sock.settimeout(1.5)
        try:
            refused.append(client.connection.getresponse())
        except TimeoutError:
            return

    waiting = [threading.Thread(target=wait, args=(client,)) for client in holding]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    assert 2 <= len(refused) <= 4  # of 6: two places in each of two workers
    for response in refused:
        assert response.status == 429
        assert response.headers["Retry-After"] == "1"
        told = json.loads(response.read())
        assert (told["type"], told["limit"]) == (LIMIT, "maxConcurrentRequests")
    for client in holding:
        client.connection.close()
    with person.client() as client:
        assert client.call(ECHO).status == 200
