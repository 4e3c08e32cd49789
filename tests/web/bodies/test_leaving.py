"""Lists left with one click: which may be, what is sent, and to whom never (RFC 8058)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from pillarbox.config.bodies import UnsubscribeSettings
from pillarbox.config.settings import Settings
from pillarbox.config.web import WebSettings
from pillarbox.net.https import Fetched, FetchFailed
from pillarbox.trust.authres import Finding, encode
from pillarbox.trust.one_click import one_click_url
from pillarbox.web.application import make_application
from pillarbox.web.bodies.leaving import Leaving, ListAsker
from pillarbox.web.bodies.minutes import Minutes
from support.asgi import Answered, ask
from support.body_pages import PagesBox

HOST = "mail.example.org"
URL = "https://lists.example.net/leave?who=7"
SIGNED = "from:to:list-unsubscribe:list-unsubscribe-post"
LEAVE = f"List-Unsubscribe: <mailto:off@lists.example.net>, <{URL}>"
POST = "List-Unsubscribe-Post: List-Unsubscribe=One-Click"


def trace(result: str = "pass", host: str = HOST, b: str = "aBcD+/12") -> bytes:
    """As this server writes it at delivery."""
    said = {"d": "lists.example.net", "s": "k1", "a": "rsa-sha256", "b": b}
    found = tuple(("header", name, value) for name, value in said.items())
    return encode(host, [Finding("spf", "pass"), Finding("dkim", result, "", found)])


def header(
    *fields: str, signed: str = SIGNED, domain: str = "lists.example.net", b: str = "aBcD+/12"
) -> bytes:
    signature = f"v=1; a=rsa-sha256; d={domain}; s=k1; h={signed}; bh=x; b={b}34567890"
    lines = [f"DKIM-Signature: {signature}", "From: news@lists.example.net", *fields]
    return ("\r\n".join(lines) + "\r\n").encode()


ORDINARY = header(LEAVE, POST)
OTHER = LEAVE.replace("lists.example.net", "evil.example")


@pytest.mark.parametrize(
    ("of_ours", "of_theirs", "may"),
    [
        (trace(), ORDINARY, True),
        (trace(), header(LEAVE.lower(), POST.upper()), True),
        (trace(), header(LEAVE.replace(", ", ",\r\n "), POST, signed="From : List-Unsubscribe :\r\n"
                         " List-Unsubscribe-Post"), True),
        (b"", ORDINARY, False),  # not checked at delivery
        (trace("fail"), ORDINARY, False),
        (trace(host="mx.elsewhere.example"), ORDINARY, False),
        (b"", trace() + ORDINARY, False),  # the sender says so itself
        (trace(b="another1"), ORDINARY, False),  # another signature held
        (trace(), header(LEAVE, POST, domain="evil.example"), False),
        (trace(), header(LEAVE, POST, signed="from:list-unsubscribe"), False),
        (trace(), header(LEAVE, POST, signed="from:list-unsubscribe-post"), False),
        (trace(), header(OTHER, LEAVE, POST), False),  # one was put in front of the signed one
        (trace(), header(LEAVE, POST, POST), False),
        (trace(), header(LEAVE), False),
        (trace(), header(LEAVE, "List-Unsubscribe-Post: yes"), False),
        (trace(), header("List-Unsubscribe: <http://lists.example.net/>", POST), False),
        (trace(), header("List-Unsubscribe: <mailto:off@lists.example.net>", POST), False),
        (trace(), b"From: x\r\n", False),
    ],
)  # fmt: skip
def test_who_may_be_asked(of_ours: bytes, of_theirs: bytes, may: bool) -> None:
    found = one_click_url(of_ours, of_theirs, HOST)
    assert (found is not None) == may
    if may:
        assert found is not None and found.lower() == URL.lower()


class Lists:
    """The lists' servers."""

    def __init__(self, status: int = 204) -> None:
        self.status = status
        self.asked: list[str] = []

    async def __call__(self, url: str) -> Fetched:
        self.asked.append(url)
        if not self.status:
            raise FetchFailed("timeout", "The server did not answer in time.")
        return Fetched(self.status, "", b"")


class Desk:
    """The addresses over alice's mail."""

    def __init__(self, pages: PagesBox, lists: Lists, **settings: Any) -> None:
        self.pages = pages
        web = WebSettings(unsubscribe=UnsubscribeSettings(**settings))
        services: Any = SimpleNamespace(
            settings=msgspec.structs.replace(Settings(), web=web, store=pages.settings),
            store=pages.store,
            clock=pages.clock,
            sessions=pages.sessions,
            hostname=HOST,
            arrived=lambda: None,
        )
        counts = Minutes(pages.folder / "leaving.counts", pages.clock)
        self._application = make_application(
            Leaving(services, lists, counts).routes(),
            clock=pages.clock,
            settings=web,
            hosts=(HOST,),
            is_certified=lambda name: False,
        )

    async def deliver(self, *, ours: bytes | None = None, head: bytes = ORDINARY) -> str:
        raw = head + b"Subject: News\r\n\r\nNews.\r\n"
        done = await self.pages.append(raw, trace=trace() if ours is None else ours)
        return f"B{done.message}"

    async def ask(self, method: str, blob: str, *, csrf: bool = True) -> Answered:
        headers = {"Cookie": self.pages.cookie, "Sec-Fetch-Site": "same-origin"}
        if csrf:
            headers["X-Csrf-Token"] = self.pages.csrf
        path = f"/m/A{self.pages.alice.id}/{blob}/unsubscribe"
        return await ask(self._application, path, method=method, **headers)


async def test_it_is_offered_and_done(pages: PagesBox) -> None:
    lists = Lists()
    desk = Desk(pages, lists)
    blob = await desk.deliver()
    told = await desk.ask("GET", blob)
    assert msgspec.json.decode(told.body) == {"oneClick": True, "host": "lists.example.net"}
    assert lists.asked == []  # nobody is asked before the person wants it
    assert (await desk.ask("POST", blob)).status == 204
    assert lists.asked == [URL]


async def test_not_without_a_signature(pages: PagesBox) -> None:
    lists = Lists()
    desk = Desk(pages, lists)
    blob = await desk.deliver(ours=b"")
    assert msgspec.json.decode((await desk.ask("GET", blob)).body)["oneClick"] is False
    refused = await desk.ask("POST", blob)
    assert (refused.status, msgspec.json.decode(refused.body)["reason"]) == (409, "notOneClick")
    assert lists.asked == []


async def test_not_for_other_sites_nor_other_people(pages: PagesBox) -> None:
    lists = Lists()
    desk = Desk(pages, lists)
    blob = await desk.deliver()
    assert (await desk.ask("POST", blob, csrf=False)).status == 403
    pages.cookie = "__Host-pillarbox=x"
    assert (await desk.ask("POST", blob)).status == 401
    assert lists.asked == []


@pytest.mark.parametrize("status", [0, 302, 403, 500])
async def test_a_list_that_refuses_is_told(pages: PagesBox, status: int) -> None:
    desk = Desk(pages, Lists(status))
    refused = await desk.ask("POST", await desk.deliver())
    assert refused.status == 502
    assert msgspec.json.decode(refused.body)["reason"] == "listRefused"


async def test_so_many_in_a_minute(pages: PagesBox) -> None:
    lists = Lists()
    desk = Desk(pages, lists, per_minute=2)
    blob = await desk.deliver()
    assert [(await desk.ask("POST", blob)).status for _ in range(3)] == [204, 204, 429]
    await pages.clock.advance(60)
    assert (await desk.ask("POST", blob)).status == 204


async def test_our_own_server_is_not_asked(pages: PagesBox) -> None:
    lists = Lists()
    desk = Desk(pages, lists)
    own = LEAVE.replace("https://lists.example.net", f"https://{HOST}")
    assert (await desk.ask("POST", await desk.deliver(head=header(own, POST)))).status == 409


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/"])
async def test_private_addresses_are_never_asked(url: str) -> None:
    with pytest.raises(FetchFailed) as told:
        await ListAsker(UnsubscribeSettings())(url)
    assert told.value.why == "address"


async def test_a_name_with_a_private_address_is_not_asked() -> None:
    async def resolve(host: str) -> list[str]:
        return ["169.254.169.254"]

    with pytest.raises(FetchFailed) as told:
        await ListAsker(UnsubscribeSettings(), resolve=resolve)("https://lists.example.net/")
    assert told.value.why == "address"


async def test_workers_count_together(tmp_path: Path, pages: PagesBox) -> None:
    one, two = (Minutes(tmp_path / "counts", pages.clock) for _ in range(2))
    account, other = pages.alice.id, type(pages.alice.id)(pages.alice.id + 1)
    assert [one.add(account), two.add(account), one.add(account)] == [1, 2, 3]
    assert two.add(other) == 1
    await pages.clock.advance(60)
    assert two.add(account) == 1
    one.close()
    two.close()
