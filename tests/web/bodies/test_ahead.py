"""Pictures that are fetched at delivery: once, for whoever opens it later, and harming nobody."""

from __future__ import annotations

import asyncio
import re
import smtplib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillarbox.accounts.directory import Directory, LocalTarget
from pillarbox.config.bodies import PictureSettings
from pillarbox.flow.delivery.envelope import AS_IT_CAME, Envelope, Handling, Origin, Recipient
from pillarbox.flow.delivery.envelope import Sender as From
from pillarbox.flow.delivery.local import Deliverer
from pillarbox.jmap.ids import message_blob_id
from pillarbox.net.https import Fetched
from pillarbox.testing import running_server
from pillarbox.web.bodies.ahead import Ahead
from pillarbox.web.bodies.pictures import Fetcher
from support.body_pages import PagesBox
from support.picture_site import PNG, OnePort, PictureSite, resolve
from support.store_box import letter

SETTINGS = PictureSettings(fetch_at_delivery=True)
PASSWORD = "nineteen-harbour-lamps"


def html(*sources: str, more: str = "") -> bytes:
    pictures = "".join(f'<img src="{source}" width=90 height=90>' for source in sources)
    return letter(body=f"<p>Words{pictures}{more}", Content_Type="text/html")


class Mail(PagesBox):
    """Deliveries by the flow's own way, with pictures fetched ahead."""

    async def open(self) -> None:
        await super().open()
        self.ahead = Ahead(self.store, self.bodies, self.picture_settings, self.pool, self.pictures)
        self.store.arrivals.listen(self.ahead.add)

    async def __aexit__(self, *error: Any) -> None:
        await self.ahead.stop()
        await super().__aexit__(*error)

    async def take(self, raw: bytes, handling: Handling = AS_IT_CAME) -> str:
        """A delivery to alice; the blob id of what came."""
        login = self.alice.login
        envelope = Envelope(
            journey="j",
            origin=Origin("192.0.2.1", "x.example.net", "ESMTP", "s"),
            sender=From("carol@example.net"),
            recipients=(Recipient(login, (LocalTarget(self.alice.id, login),)),),
        )
        deliverer = Deliverer(
            self.store, Directory(self.store), hostname="mx.example.org", clock=self.clock
        )
        with self.store.spool() as spool:
            spool.write(raw)
            assert await deliverer.deliver(envelope, spool, handling) == [None]
        rows = await self.store.read(lambda db: db.rows("SELECT max(message_id) FROM message"))
        return message_blob_id(rows[0][0])

    async def open_with_pictures(self, blob: str) -> list[int]:
        """The statuses of all pictures, as a person's browser gets them."""
        page = (await self.ask("body?img=1", blob)).body.decode()
        addresses = re.findall(r'src="(/imgproxy/[^"]+)"', page)
        return [(await self.get(address)).status for address in addresses]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


def idle(mail: Mail) -> bool:
    return not [task for task in asyncio.all_tasks() if task.get_name() == "pictures-ahead"]


async def test_fetched_at_delivery_and_not_again_on_opening(tmp_path: Path) -> None:
    with PictureSite() as site:
        port = site.server_port
        fetcher = Fetcher(SETTINGS, OnePort(ports=(port,)), resolve)
        async with Mail(tmp_path, pictures=SETTINGS, fetching=fetcher) as mail:
            at = f"http://pictures.example:{port}"
            pixel = f'<img src="{at}/pixel" width=1 height=1>'
            twice = f'<img src="{at}/a.png">'
            blob = await mail.take(html(f"{at}/a.png", f"{at}/b.png", more=pixel + twice))
            await until(lambda: len(site.paths) >= 2 and idle(mail))
            assert sorted(site.paths) == ["/a.png", "/b.png"]  # no tracker, and each once
            assert not {"cookie", "referer"} & {name for head in site.heads for name in head}
            assert b"/imgproxy/" not in (await mail.ask("body", blob)).body  # not shown by itself
            assert await mail.open_with_pictures(blob) == [200, 200, 200]
            assert len(site.paths) == 2


async def test_what_is_not_fetched(tmp_path: Path) -> None:
    """Junk, plain text, what leads inside: all before a last one, for they are taken in turn."""
    async with Mail(tmp_path, pictures=SETTINGS) as mail:
        mail.network.answers["https://p.example/last"] = Fetched(200, "", PNG)
        await mail.take(html("https://p.example/junk"), Handling(junk=True))
        await mail.take(letter(body="https://p.example/plain"))
        await mail.take(html("https://mail.example.org/own", "cid:a", "data:image/png;base64,AA"))
        await mail.take(html("https://p.example/last"))
        await until(lambda: bool(mail.network.asked) and idle(mail))
        assert mail.network.asked == ["https://p.example/last"]


async def test_plain_text_is_not_cleaned(tmp_path: Path) -> None:
    async with Mail(tmp_path, pictures=SETTINGS) as mail:
        await mail.take(letter(body="https://p.example/plain"))
        assert not idle(mail)
        await until(lambda: idle(mail))
        assert mail.pool.processes == 0


async def test_what_fails_is_fetched_on_opening(tmp_path: Path) -> None:
    async with Mail(tmp_path, pictures=SETTINGS) as mail:
        blob = await mail.take(html("https://p.example/1", "https://p.example/2"))
        await until(lambda: len(mail.network.asked) == 2 and idle(mail))
        for url in ("https://p.example/1", "https://p.example/2"):
            mail.network.answers[url] = Fetched(200, "", PNG)
        assert await mail.open_with_pictures(blob) == [200, 200]
        assert len(mail.network.asked) == 4


async def test_a_bound_for_each_message_and_for_each_account(tmp_path: Path) -> None:
    chosen = msgspec.structs.replace(SETTINGS, delivery_pictures=3, per_minute=8)
    async with Mail(tmp_path, pictures=chosen) as mail:
        for number in range(4):
            sources = [f"https://p.example/{number}/{picture}" for picture in range(5)]
            blob = await mail.take(html(*sources))
        await until(lambda: len(mail.network.asked) >= 4 and idle(mail))
        assert sorted(mail.network.asked) == [
            f"https://p.example/{place}" for place in ("0/0", "0/1", "0/2", "1/0")
        ]
        # Half of the minute's pictures are left for who looks.
        assert await mail.open_with_pictures(blob) == [404, 404, 404, 404, 429]


class Stuck:
    """A server of strangers that takes the question and never answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = asyncio.Event()

    async def __call__(self, url: str, seconds: float) -> Fetched:
        self.asked.append(url)
        await self.go_on.wait()
        return Fetched(200, "", PNG)


async def test_deliveries_never_wait_and_a_full_queue_forgets(tmp_path: Path) -> None:
    stuck = Stuck()
    chosen = msgspec.structs.replace(SETTINGS, delivery_waiting=2, delivery_seconds=600.0)
    async with Mail(tmp_path, pictures=chosen, fetching=stuck) as mail:
        first = await mail.take(html("https://p.example/0"))
        await until(lambda: len(stuck.asked) == 1)
        for number in range(1, 6):
            async with asyncio.timeout(30):  # far below the time that the picture may take
                last = await mail.take(html(f"https://p.example/{number}"))
        assert first != last and (await mail.ask("body", last)).status == 200
        stuck.go_on.set()
        await until(lambda: len(stuck.asked) >= 3 and idle(mail))
        assert stuck.asked == [f"https://p.example/{number}" for number in range(3)]
        assert await mail.open_with_pictures(last) == [200]  # as without the switch
        await mail.take(html("https://p.example/6"))  # there is room again
        await until(lambda: stuck.asked[-1] == "https://p.example/6")


async def test_a_slow_server_holds_up_the_next_only_for_a_while(tmp_path: Path) -> None:
    chosen = msgspec.structs.replace(SETTINGS, delivery_seconds=2.0)
    stuck = Stuck()
    async with Mail(tmp_path, pictures=chosen, fetching=stuck) as mail:
        await mail.ask("body", await mail.deliver(letter()))  # a process has started
        await mail.take(html("https://slow.example/"))
        await mail.take(html("https://p.example/"))
        await until(lambda: stuck.asked[-1:] == ["https://p.example/"])
        await mail.ahead.stop()  # it breaks off what is under way
        assert idle(mail)
        await mail.take(html("https://p.example/after"))
        assert idle(mail)
        assert stuck.asked == ["https://slow.example/", "https://p.example/"]


@pytest.mark.parametrize("on", [True, False])
def test_the_servers_switch(tmp_path: Path, on: bool) -> None:
    """A picture on this computer is never asked for; but it counts as one of the account's."""
    with (
        PictureSite() as site,
        running_server(
            tmp_path,
            accounts={"alice@example.org": PASSWORD},
            settings={"web.pictures": {"fetch_at_delivery": on}},
        ) as server,
    ):
        counts = server.data_dir / "cache" / "pictures.counts"
        message = html(f"http://127.0.0.1:{site.server_port}/a.png")
        with smtplib.SMTP("127.0.0.1", server.smtp, timeout=30) as client:
            client.sendmail("carol@example.net", ["alice@example.org"], message)
        ends_at = time.monotonic() + (30 if on else 2)
        while not counts.read_bytes() and time.monotonic() < ends_at:
            time.sleep(0.05)
        assert bool(counts.read_bytes()) == on
        assert site.paths == []


@pytest.mark.parametrize("other", [{"enabled": False}, {"cache_days": 0}])
def test_it_needs_a_cache(other: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="fetch_at_delivery needs"):
        msgspec.convert({"fetch_at_delivery": True, **other}, PictureSettings)
