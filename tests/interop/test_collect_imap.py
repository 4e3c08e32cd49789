"""Moving in over IMAP from Dovecot, Courier, Cyrus and another Pillarbox, under cuts and kills.

PILLARBOX_COLLECT_MESSAGES sets how many messages each source has (`make collect` takes 20,000).
"""

from __future__ import annotations

import imaplib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from support.collect_runs import IMPATIENT, KILLED, Collector, import_imap
from support.collect_sources import SOURCES, SourceServer, missing_source, running_source
from support.cutting_proxy import CuttingProxy, random_octets
from support.mailbox_compare import Snapshot, differences, signed_in, snapshot
from support.odd_mailboxes import Levels, Loaded, load
from support.pillarbox_server import running_pillarbox
from support.server import PASSWORD, Account, MailServer

MESSAGES = int(os.environ.get("PILLARBOX_COLLECT_MESSAGES", "240"))
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
    """Each server that somebody may leave."""
    if why := missing_source(request.param):
        pytest.skip(why)
    with running_source(request.param) as server:
        yield server


def test_nothing_is_missing_and_nothing_twice(
    source: SourceServer, target: MailServer, seed: int, figures: Callable[[str], None]
) -> None:
    login, account = source.take(), target.new_account()
    with source.client(login) as client:
        loaded = load(client, MESSAGES, seed)
        before = snapshot(client)
    collector = Collector(target)
    where = random_octets(seed, CUTS + KILLS, loaded.octets)
    kills = where[2 :: len(where) // KILLS][:KILLS]
    cuts = [octet for octet in where if octet not in kills]
    with CuttingProxy(source.imap, cuts, [(octet, collector.kill) for octet in kills]) as proxy:
        collector.until_done(
            *import_imap(account.login, proxy.port, login), password=source.password, seconds=3000
        )
        cut, passed = proxy.cut, proxy.passed
        starts, here = len(collector.ends), _snapshot(target, account)
        # Another port would be another server, from which all would come again.
        again = collector(*import_imap(account.login, proxy.port, login), password=source.password)
    assert cut == CUTS, "the connection was cut as often as it should be"
    assert collector.ends.count(KILLED) == KILLS
    assert _snapshot(target, account).folders == here.folders, again.text
    assert "another size" not in again.text

    with source.client(login) as client:
        assert snapshot(client).folders == before.folders, "the source is as it was"
    names = _where_they_went(before, here)
    filled = Snapshot(before.filled(), before.subscribed)
    assert not differences(filled, here, names, without=frozenset())
    assert here.messages == before.messages
    _check_names(loaded, names)
    _check_subscribed(before, here, names)
    figures(
        f"{source.name}: {loaded.messages} messages, {loaded.octets >> 20} MiB over IMAP, "
        f"{cut} cuts, {KILLS} kills, {starts} starts; {passed / loaded.octets:.2f} "
        "octets on the wire for each"
    )

    told = collector(
        "import",
        "compare",
        *import_imap(account.login, source.imap, login, "--hashes")[1:],
        password=source.password,
        seconds=1800,
    )
    assert "OK: nothing is missing." in told.text, told.text


def test_what_is_missing_is_said(source: SourceServer, target: MailServer, seed: int) -> None:
    login, account = source.take(), target.new_account()
    with source.client(login) as client:
        load(client, 30, seed)
    collector = Collector(target)
    words = import_imap(account.login, source.imap, login)
    collector(*words, password=source.password)
    compare = ["import", "compare", *words[1:]]
    collector(*compare, password=source.password)
    with signed_in(target.host, target.ports.imap, account.login, PASSWORD) as client:
        lost = _remove_one(client)
    told = collector(*compare, password=source.password, codes=(1,))
    assert lost in told.text


def test_what_came_later_comes_with_the_next_run(
    source: SourceServer, target: MailServer, seed: int
) -> None:
    login, account = source.take(), target.new_account()
    collector = Collector(target)
    words = import_imap(account.login, source.imap, login)
    with source.client(login) as client:
        load(client, 30, seed)
        collector(*words, password=source.password)
        first = _snapshot(target, account)
        assert first.messages == 30
        client.append("INBOX", "", "", b"Subject: later\r\n\r\nThis came when we had gone.\r\n")
    collector(*words, password=source.password)
    second = _snapshot(target, account)
    assert second.messages == 31
    assert len(second.folders["INBOX"]) == len(first.folders["INBOX"]) + 1


def test_undo_leaves_nothing(source: SourceServer, target: MailServer, seed: int) -> None:
    login, account = source.take(), target.new_account()
    before = _snapshot(target, account)
    with source.client(login) as client:
        load(client, 30, seed)
    collector = Collector(target)
    collector(*import_imap(account.login, source.imap, login), password=source.password)
    assert _snapshot(target, account).messages == 30
    (known,) = json.loads(collector("import", "list", account.login, "--json").output)
    collector("import", "undo", account.login, str(known["number"]), "--yes")
    after = _snapshot(target, account)
    assert after.messages == 0
    assert after.folders.keys() == before.folders.keys()


def test_dry_run_changes_nothing(source: SourceServer, target: MailServer, seed: int) -> None:
    login, account = source.take(), target.new_account()
    before = _snapshot(target, account)
    with source.client(login) as client:
        load(client, 30, seed)
    told = Collector(target)(
        *import_imap(account.login, source.imap, login, "--dry-run"), password=source.password
    )
    assert "30" in told.text
    assert _snapshot(target, account) == before


def _snapshot(target: MailServer, account: Account) -> Snapshot:
    client = signed_in(target.host, target.ports.imap, account.login, account.password)
    with client:
        return snapshot(client)


def _where_they_went(there: Snapshot, here: Snapshot) -> dict[str, str]:
    """Which mailbox has a folder's messages; each has only one folder's."""
    owners: dict[str, Counter[str]] = {}
    for name, kept in here.folders.items():
        for one in kept:
            owners.setdefault(one.digest, Counter())[name] += 1
    names = {}
    for name, kept in there.filled().items():
        found = sum((owners.get(one.digest, Counter()) for one in kept), Counter[str]())
        assert len(found) == 1, f"{name} is in {found}"
        names[name] = next(iter(found))
    assert len(set(names.values())) == len(names), "two folders became one"
    return names


def _check_names(loaded: Loaded, names: dict[str, str]) -> None:
    """A folder keeps its name where it can have it here."""
    from pillarbox.imap.wire import modified_utf7

    for there, levels in loaded.folders.items():
        if there not in names:
            continue  # it was empty
        here: Levels = tuple(modified_utf7.decode(names[there].encode()).split("/"))
        if any("/" in level for level in levels):
            assert here[0][0] == levels[0][0], (levels, here)
        else:
            assert here == tuple(level.strip() for level in levels)


def _check_subscribed(there: Snapshot, here: Snapshot, names: dict[str, str]) -> None:
    for name, mine in names.items():
        if name != "INBOX":
            assert (mine in here.subscribed) == (name in there.subscribed), name


def _remove_one(client: imaplib.IMAP4) -> str:
    """Delete the first message of "Work"; the folder's name, as a report says it."""
    client.select("Work")
    client.store("1", "+FLAGS", "\\Deleted")
    client.uid("EXPUNGE", client.uid("SEARCH", "1")[1][0].decode())
    return "Work"
