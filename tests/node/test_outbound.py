"""Two whole servers that write to one another over sockets, with a real name server."""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pillarbox.config.outbound import RouteSettings
from pillarbox.config.settings import Settings
from pillarbox.errors import ConfigurationError
from pillarbox.node.administration import Opened
from pillarbox.node.outbound import listening, make_sender
from pillarbox.store.model import RecipientRow
from pillarbox.store.sql.queue_steer import Filter, list_recipients
from pillarbox.testing import RunningServer, running_server
from pillarbox.testing.server import free_ports
from support.name_server import NameServer, in_a_thread

PASSWORD = "correct-horse-9"
LETTER = "From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nA few words.\r\n"


def wait_until(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.1)


@contextmanager
def pair(folder: Path, **more: object) -> Iterator[tuple[RunningServer, RunningServer]]:
    """example.org and example.net on one address; each sends to the other's port."""
    ports = free_ports()["smtp"], free_ports()["smtp"]
    records = {}
    for domain in ("example.org", "example.net"):
        records[domain] = {"MX": [(10, f"mx.{domain}")]}
        records[f"mx.{domain}"] = {"A": ["127.0.0.1"]}
    with in_a_thread(NameServer(records)) as names, ExitStack() as stack:
        servers = []
        for at, domain in enumerate(("example.org", "example.net")):
            login = f"{'alice' if at == 0 else 'carol'}@{domain}"
            settings = {
                "server": {"hostname": f"mx.{domain}"},
                "dns": {"servers": [names.address]},
                "trust": {"judge": False},
                "queue": {"report_wait_seconds": 0, "sweep_seconds": 1},
                "outbound": {
                    "transport": "smtp",
                    "port": ports[1 - at],
                    "private_addresses": True,
                    **more,
                },
            }
            servers.append(
                stack.enter_context(
                    running_server(
                        folder / domain,
                        accounts={login: PASSWORD},
                        settings=settings,
                        ports={"smtp": ports[at]},
                    )
                )
            )
        yield servers[0], servers[1]


def submit(server: RunningServer, login: str, *to: str, subject: str = "Hello") -> None:
    trust = ssl.create_default_context(cafile=str(server.certificate))
    with smtplib.SMTP_SSL(server.host, server.submissions, context=trust) as client:
        client.login(login, PASSWORD)
        client.sendmail(login, to, LETTER.format(sender=login, to=to[0], subject=subject))


def rows(server: RunningServer) -> list[RecipientRow]:
    async def work(open_: Opened) -> list[RecipientRow]:
        wanted = Filter(open_only=False)
        found = await open_.store.read(lambda db: list_recipients(db, wanted, 1000))
        return [one.recipient for one in found]

    return server.administer(work)


def test_mail_both_ways_and_a_report(tmp_path: Path) -> None:
    with pair(tmp_path) as (org, net):
        submit(org, "alice@example.org", "carol@example.net")
        submit(net, "carol@example.net", "alice@example.org")
        wait_until(lambda: net.message_count("carol@example.net") == 1)
        wait_until(lambda: org.message_count("alice@example.org") == 1)
        (row,) = rows(org)
        assert (row.state.value, row.remote_mta) == ("relayed", "mx.example.net")
        assert row.reply.startswith("250 2.0.0 ") and row.tls.startswith("TLSv1.3")
        submit(org, "alice@example.org", "nobody@example.net")
        wait_until(lambda: org.message_count("alice@example.org") == 2)  # the report
        failed = rows(org)[-1]
        assert (failed.state.value, failed.status) == ("failed", "5.1.1")


def test_mail_to_a_peer_that_is_not_up_yet(tmp_path: Path) -> None:
    with pair(tmp_path) as (org, net):
        net.stop()
        submit(org, "alice@example.org", "carol@example.net")
        wait_until(lambda: bool(rows(org)[0].reply))
        (row,) = rows(org)
        assert (row.state.value, row.status, row.attempts) == ("waiting", "4.4.1", 1)
        net.start()
        org.administer(_retry)
        wait_until(lambda: net.message_count("carol@example.net") == 1)


async def _retry(open_: Opened) -> None:
    from pillarbox.cli.queue_shown import steer_now
    from pillarbox.store.sql.queue_steer import Steer

    await steer_now(open_.store, Filter(), Steer.RETRY, until=None, text="")


def test_a_stop_in_between_loses_nothing(tmp_path: Path) -> None:
    with pair(tmp_path) as (org, net):
        for number in range(30):
            submit(org, "alice@example.org", "carol@example.net", subject=str(number))
            if number == 20:
                org.stop()
                org.start()
        wait_until(lambda: net.message_count("carol@example.net") == 30)
        assert {row.state.value for row in rows(org)} == {"relayed"}
        assert not any(row.uncertain for row in rows(org))


def test_held_mail_to_our_own_people(tmp_path: Path) -> None:
    settings = {"outbound": {"transport": "directory"}, "submission": {"hold_seconds": 1}}
    accounts = {"alice@example.org": PASSWORD, "bob@example.org": PASSWORD}
    with running_server(tmp_path, accounts=accounts, settings=settings) as server:
        submit(server, "alice@example.org", "bob@example.org", "far@example.net")
        assert server.message_count("bob@example.org") == 0
        wait_until(lambda: server.message_count("bob@example.org") == 1)
        folder = server.data_dir / "outbound"
        wait_until(lambda: bool(list(folder.glob("*.eml"))))
        (envelope,) = folder.glob("*.json")
        assert json.loads(envelope.read_text())["recipients"] == ["far@example.net"]
        wait_until(lambda: {row.state.value for row in rows(server)} == {"delivered"})
        assert all(row.attempts == 1 for row in rows(server))


def test_where_we_listen() -> None:
    assert listening(Settings()) == {("*", 25)}


def test_a_password_file_that_is_not_there(tmp_path: Path) -> None:
    from pillarbox.accounts.directory import Directory
    from support.fake_clock import FakeClock
    from support.fake_resolver import FakeResolver
    from support.store_box import Box

    route = RouteSettings(name="smart", hosts=("h",), username="me", password_file="nowhere")

    async def work() -> None:
        async with Box(tmp_path) as box:
            settings = Settings()
            wanted = type(settings.outbound)(route=(route,))
            settings = type(settings)(outbound=wanted, store=box.settings)
            with pytest.raises(ConfigurationError, match="password of route 'smart'"):
                make_sender(settings, box.store, FakeResolver(), FakeClock(), Directory(box.store))

    asyncio.run(work())
