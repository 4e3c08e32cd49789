"""What a server of strangers can make ours ask for: nothing inside, however it is led there.

Literal addresses are in tests/net/test_address_policy.py and tests/web/bodies/test_pictures.py;
here are names whose answers change, and servers that redirect. 127.0.0.1 stands for the Internet,
127.0.0.2 for what is inside; both listen, so that a connection would be noticed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pillarbox.config.bodies import PictureSettings
from pillarbox.errors import NotFound
from pillarbox.ids import AccountId
from pillarbox.net.address_policy import AddressPolicy
from pillarbox.web.bodies.picture_store import PictureStore
from pillarbox.web.bodies.pictures import Fetcher, Pictures
from support.body_pages import KEY
from support.fake_clock import FakeClock

ALICE = AccountId(1)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
OUTSIDE, INSIDE = "127.0.0.1", "127.0.0.2"


class Listening(ThreadingHTTPServer):
    """Answers with a picture, or leads on to what `leads` says of a path."""

    daemon_threads = True

    def __init__(self, address: str, port: int) -> None:
        outer = self
        self.asked: list[str] = []
        self.leads: dict[str, tuple[int, str]] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status, location = outer.leads.get(self.path, (200, ""))
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(PNG)))
                self.end_headers()
                self.wfile.write(PNG)

            def log_message(self, *_said: object) -> None:
                pass

        super().__init__((address, port), Handler)


class OutsideOnly(AddressPolicy, frozen=True):
    def allows(self, address: str, port: int) -> bool:
        return address == OUTSIDE and port == self.ports[0]


@dataclass
class World:
    """Both servers on one port, and names whose addresses are told one answer after the other."""

    outside: Listening
    inside: Listening
    folder: Path
    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.outside.server_port

    async def resolve(self, host: str) -> list[str]:
        self.questions.append(host)
        told = self.answers.get(host, [[OUTSIDE]])
        return told.pop(0) if len(told) > 1 else told[0]

    async def get(self, url: str) -> bytes:
        """By the proxy. Raises NotFound."""
        settings = PictureSettings()
        clock = FakeClock()
        fetcher = Fetcher(settings, OutsideOnly(ports=(self.port,)), self.resolve)
        store = PictureStore(self.folder, settings, clock)
        pictures = Pictures(settings, KEY, clock, store, fetcher, ["mail.example.org"])
        _, _, mark, target = pictures.address(ALICE, url).split("/")
        return (await pictures.get(ALICE, mark, target)).octets


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        outside = stack.enter_context(Listening(OUTSIDE, 0))
        inside = stack.enter_context(Listening(INSIDE, outside.server_port))
        for one in (outside, inside):
            thread = threading.Thread(target=one.serve_forever, args=(0.02,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(one.shutdown)
        yield World(outside, inside, tmp_path)


async def test_a_name_that_is_bound_anew_between_look_and_connection(world: World) -> None:
    """It is asked for once: what was looked at is what is connected to."""
    world.answers["rebound.example"] = [[OUTSIDE], [INSIDE]]
    assert await world.get(f"http://rebound.example:{world.port}/a.png") == PNG
    assert world.questions == ["rebound.example"]
    with pytest.raises(NotFound):
        await world.get(f"http://rebound.example:{world.port}/b.png")
    assert world.outside.asked == ["/a.png"]
    assert world.inside.asked == []


@pytest.mark.parametrize(
    "told", [[INSIDE, OUTSIDE], [OUTSIDE, INSIDE], [INSIDE] * 3 + [OUTSIDE], ["::1", OUTSIDE]]
)
async def test_a_name_with_addresses_of_both_kinds(world: World, told: list[str]) -> None:
    world.answers["both.example"] = [told]
    with suppress(NotFound):  # refused as a whole is as good
        assert await world.get(f"http://both.example:{world.port}/a.png") == PNG
    assert world.inside.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to",
    [
        f"http://{INSIDE}:PORT/secret",
        "http://inside.example:PORT/secret",
        "http://rebound.example:PORT/secret",
        "//inside.example:PORT/secret",
        "http://2130706434:PORT/secret",
        "http://0x7f.0.0.2:PORT/secret",
        "http://[::ffff:127.0.0.2]:PORT/secret",
        "http://0.0.0.0:PORT/secret",
        "http://user@inside.example:PORT/secret",
        "file:///etc/passwd",
        "gopher://inside.example:PORT/_",
        "http://mail.example.org:PORT/account/state",
    ],
)
async def test_a_redirect_leads_nowhere_inside(world: World, status: int, to: str) -> None:
    world.answers["inside.example"] = world.answers["0x7f.0.0.2"] = [[INSIDE]]
    world.answers["rebound.example"] = [[OUTSIDE], [INSIDE]]
    world.outside.leads["/a.png"] = (status, to.replace("PORT", str(world.port)))
    with pytest.raises(NotFound):
        await world.get(f"http://rebound.example:{world.port}/a.png")
    assert world.inside.asked == []
    assert world.outside.asked == ["/a.png"]


async def test_a_chain_of_redirects_has_an_end(world: World) -> None:
    """Three are followed, each looked at; a ring is not gone round for ever."""
    for number in range(3):
        world.outside.leads[f"/{number}"] = (302, f"/{number + 1}")
    assert await world.get(f"http://far.example:{world.port}/0") == PNG
    world.outside.asked.clear()
    world.outside.leads["/ring"] = (302, "/ring")
    with pytest.raises(NotFound):
        await world.get(f"http://far.example:{world.port}/ring")
    assert len(world.outside.asked) == 4
