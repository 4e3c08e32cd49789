"""What collecting does at IMAP sources that we did not write: flags and deletions in both
directions, following a source, marking, moving and deleting there.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator

import pytest

from support.collect_runs import IMPATIENT, Collector, import_imap, place
from support.collect_sources import SOURCES, SourceServer, missing_source, running_source
from support.mailbox_compare import Kept, contents, signed_in
from support.mailing import sample
from support.odd_mailboxes import listed, quoted
from support.pillarbox_server import running_pillarbox
from support.server import HOST, Account, MailServer

pytestmark = [pytest.mark.interop, pytest.mark.slow]

COUNT = 12
SETTINGS: dict[str, dict[str, object]] = {
    "collect": {"enabled": False, **IMPATIENT},
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """The Pillarbox that mail comes to; only the commands of the tests collect."""
    folder = tmp_path_factory.mktemp("target")
    with running_pillarbox(folder, workers=1, accounts=24, settings=SETTINGS) as server:
        yield server


@pytest.fixture(scope="module", params=SOURCES)
def source(request: pytest.FixtureRequest) -> Iterator[SourceServer]:
    """Each server that mail is collected from."""
    if why := missing_source(request.param):
        pytest.skip(why)
    with running_source(request.param) as server:
        yield server


class Pair:
    """An account there and one here, with an open connection to each."""

    def __init__(self, source: SourceServer, target: MailServer) -> None:
        self.source, self.login = source, source.take()
        self.account: Account = target.new_account()
        self.collector = Collector(target)
        self.there = source.client(self.login)
        self.here = signed_in(
            target.host, target.ports.imap, self.account.login, self.account.password
        )
        for number in range(COUNT):
            typ, found = self.there.append("INBOX", "", "", sample(number))
            assert typ == "OK", found

    def add(self, *more: str) -> None:
        """Collect from there."""
        words = ["collect", "add", self.account.login, "--imap", HOST]
        words += [*place(self.source.imap, self.login), *more]
        self.collector(*words, password=self.source.password)

    def run(self, *more: str) -> str:
        """Once more."""
        return self.collector("collect", "run", self.account.login, *more).text

    def both(self) -> tuple[list[Kept], list[Kept]]:
        """The inboxes."""
        return sorted(contents(self.there, "INBOX")), sorted(contents(self.here, "INBOX"))


@pytest.fixture
def pair(source: SourceServer, target: MailServer) -> Iterator[Pair]:
    """With some mail there."""
    made = Pair(source, target)
    yield made
    made.there.logout()
    made.here.logout()


def test_flags_and_deletions_go_both_ways(pair: Pair) -> None:
    pair.add("--two-way")
    pair.run()
    there, here = pair.both()
    assert there == here
    for client, first in ((pair.there, 1), (pair.here, 5)):
        _store(client, first, "+FLAGS", "\\Flagged")
        _store(client, first + 1, "+FLAGS", "\\Seen Holiday")
        _expunge(client, first + 2)
    pair.run()
    there, here = pair.both()
    assert there == here
    assert len(here) == COUNT - 2
    assert sum("\\flagged" in kept.flags for kept in here) == 2
    assert sum("holiday" in kept.flags for kept in here) == 2
    _store(pair.there, 1, "-FLAGS", "\\Flagged")
    _store(pair.here, 1, "+FLAGS", "\\Answered")  # the same message, changed on both sides
    pair.run()
    there, here = pair.both()
    assert there == here
    assert sum("\\flagged" in kept.flags for kept in here) == 1
    assert sum("\\answered" in kept.flags for kept in here) == 1


def test_a_mirror_follows_its_source_and_leaves_it_alone(pair: Pair) -> None:
    words = import_imap(pair.account.login, pair.source.imap, pair.login, "--mirror")
    pair.collector(*words, password=pair.source.password)
    _store(pair.there, 1, "+FLAGS", "\\Flagged")
    _expunge(pair.there, 2)
    pair.there.append("INBOX", "", "", sample(99))
    before = sorted(contents(pair.there, "INBOX"))
    pair.collector(*words, password=pair.source.password)
    there, here = pair.both()
    assert there == before
    assert there == here


@pytest.mark.parametrize("action", ["mark", "move", "delete"])
def test_what_is_safe_here_is_settled_there(pair: Pair, action: str) -> None:
    before = sorted(contents(pair.there, "INBOX"))
    done = _done_folder(pair.there)
    words = f"move={_path(done)}" if action == "move" else action
    pair.add("--at-source", words)
    pair.run()
    there, here = sorted(contents(pair.there, "INBOX")), contents(pair.here, "INBOX")
    assert sorted(kept.digest for kept in here) == sorted(kept.digest for kept in before)
    if action == "mark":
        assert len(there) == COUNT
        assert all("\\seen" in kept.flags for kept in there)
    else:
        assert not there
    moved = contents(pair.there, done)
    assert len(moved) == (COUNT if action == "move" else 0)
    pair.run()
    assert len(contents(pair.here, "INBOX")) == COUNT


def _store(client: imaplib.IMAP4, number: int, how: str, flags: str) -> None:
    assert client.select("INBOX")[0] == "OK"
    typ, found = client.store(str(number), how, f"({flags})")
    assert typ == "OK", found
    client.unselect() if "UNSELECT" in client.capabilities else client.close()


def _expunge(client: imaplib.IMAP4, number: int) -> None:
    client.select("INBOX")
    client.store(str(number), "+FLAGS", "(\\Deleted)")
    assert client.expunge()[0] == "OK"
    client.close()


def _done_folder(client: imaplib.IMAP4) -> str:
    """Made there; its name as the server has it."""
    _, found = client.namespace()
    own = re.match(rb'\(\("([^"]*)"', found[0])
    name = f"{own[1].decode() if own else ''}Done"
    assert client.create(quoted(name))[0] == "OK"
    assert name in listed(client)
    return name


def _path(name: str) -> str:
    return name.replace(".", "/")
