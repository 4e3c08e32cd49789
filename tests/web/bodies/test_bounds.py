"""How much of a message is shown, and how many pictures are fetched, at one time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pillarbox.config.bodies import BodySettings, PictureSettings
from pillarbox.errors import NotFound
from pillarbox.ids import AccountId
from pillarbox.net.https import Fetched, FetchFailed
from pillarbox.web.bodies.picture_store import PictureStore
from pillarbox.web.bodies.pictures import Pictures
from support.body_pages import KEY, PagesBox
from support.fake_clock import FakeClock
from support.store_box import letter

LEAST = 16_384  # that the settings allow
PIECE = "words \r\n"


async def shown(pages: PagesBox, what: str, blob: str) -> int:
    """How many of the words."""
    found = await pages.ask(what, blob)
    assert found.status == 200
    return found.body.count(b"words")


async def test_a_long_text_is_cut_and_whole_when_asked_for_up_to_a_limit(tmp_path: Path) -> None:
    bodies = BodySettings(answer_seconds=20.0, shown_octets=LEAST, whole_octets=2 * LEAST)
    async with PagesBox(tmp_path, bodies=bodies) as pages:
        short, long, longest = [
            await pages.deliver(letter(body=PIECE * (size // len(PIECE))))
            for size in (LEAST // 2, 2 * LEAST, 4 * LEAST)
        ]
        assert await shown(pages, "body", short) == LEAST // 2 // len(PIECE)
        assert await shown(pages, "body", long) in range(2000, LEAST // len(PIECE) + 1)
        assert await shown(pages, "body?all=1", long) == 2 * LEAST // len(PIECE)
        assert await shown(pages, "body?all=1", longest) <= 2 * LEAST // len(PIECE)


async def test_so_many_parts_one_below_another(tmp_path: Path) -> None:
    async with PagesBox(tmp_path, bodies=BodySettings(answer_seconds=20.0, parts=3)) as pages:
        part = "--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n"
        raw = letter(body=part * 9 + "--b--\r\n", Content_Type="multipart/mixed; boundary=b")
        assert await shown(pages, "body", await pages.deliver(raw)) == 3


async def test_so_many_pictures_at_once(tmp_path: Path) -> None:
    under_way = most = 0

    async def slow(url: str, seconds: float) -> Fetched:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        raise FetchFailed("unreachable", "No network.")

    chosen, clock = PictureSettings(at_once=2), FakeClock()
    store = PictureStore(tmp_path / "kept", chosen, clock)
    pictures = Pictures(chosen, KEY, clock, store, slow, ["mail.example.org"])

    async def get(number: int) -> None:
        address = pictures.address(AccountId(1), f"https://p.example/{number}.png")
        _, _, mark, target = address.split("/")
        with pytest.raises(NotFound):
            await pictures.get(AccountId(1), mark, target)

    await asyncio.gather(*map(get, range(10)))
    assert most == 2


async def test_a_slow_picture_has_so_many_seconds(tmp_path: Path) -> None:
    """Redirects share them."""
    clock, asked = FakeClock(), []

    async def slow(url: str, seconds: float) -> Fetched:
        asked.append(seconds)
        await clock.advance(6)
        return Fetched(302, "", b"", "/next")

    chosen = PictureSettings(seconds=10.0)
    store = PictureStore(tmp_path / "kept", chosen, clock)
    pictures = Pictures(chosen, KEY, clock, store, slow, ["mail.example.org"])
    _, _, mark, target = pictures.address(AccountId(1), "https://p.example/1.png").split("/")
    with pytest.raises(NotFound):
        await pictures.get(AccountId(1), mark, target)
    assert asked == [10.0, 4.0]
