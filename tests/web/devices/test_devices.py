"""What programs ask for to set themselves up, and the page for people."""

from __future__ import annotations

import plistlib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pillarbox.config.server import ListenerSettings, ServerSettings
from pillarbox.config.settings import Settings
from pillarbox.store.sql import accounts
from pillarbox.web import devices, pages
from pillarbox.web.devices.ways import best, ways_of
from support.asgi import Answered, ask
from support.web_bench import HOST, WebBox

SETTINGS = Settings(
    server=ServerSettings(hostname=HOST),
    listener=(
        ListenerSettings(name="a", role="submission", addresses=("*:587",), tls="starttls"),
        ListenerSettings(name="b", role="submission", addresses=("*:465",), tls="implicit"),
        ListenerSettings(name="c", role="imap", addresses=("*:993", "[::1]:993"), tls="implicit"),
        ListenerSettings(name="d", role="imap", addresses=("127.0.0.1:143",)),
        ListenerSettings(name="e", role="pop3", addresses=("*:995",), tls="implicit"),
        ListenerSettings(name="f", role="web", addresses=("*:443",), tls="implicit"),
    ),
)


class DevicesBox(WebBox):
    """The pages of this area for mail.example.org."""

    web_settings = SETTINGS

    async def open(self) -> None:
        await super().open()
        await self.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
        self.serve(pages.routes, devices.routes)


@pytest.fixture
def box(tmp_path: Path) -> DevicesBox:
    return DevicesBox(tmp_path)


async def get(box: DevicesBox, path: str) -> Answered:
    return await ask(box.application, path, host=HOST)


def test_ports_with_tls_come_first_and_those_without_never() -> None:
    ways = ways_of(SETTINGS)
    assert [(way.protocol, way.port, way.is_implicit) for way in ways] == [
        ("imap", 993, True),
        ("smtp", 465, True),
        ("smtp", 587, False),
        ("pop3", 995, True),
    ]
    assert best(ways, "smtp") == ways[1]
    assert best([], "imap") is None


async def test_thunderbird(box: DevicesBox) -> None:
    path = "/.well-known/autoconfig/mail/config-v1.1.xml"
    answer = await get(box, f"{path}?emailaddress=alice%40example.org")
    root = ElementTree.fromstring(answer.body)
    assert root.find("emailProvider").get("id") == "example.org"  # type: ignore[union-attr]
    found = [
        (
            one.get("type"),
            one.findtext("port"),
            one.findtext("socketType"),
            one.findtext("username"),
        )
        for one in root.iter()
        if one.tag.endswith("Server")
    ]
    assert found[0] == ("imap", "993", "SSL", "%EMAILADDRESS%")
    assert ("smtp", "587", "STARTTLS", "%EMAILADDRESS%") in found
    assert (await get(box, "/mail/config-v1.1.xml")).status == 200
    assert (await get(box, f"{path}?emailaddress=a%40other.example")).status == 404


async def test_outlook(box: DevicesBox) -> None:
    asked = (
        b"<Autodiscover><Request><EMailAddress>alice@example.org</EMailAddress>"
        b"</Request></Autodiscover>"
    )
    answer = await ask(
        box.application, "/autodiscover/autodiscover.xml", method="POST", body=asked, host=HOST
    )
    root = ElementTree.fromstring(answer.body)
    kinds = [one.text for one in root.iter() if one.tag.endswith("}Type")]
    assert kinds == ["IMAP", "POP3", "SMTP"]
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><EMailAddress>&a;@example.org</EMailAddress>'
    for body in (bomb, b"", b"<EMailAddress>nobody@other.example</EMailAddress>"):
        refused = await ask(
            box.application, "/autodiscover/autodiscover.xml", method="POST", body=body, host=HOST
        )
        assert refused.status == 404 or b"aaaa" not in refused.body
    long = await ask(
        box.application,
        "/Autodiscover/Autodiscover.xml",
        method="POST",
        body=b"x" * 17_000,
        host=HOST,
    )
    assert long.status == 413


async def test_apple(box: DevicesBox) -> None:
    answer = await get(box, "/devices/apple.mobileconfig?email=Nobody%40Example.org")
    assert answer.headers["content-type"] == "application/x-apple-aspen-config"
    (mail,) = plistlib.loads(answer.body)["PayloadContent"]
    assert mail["EmailAddress"] == "nobody@example.org"  # whether they exist is not told
    assert (mail["IncomingMailServerPortNumber"], mail["OutgoingMailServerPortNumber"]) == (
        993,
        465,
    )
    assert not any(
        "Password" in key and "Same" not in key for key in mail if key.endswith("Password")
    )
    assert (await get(box, "/devices/apple.mobileconfig?email=x")).status == 422


@pytest.mark.parametrize("language", ["en", "de", "es", "zh"])
async def test_the_page(box: DevicesBox, language: str) -> None:
    answer = await get(box, f"/devices?lang={language}&email=%22%3E%3Cscript%3E%40example.org")
    assert answer.status == 200
    assert b"<code>mail.example.org</code>" in answer.body
    assert b"<code>993</code>" in answer.body
    assert b"143" not in answer.body
    assert b"<script>" not in answer.body
    picture = await get(box, "/devices/qr.svg")
    assert picture.body.startswith(b"<?xml")
