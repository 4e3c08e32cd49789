"""Upload and download over real sockets; what strangers wrote is a file and nothing else."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any
from urllib.parse import quote, unquote

import pytest

from pillarbox.jmap.http.files import disposition, given_type, harmless_type
from pillarbox.node.administration import Opened
from pillarbox.node.welcome import deliver_welcome
from pillarbox.store.sql import accounts
from support.jmap_client import JmapClient

pytestmark = pytest.mark.timed


def upload(client: JmapClient, person: Any, octets: bytes, media_type: str) -> dict[str, Any]:
    found = client.ask("POST", f"/jmap/upload/{person.id}/", octets, Content_Type=media_type)
    assert found.status == 201, found.body
    told: dict[str, Any] = found.json
    return told


def test_up_and_down_again(person: Any) -> None:
    octets = bytes(range(256)) * 700
    with person.client() as client:
        told = upload(client, person, octets, "Image/PNG; x=y")
        assert told["accountId"] == person.id
        assert (told["type"], told["size"]) == ("image/png", len(octets))
        path = f"/jmap/download/{person.id}/{told['blobId']}/a.png"
        found = client.ask("GET", path + "?type=image/png")
        assert (found.status, found.body) == (200, octets)
        assert found.headers["content-length"] == str(len(octets))
        assert found.headers["content-type"] == "image/png"
        assert "immutable" in found.headers["cache-control"]
        assert "private" in found.headers["cache-control"]
        assert client.ask("GET", path).headers["content-type"] == "image/png"
        assert client.ask("HEAD", path).body == b""
        assert upload(client, person, octets, "image/png")["blobId"] == told["blobId"]
        assert upload(client, person, b"", "text/plain")["size"] == 0


def test_only_for_whom_it_was(person: Any, server: Any) -> None:
    with person.client() as client:
        told = upload(client, person, b"mine alone", "text/plain")
    other = type(person)(server, "user156@example.org", 157)
    with other.client() as client:
        path = f"/jmap/download/{other.id}/{told['blobId']}/x?type=text/plain"
        assert client.ask("GET", path).status == 404


def test_a_whole_message(person: Any) -> None:
    async def deliver(opened: Opened) -> None:
        account = await opened.store.read(lambda db: accounts.get(db, person.number))
        await deliver_welcome(opened, account, "Hello there", ["A line."])

    person.server.administer(deliver)
    with person.client() as client:
        found = client.ask("GET", f"/jmap/download/{person.id}/B1/m.eml?type=message/rfc822")
        assert found.status == 200
        assert b"Subject: Hello there\r\n" in found.body
        assert found.headers["content-type"] == "message/rfc822"
        for blob in ("B2", "B0", "B-1", "B" + "9" * 30, "M1", "U00", "U" + "0" * 64, "B1%00", "x"):
            path = f"/jmap/download/{person.id}/{blob}/m.eml?type=message/rfc822"
            assert client.ask("GET", path).status == 404


@pytest.mark.parametrize(
    "media_type",
    ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "text/css"],
)
def test_what_a_browser_would_run_is_a_file(person: Any, media_type: str) -> None:
    with person.client() as client:
        told = upload(client, person, b"<script>alert(1)</script>", media_type)
        assert told["type"] == media_type
        base = f"/jmap/download/{person.id}/{told['blobId']}/x.html"
        for path in (base, base + "?type=" + quote(media_type), base + "?type=text/html"):
            found = client.ask("GET", path)
            assert found.status == 200
            assert found.headers["content-type"] == "application/octet-stream"
            assert found.headers["content-disposition"].startswith("attachment;")
            assert found.headers["x-content-type-options"] == "nosniff"
            assert found.headers["cross-origin-resource-policy"] == "same-origin"
            policy = found.headers["content-security-policy"]
            assert "sandbox" in policy
            assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("text/plain", "text/plain"),
        ("application/pdf", "application/pdf"),
        ("message/rfc822", "message/rfc822"),
        ("text/plain; charset=utf-7", "text/plain"),
        ("text/plain\r\nX: y", "application/octet-stream"),
        ("text/plain, text/html", "application/octet-stream"),
        ("TEXT/HTML", "application/octet-stream"),
        ("application/ecmascript", "application/octet-stream"),
        ("application/rss+xml", "application/octet-stream"),
        ("multipart/x-mixed-replace", "application/octet-stream"),
        ("text/unknown", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("a/" + "b" * 300, "application/octet-stream"),
    ],
)
def test_types(given: str, served: str) -> None:
    assert harmless_type(given_type(given)) == served


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..\\..\\boot.ini", "_.._boot.ini"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\x.txt", "C__x.txt"),
        ("..", "file"),
        ("", "file"),
        (".bashrc", "bashrc"),
        ('a".html', "a_.html"),
        ("a\r\nSet-Cookie: x=y", "a__Set-Cookie_ x=y"),
        ("a\0b", "a_b"),
        ("Grüße 猫.txt", "Grüße 猫.txt"),
        ("gpj\u202eexe.jpg", "gpj_exe.jpg"),
        ("zero\u200bwidth", "zero_width"),
        ("a;b=c'd%20", "a;b=c'd%20"),
        ("n" * 500, "n" * 180),
    ],
)
def test_names(name: str, saved: str) -> None:
    field = disposition(name)
    plain, _, extended = field.partition("filename*=UTF-8''")
    assert field.isascii()
    assert not set(field) & set("\r\n\0")
    assert unquote(extended) == saved
    assert plain.count('"') == 2
    assert "/" not in plain
    assert "\\" not in plain


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("..%2F..%2Fetc%2Fpasswd", 200),
        ("a%0d%0aSet-Cookie:%20x=y", 404),
        ("%00", 200),
        ("..%5cx", 200),
        ("%ff", 200),
        ("", 200),
    ],
)
def test_names_over_the_wire(person: Any, name: str, status: int) -> None:
    with person.client() as client:
        told = upload(client, person, b"x", "text/plain")
        path = f"/jmap/download/{person.id}/{told['blobId']}/{name}?type=text/plain"
        found = client.ask("GET", path)
        assert found.status == status
        assert "set-cookie" not in found.headers
        if status == 200:
            plain = found.headers["content-disposition"].split('"')[1]
            assert not plain.startswith(".")
            assert not set(plain) & set("/\\\0")


def test_too_large_is_refused_before_it_is_sent(person: Any) -> None:
    with person.client() as client:
        path = f"/jmap/upload/{person.id}/"
        assert client.ask("POST", path, b"x" * 200_000).status == 201
        client.connection.putrequest("POST", path)
        client.connection.putheader("Authorization", client.authorization)
        client.connection.putheader("Content-Length", str(1 << 40))
        client.connection.putheader("Expect", "100-continue")
        client.connection.endheaders()
        response = client.connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read())["limit"] == "maxSizeUpload"
    with person.client() as client:
        client.connection.request(
            "POST",
            path,
            iter([b"x" * 50_000] * 5),
            {"Authorization": client.authorization},
            encode_chunked=True,
        )
        assert client.connection.getresponse().status == 413


def test_an_account_has_room_for_so_much(person: Any) -> None:
    path = f"/jmap/upload/{person.id}/"
    with person.client() as client:
        for number in range(2):
            assert client.ask("POST", path, bytes([number]) * 200_000).status == 201
        found = client.ask("POST", path, b"z" * 200_000)
        assert found.status == 429
        assert "forgotten" in found.json["detail"]
        assert client.ask("POST", path, b"z" * 1000).status == 201


def test_an_account_has_room_for_so_many(person: Any) -> None:
    path = f"/jmap/upload/{person.id}/"
    with person.client() as client:
        made = [client.ask("POST", path, b"%d" % number).status for number in range(11)]
    assert made == [201] * 10 + [429]  # uploaded_files


def test_uploads_at_the_same_moment(person: Any) -> None:
    """One place in each of two workers: of five that hang, three at least are told so."""
    path = f"/jmap/upload/{person.id}/"
    clients = [person.client() for _ in range(5)]
    refused: list[http.client.HTTPResponse] = []

    def begin(client: JmapClient) -> None:
        client.connection.putrequest("POST", path)
        client.connection.putheader("Authorization", client.authorization)
        client.connection.putheader("Content-Length", "100")
        client.connection.endheaders()
        client.connection.sock.settimeout(1.5)
        try:
            refused.append(client.connection.getresponse())
        except TimeoutError:
            return

    threads = [threading.Thread(target=begin, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 3 <= len(refused) <= 4
    assert {response.status for response in refused} == {429}
    assert json.loads(refused[0].read())["limit"] == "maxConcurrentUpload"
    for client in clients:
        client.connection.close()


def test_an_upload_that_is_broken_off_leaves_nothing(person: Any) -> None:
    path = f"/jmap/upload/{person.id}/"
    for _ in range(3):  # each takes and gives back the one place
        with person.client() as client:
            client.connection.putrequest("POST", path)
            client.connection.putheader("Authorization", client.authorization)
            client.connection.putheader("Content-Length", "1000")
            client.connection.endheaders()
            client.connection.send(b"x" * 10)
    with person.client() as client:
        for _ in range(20):
            found = client.ask("POST", path, b"whole")
            if found.status == 201:
                break
        assert found.status == 201
