"""Collecting over POP3 from Dovecot, Courier, Cyrus and another Pillarbox, under cuts and kills.

The source is emptied, but only of what is safe here: after every kill and at the end each message
is in one of the two places at least, and never twice here.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from support.collect_runs import IMPATIENT, KILLED, Collector, place
from support.collect_sources import SOURCES, SourceServer, missing_source, running_source
from support.cutting_proxy import CuttingProxy, random_octets
from support.mailbox_compare import contents, signed_in
from support.pillarbox_server import running_pillarbox
from support.server import HOST, Account, MailServer

MESSAGES = int(os.environ.get("PILLARBOX_COLLECT_MESSAGES", "200"))
_LONG = MESSAGES > 1000
CUTS, KILLS = 10, 2

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.timeout(3600 if _LONG else 300)]

SETTINGS: dict[str, dict[str, object]] = {
    "collect": {"enabled": False, **IMPATIENT},
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """The Pillarbox that mail comes to; only the commands of the tests collect."""
    folder = tmp_path_factory.mktemp("target")
    with running_pillarbox(folder, workers=1, accounts=12, settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="module", params=SOURCES)
def source(request: pytest.FixtureRequest) -> Iterator[SourceServer]:
    """Each server that mail is collected from."""
    if why := missing_source(request.param):
        pytest.skip(why)
    with running_source(request.param) as server:
        yield server


def test_the_source_is_emptied_of_what_is_safe_here(
    source: SourceServer, target: MailServer, seed: int, figures: Callable[[str], None]
) -> None:
    login, account = source.take(), target.new_account()
    octets = source.fill_inbox(login, MESSAGES, seed)
    everything = _at_source(source, login)
    assert everything.total() == MESSAGES
    collector = Collector(target)
    where = random_octets(seed, CUTS + KILLS, octets)
    kills = where[3 :: len(where) // KILLS][:KILLS]
    cuts = [octet for octet in where if octet not in kills]
    with CuttingProxy(source.pop3, cuts, [(octet, collector.kill) for octet in kills]) as proxy:
        add = ["collect", "add", account.login, "--pop3", HOST, *place(proxy.port, login)]
        add += ["--at-source", "delete", "--untested"]
        collector(*add, password=source.password)
        for _ in range(KILLS + 1):
            killed = _run(collector, account)
            both = _here(target, account) | _at_source(source, login)
            assert not everything - both, "a message is in neither place"
            assert not _here(target, account) - everything, "a message is here twice"
            if not killed:
                break
        collector.until_done("collect", "run", account.login, seconds=600)
        cut = proxy.cut
    assert cut == CUTS
    assert collector.ends.count(KILLED) == KILLS
    assert _here(target, account) == everything
    assert not _at_source(source, login), "the source is empty"
    figures(
        f"{source.name}: {MESSAGES} messages, {octets >> 20} MiB over POP3, {cut} cuts, "
        f"{KILLS} kills, {len(collector.ends)} starts; deleted at the source, none lost"
    )


def test_what_is_left_there_comes_once(source: SourceServer, target: MailServer, seed: int) -> None:
    login, account = source.take(), target.new_account()
    source.fill_inbox(login, 20, seed)
    everything = _at_source(source, login)
    collector = Collector(target)
    add = ["collect", "add", account.login, "--pop3", HOST, *place(source.pop3, login)]
    collector(*add, password=source.password)
    for _ in range(3):
        collector("collect", "run", account.login)
        assert _here(target, account) == everything
    assert _at_source(source, login) == everything


def _run(collector: Collector, account: Account) -> bool:
    """Until it is done or killed; True: killed."""
    before = collector.ends.count(KILLED)
    end = time.monotonic() + (1200 if _LONG else 120)
    while True:
        code, said = collector.once("collect", "run", account.login)
        assert code in (0, 1, KILLED), said
        if code == 0:
            return False
        if collector.ends.count(KILLED) > before:
            return True
        assert time.monotonic() < end, said
        time.sleep(0.5)


def _at_source(source: SourceServer, login: str) -> Counter[str]:
    """What is in the INBOX there. By IMAP: to POP3 clients that have not said UTF8 (RFC 6856) some
    servers show messages with 8-bit headers changed.
    """
    with source.client(login) as client:
        return Counter(kept.digest for kept in contents(client, "INBOX"))


def _here(target: MailServer, account: Account) -> Counter[str]:
    with signed_in(target.host, target.ports.imap, account.login, account.password) as client:
        return Counter(kept.digest for kept in contents(client, "INBOX"))
