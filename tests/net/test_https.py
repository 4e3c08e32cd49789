"""HTTPS to others' servers, against a real one on loopback."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pillarbox.net.address_policy import PUBLIC, AddressPolicy
from pillarbox.net.https import Fetched, FetchFailed, Limits, client_context, fetch, post
from support.authority import Issued, new_authority

HOST = "mta-sts.example.org"
ROOT = new_authority()
LOOPBACK = AddressPolicy(private=True, ports=())


async def respond(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/policy":
            return web.Response(text="version: STSv1", content_type="text/plain")
        case "/moved":
            raise web.HTTPFound("/policy")
        case "/large":
            return web.Response(body=b"x" * 70_000)
        case "/endless":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 1000)
        case "/slow":
            await asyncio.sleep(30)
        case "/packed":
            return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
        case "/post":
            body = await request.read()
            return web.Response(status=201, text=f"{request.content_type} {len(body)}")
        case "/seen":
            return web.Response(text=repr(sorted(request.headers)))
    raise web.HTTPNotFound


@asynccontextmanager
async def serving(folder: Path, issued: Issued) -> AsyncIterator[int]:
    certificate, key = issued.write(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    runner = web.ServerRunner(web.Server(respond), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    finally:
        await runner.cleanup()


def trusting(authority: Issued) -> ssl.SSLContext:
    return client_context(authority.pem.decode())


async def to_loopback(_host: str) -> Sequence[str]:
    return ["127.0.0.1"]


def ask(folder: Path, path: str, issued: Issued | None = None, **more: Any) -> Fetched:
    """GET `path` from a server with that certificate."""

    async def all_of_it() -> Fetched:
        async with serving(folder, issued or ROOT.issue(HOST)) as port:
            settings = {
                "address_policy": LOOPBACK,
                "max_octets": 65_536,
                "seconds": 5.0,
                "resolve": to_loopback,
                "context": trusting(ROOT),
            } | more
            return await fetch(f"https://{HOST}:{port}{path}", **settings)

    return asyncio.run(all_of_it())


def why(act: Callable[[], Any]) -> str:
    with pytest.raises(FetchFailed) as caught:
        act()
    return caught.value.why


def test_an_answer(tmp_path: Path) -> None:
    found = ask(tmp_path, "/policy")
    assert (found.status, found.body) == (200, b"version: STSv1")
    assert found.content_type.startswith("text/plain")


def test_every_status_is_an_answer_and_redirects_are_not_followed(tmp_path: Path) -> None:
    assert ask(tmp_path, "/nothing").status == 404
    assert ask(tmp_path, "/moved").status == 302


def test_little_is_told_about_us(tmp_path: Path) -> None:
    seen = b"['Accept', 'Accept-Encoding', 'Connection', 'Host', 'User-Agent']"
    assert ask(tmp_path, "/seen").body == seen


@pytest.mark.parametrize("path", ["/large", "/endless"])
def test_octets_are_bounded(tmp_path: Path, path: str) -> None:
    assert why(lambda: ask(tmp_path, path)) == "too large"


@pytest.mark.timed
def test_time_is_bounded(tmp_path: Path) -> None:
    started = time.monotonic()
    assert why(lambda: ask(tmp_path, "/slow", seconds=0.3)) == "timeout"
    assert time.monotonic() - started < 3

    async def forever(_host: str) -> Sequence[str]:
        await asyncio.sleep(30)
        return []

    assert why(lambda: ask(tmp_path, "/policy", seconds=0.3, resolve=forever)) == "timeout"


def test_what_comes_packed_is_not_unpacked(tmp_path: Path) -> None:
    assert ask(tmp_path, "/packed").body == b"\x1f\x8b"


@pytest.mark.parametrize(
    "issued",
    [
        ROOT.issue("example.org"),
        ROOT.issue("*.mta-sts.example.org"),
        ROOT.issue(common_name=HOST),
        new_authority("Another").issue(HOST),
    ],
)
def test_certificates_are_verified(tmp_path: Path, issued: Issued) -> None:
    assert why(lambda: ask(tmp_path, "/policy", issued)) == "certificate"


def test_the_systems_authorities_are_the_default(tmp_path: Path) -> None:
    assert why(lambda: ask(tmp_path, "/policy", context=None)) == "certificate"


@pytest.mark.parametrize("text", ["", "\n", "no certificate"])
def test_a_text_without_authorities_does_not_mean_the_systems(text: str) -> None:
    with pytest.raises(ssl.SSLError, match="certificate"):
        client_context(text)


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "::1", "10.0.0.1"])
def test_private_addresses_are_not_gone_to(tmp_path: Path, address: str) -> None:
    async def there(_host: str) -> Sequence[str]:
        return [address]

    policy = AddressPolicy(ports=())
    assert why(lambda: ask(tmp_path, "/policy", resolve=there, address_policy=policy)) == "address"


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://[::1]/", "https://[::ffff:7f00:1]/", "https://0x7f000001/"],
)
def test_addresses_in_the_url_are_looked_at_too(url: str) -> None:
    assert why(lambda: asyncio.run(fetch(url, max_octets=1, seconds=5))) == "address"


def test_other_ports_are_not_gone_to(tmp_path: Path) -> None:
    assert why(lambda: ask(tmp_path, "/policy", address_policy=PUBLIC)) == "address"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://",
        "https:///x",
        "https://a:b@example.org/",
        "ftp://x/",
        "",
        "https://example.org/\r\nX: y",
        "https://ü.example/",
        "https://x:y/",
        "https://[::1",
        "file:///etc/passwd",
        "https://example.org/" + "x" * 3000,
        "https://127.1/",
    ],
)
def test_only_https(url: str) -> None:
    assert why(lambda: asyncio.run(fetch(url, max_octets=1, seconds=5))) == "url"


def test_nobody_there_and_no_address() -> None:
    async def nowhere(_host: str) -> Sequence[str]:
        return []

    def get(resolve: Callable[[str], Awaitable[Sequence[str]]], port: int) -> str:
        url = f"https://{HOST}:{port}/"
        return why(
            lambda: asyncio.run(
                fetch(url, max_octets=1, seconds=5, address_policy=LOOPBACK, resolve=resolve)
            )
        )

    assert get(nowhere, 443) == "unreachable"
    assert get(to_loopback, 1) == "unreachable"


def test_what_is_no_http() -> None:
    async def check() -> None:
        async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 not TLS at all\r\n")
            writer.close()

        async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(FetchFailed) as caught:
                await fetch(
                    f"https://{HOST}:{port}/",
                    max_octets=1,
                    seconds=5,
                    address_policy=LOOPBACK,
                    resolve=to_loopback,
                )
            assert caught.value.why == "unreachable"

    asyncio.run(check())


def test_posting(tmp_path: Path) -> None:
    async def check() -> Fetched:
        async with serving(tmp_path, ROOT.issue(HOST)) as port:
            return await post(
                f"https://{HOST}:{port}/post",
                b"x" * 5000,
                "application/tlsrpt+gzip",
                address_policy=LOOPBACK,
                limits=Limits(1000, 5.0),
                resolve=to_loopback,
                context=trusting(ROOT),
            )

    assert asyncio.run(check()) == Fetched(
        201, "text/plain; charset=utf-8", b"application/tlsrpt+gzip 5000"
    )
