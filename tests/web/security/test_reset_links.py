"""Links in letters: whoever asks for one cannot choose where it leads."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from pillarbox.config.server import ListenerSettings
from pillarbox.config.settings import Settings
from pillarbox.store.sql import queue
from support.asgi import ask
from support.browser_client import hidden_fields
from support.recovery_box import RecoveryBox
from support.web_bench import HOST, QUICK

ALICE = "alice@example.org"
STRANGER = "203.0.113.7"


class ListeningBox(RecoveryBox):
    """Its pages are on 8443."""

    web_settings = Settings(
        auth=QUICK,
        listener=(ListenerSettings(name="w", role="web", addresses=("0.0.0.0:8443",)),),
    )


@pytest.fixture
def box(tmp_path: Path) -> ListeningBox:
    return ListeningBox(tmp_path)


async def asked_with(box: ListeningBox, host: str, peer: str, **fields: str) -> str:
    """The link in the letter; "": nothing was sent."""
    page = await ask(box.application, "/forgot", host=host, peer=peer, accept="text/html")
    cookie = "; ".join(one.partition(";")[0] for one in page.set_cookies)
    hidden = hidden_fields(page) if page.status == 200 else {"csrf": "x"}
    answer = await ask(
        box.application,
        "/forgot",
        method="POST",
        host=host,
        peer=peer,
        body=f"csrf={hidden['csrf']}&email={ALICE}".encode(),
        content_type="application/x-www-form-urlencoded",
        cookie=cookie,
        **fields,
    )
    if answer.status != 200:
        await asyncio.sleep(0.05)
        assert await box.store.read(queue.list_queued) == []
        return ""
    [(_, text)] = await box.sent()
    found = re.search(r"(\S+)/reset/\S{43}\s", text)
    assert found, text
    return found[1]


@pytest.mark.parametrize(
    ("host", "peer", "origin"),
    [
        (HOST, STRANGER, f"https://{HOST}"),
        (HOST.upper(), STRANGER, f"https://{HOST}"),
        (f"{HOST}:8443", STRANGER, f"https://{HOST}:8443"),
        (f"{HOST}:9999", STRANGER, f"https://{HOST}"),  # where another program may listen
        ("localhost", STRANGER, f"https://{HOST}"),  # the reader's own computer
        ("127.0.0.1:31337", STRANGER, f"https://{HOST}"),
        ("[::1]:31337", STRANGER, f"https://{HOST}"),
        ("localhost:8443", "127.0.0.1", "https://localhost:8443"),
        ("evil.example", STRANGER, ""),
        (f"{HOST}.evil.example", STRANGER, ""),
        (f"{HOST}@evil.example", STRANGER, ""),
        (f"evil.example#{HOST}", STRANGER, ""),
        (f"{HOST}/@evil.example", STRANGER, ""),
        (f"{HOST}:443@evil.example", STRANGER, ""),
        (f"{HOST}\\@evil.example", STRANGER, ""),
        (f"{HOST} evil.example", STRANGER, ""),
        (f"{HOST}, evil.example", STRANGER, ""),
    ],
)
async def test_the_host_of_a_request(box: ListeningBox, host: str, peer: str, origin: str) -> None:
    await box.has_address()
    assert await asked_with(box, host, peer) == origin


@pytest.mark.parametrize(
    "fields",
    [
        {"x_forwarded_host": "evil.example"},
        {"x_forwarded_server": "evil.example"},
        {"forwarded": "host=evil.example;proto=http"},
        {"x_host": "evil.example"},
        {"x_original_url": "https://evil.example/"},
        {"x_rewrite_url": "https://evil.example/"},
        {"x_forwarded_proto": "http", "x_forwarded_port": "31337"},
        {"x_forwarded_prefix": "//evil.example"},
    ],
)
async def test_what_only_a_proxy_may_say(box: ListeningBox, fields: dict[str, str]) -> None:
    await box.has_address()
    assert await asked_with(box, HOST, STRANGER, **fields) == f"https://{HOST}"


async def test_two_hosts_are_none(box: ListeningBox) -> None:
    await box.has_address()
    assert await asked_with(box, HOST, STRANGER, Host="evil.example") == ""
