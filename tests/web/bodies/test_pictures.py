"""The picture proxy: only what was asked by us, only pictures, only from the open Internet."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillarbox.config.bodies import PictureSettings
from pillarbox.errors import NotFound, Throttled
from pillarbox.ids import AccountId
from pillarbox.net.https import Fetched, FetchFailed
from pillarbox.web.bodies.picture_store import Picture, PictureStore
from pillarbox.web.bodies.pictures import Fetcher, PicturePolicy, Pictures, is_own
from support.body_pages import KEY, NoNetwork, PagesBox
from support.fake_clock import FakeClock
from support.picture_site import PNG, OnePort, PictureSite, resolve
from support.store_box import letter

ALICE, BOB = AccountId(1), AccountId(2)
URL = "https://pictures.example/a.png"


def make(folder: Path, network: Any, **settings: Any) -> Pictures:
    chosen = PictureSettings(**settings)
    clock = FakeClock()
    store = PictureStore(folder / "kept", chosen, clock)
    return Pictures(chosen, KEY, clock, store, network, ["mail.example.org"])


async def get(pictures: Pictures, url: str, account: AccountId = ALICE) -> bytes:
    _, _, mark, target = pictures.address(account, url).split("/")
    return (await pictures.get(account, mark, target)).octets


async def test_a_picture_is_fetched_once(tmp_path: Path) -> None:
    network = NoNetwork()
    network.answers[URL] = Fetched(200, "text/html", PNG)
    pictures = make(tmp_path, network)
    for _ in range(3):
        assert await get(pictures, URL) == PNG
    assert network.asked == [URL]
    assert await get(pictures, URL, BOB) == PNG  # what one has seen tells another nothing
    assert network.asked == [URL, URL]


async def test_addresses_are_ours_alone(tmp_path: Path) -> None:
    network = NoNetwork()
    network.answers[URL] = Fetched(200, "", PNG)
    pictures = make(tmp_path, network)
    _, _, mark, target = pictures.address(ALICE, URL).split("/")
    other = pictures.address(ALICE, URL + "?x").split("/")[3]
    for account, given, what in (
        (BOB, mark, target),
        (ALICE, mark, other),
        (ALICE, "A" + mark[1:] if mark[0] != "A" else "B" + mark[1:], target),
        (ALICE, mark, "%%%"),
        (ALICE, mark, "_w"),
        (ALICE, "é", target),
    ):
        with pytest.raises(NotFound):
            await pictures.get(account, given, what)
    assert network.asked == []


@pytest.mark.parametrize(
    "fetched",
    [
        Fetched(200, "image/svg+xml", b"<svg/>"),
        Fetched(200, "image/png", b"<html>"),
        Fetched(200, "image/png", b""),
        Fetched(404, "image/png", PNG),
        Fetched(204, "image/png", b""),
    ],
)
async def test_what_is_no_picture(tmp_path: Path, fetched: Fetched) -> None:
    network = NoNetwork()
    network.answers[URL] = fetched
    with pytest.raises(NotFound):
        await get(make(tmp_path, network), URL)


async def test_redirects(tmp_path: Path) -> None:
    network = NoNetwork()
    for number in range(5):
        network.answers[f"https://r.example/{number}"] = Fetched(302, "", b"", f"/{number + 1}")
    network.answers["https://r.example/5"] = Fetched(200, "", PNG)
    pictures = make(tmp_path, network)
    assert await get(pictures, "https://r.example/2") == PNG
    with pytest.raises(NotFound):
        await get(pictures, "https://r.example/1")
    for number, target in enumerate(
        ["https://mail.example.org/x", "https://MAIL.example.org./x", "http://[", "file:///x", ""]
    ):
        start = f"https://s.example/{number}"
        network.answers[start] = Fetched(301, "", b"", target)
        with pytest.raises(NotFound):
            await get(pictures, start)
    assert not any("mail.example.org" in url.lower() for url in network.asked)


async def test_so_many_a_minute(tmp_path: Path) -> None:
    network = NoNetwork()
    pictures = make(tmp_path, network, per_minute=2)
    for number in range(2):
        with pytest.raises(NotFound):
            await get(pictures, f"{URL}?{number}")
    with pytest.raises(Throttled):
        await get(pictures, URL)
    with pytest.raises(NotFound):
        await get(pictures, URL, BOB)


@pytest.fixture
def loopback() -> Iterator[PictureSite]:
    with PictureSite() as site:
        yield site


async def test_over_the_network(tmp_path: Path, loopback: PictureSite) -> None:
    port = loopback.server_port
    settings = PictureSettings(octets=1024)
    fetcher = Fetcher(settings, OnePort(ports=(port,)), resolve)
    pictures = make(tmp_path, fetcher)
    site = f"http://pictures.example:{port}"
    assert await get(pictures, f"{site}/a.png") == PNG
    (head,) = loopback.heads
    assert head["user-agent"] == "Pillarbox"
    assert not {"cookie", "referer", "authorization", "accept-language"} & set(head)
    for path in ("/large", "/away"):
        with pytest.raises(NotFound):
            await get(pictures, site + path)
    with pytest.raises(NotFound):
        await get(pictures, f"http://inside.example:{port}/x")
    assert len(loopback.heads) == 3
    assert all("cookie" not in head for head in loopback.heads)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://localhost/",
        "http://192.0.2.1:25/",
        "http://192.0.2.1:8080/",
        "ftp://192.0.2.1/",
        "file:///etc/passwd",
        "gopher://192.0.2.1/",
        "http://user:password@192.0.2.1/",
        "http://192.0.2.1\\@127.0.0.1/",
        "http://",
    ],
)
async def test_what_is_never_asked(url: str) -> None:
    fetcher = Fetcher(PictureSettings())
    with pytest.raises(FetchFailed) as failed:
        async with asyncio.timeout(60):
            await fetcher(url, 1.0)
    assert failed.value.why in ("url", "address")


def test_addresses_of_our_own() -> None:
    assert is_own("127.0.0.1")
    assert not is_own("192.0.2.1")
    policy = PicturePolicy(ports=(80, 443))
    assert policy.allows("93.184.215.14", 443)
    assert not policy.allows("127.0.0.1", 443)
    assert not policy.allows("93.184.215.14", 8080)


async def test_the_folder_is_bounded(tmp_path: Path) -> None:
    clock = FakeClock()
    settings = PictureSettings(cache_octets=10_000, cache_days=7)
    store = PictureStore(tmp_path, settings, clock)
    for number in range(30):
        store.keep(f"{number:064x}", Picture("image/png", bytes(1000)))
        await clock.advance(60)
    kept = [n for n in range(30) if store.find(f"{n:064x}") is not None]
    assert kept == list(range(30 - len(kept), 30))  # the oldest went
    assert 5 <= len(kept) <= 11
    assert store.find(f"{29:064x}") == Picture("image/png", bytes(1000))
    await clock.advance(8 * 86_400)
    assert store.find(f"{29:064x}") is None
    store.sweep()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    store.keep("ab" * 32, Picture("image/png", bytes(20_000)))  # larger than the room
    assert store.find("ab" * 32) is None


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = PictureStore(tmp_path / "file", PictureSettings(), FakeClock())
    store.keep("ab" * 32, Picture("image/png", PNG))
    assert store.find("ab" * 32) is None


async def test_by_its_address(pages: PagesBox) -> None:
    html = f'<p>a<img src="{URL}" width=9>'
    blob = await pages.deliver(letter(body=html, Content_Type="text/html"))
    pages.network.answers[URL] = Fetched(200, "", PNG)
    assert b"/imgproxy/" not in (await pages.ask("body", blob)).body
    shown = (await pages.ask("body?img=1", blob)).body.decode()
    (address,) = re.findall(r'src="(/imgproxy/[^"]+)"', shown)
    found = await pages.get(address, Sec_Fetch_Dest="image", Sec_Fetch_Site="same-origin")
    assert (found.status, found.body) == (200, PNG)
    assert found.headers["content-type"] == "image/png"
    assert found.headers["cache-control"] == "private, max-age=604800"
    assert found.headers["content-security-policy"].endswith("sandbox")
    assert (await pages.get(address, Cookie="")).status == 401
    other = await pages.get(address, Sec_Fetch_Dest="image", Sec_Fetch_Site="cross-site")
    assert other.status == 403
    assert (await pages.get(address[:-1])).status == 404


async def test_switched_off(tmp_path: Path) -> None:
    off = PictureSettings(enabled=False)
    async with PagesBox(tmp_path, pictures=off) as pages:
        html = f'<p>a<img src="{URL}" width=9>'
        blob = await pages.deliver(letter(body=html, Content_Type="text/html"))
        found = await pages.ask("body?img=1", blob)
        assert b"imgproxy" not in found.body
        assert "imgproxy" not in found.headers["content-security-policy"]
        assert (await pages.get(pages.pictures.address(pages.alice.id, URL))).status == 403
        assert b'"imagesCanBeShown":false' in (await pages.ask("facts", blob)).body
