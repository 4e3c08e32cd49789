"""Dovecot beside Pillarbox: the same commands, the same answers, but for what is named here.

A difference that is not named fails, and so does a named one that is no longer there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from support import beside_scripts as scripts
from support.certificate import write_certificate
from support.reference_dovecot import DovecotSettings, add_user, missing_dovecot, running_dovecot
from support.server import HOST, PASSWORD, MailServer, free_ports
from support.side_by_side import Command, Line, differences

pytestmark = pytest.mark.interop
_CORPUS = Path(__file__).parent.parent / "corpus" / "message"
_USERS = [f"beside{number}@example.org" for number in range(10)]


@pytest.fixture(scope="module")
def dovecot_port() -> Iterator[int]:
    """Dovecot's IMAP port; it runs for this file only."""
    if why := missing_dovecot():
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="beside-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # Dovecot's processes run as other users
        ports = free_ports(5)
        for user in _USERS:
            add_user(folder / "dovecot", user, "{PLAIN}" + PASSWORD)
        settings = DovecotSettings(*ports, fsync="never")
        with running_dovecot(folder / "dovecot", settings, write_certificate(folder)):
            yield ports[0]


@pytest.fixture
def lines(
    mail_server: MailServer, dovecot_port: int, request: pytest.FixtureRequest
) -> Iterator[tuple[Line, Line]]:
    """Dovecot's line and ours, each signed in to an empty account of this test's own."""
    if not mail_server.is_pillarbox:
        pytest.skip("nothing to compare Dovecot with")
    user = _USERS[next(_taken)]
    dovecot = Line(HOST, dovecot_port, user, PASSWORD)
    account = mail_server.new_account()
    ours = Line(HOST, mail_server.ports.imap, account.login, account.password)
    for made in ("Junk", "Archive"):  # ours has them from the start
        dovecot.send(f"CREATE {made}")
        dovecot.send(f"SUBSCRIBE {made}")
    dovecot.send("SUBSCRIBE INBOX")
    yield dovecot, ours
    dovecot.close()
    ours.close()


_taken = iter(range(len(_USERS)))


def check(
    lines: tuple[Line, Line], commands: Iterable[Command], legitimate: dict[str, tuple[str, ...]]
) -> None:
    """Only what `legitimate` names (reason → commands) may differ, and it must."""
    found = differences(*lines, commands)
    named = {command for several in legitimate.values() for command in several}
    unexpected = {command: two for command, two in found.items() if command not in named}
    shown = "\n".join(f"{c}\n  Dovecot {d}\n  ours    {o}" for c, (d, o) in unexpected.items())
    assert not unexpected, shown
    assert named <= found.keys(), f"no longer different: {sorted(named - found.keys())}"


def fill(lines: tuple[Line, Line], messages: Iterable[tuple[str, bytes]]) -> None:
    """Append messages, each with its flags and date, to both INBOXes."""
    for options, octets in messages:
        for line in lines:
            assert line.send((f"APPEND INBOX {options} ", octets)).ok
    for line in lines:
        assert line.send("SELECT INBOX").ok
        line.send("NOOP")


def corpus() -> list[tuple[str, str, bytes]]:
    """Name, options and octets of messages that Dovecot keeps as they are (no bare LF, no NUL)."""
    found = []
    for path in sorted(_CORPUS.glob("*.eml")):
        octets = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if octets and b"\0" not in octets:
            found.append((path.stem, '(\\Seen) " 1-Feb-2024 10:00:00 +0100"', octets))
    return found


def test_fetch_every_section_of_the_corpus(lines: tuple[Line, Line]) -> None:
    messages = corpus()
    fill(lines, [(options, octets) for _, options, octets in messages])
    place = {name: number for number, (name, _, _) in enumerate(messages, 1)}
    commands = [
        f"FETCH {number} ({items})"
        for name, number in place.items()
        for items in scripts.fetch_items(name)
    ]
    legitimate = {
        reason: tuple(
            f"FETCH {place[name]} ({items})"
            for name, several in by_message.items()
            for items in several
        )
        for reason, by_message in scripts.FETCH_DIFFERENCES.items()
    }
    check(lines, commands, legitimate)


def test_fetch_and_store(lines: tuple[Line, Line]) -> None:
    fill(lines, scripts.MESSAGES)
    for line in lines:
        line.send("CREATE box")
    check(lines, scripts.MESSAGE_COMMANDS, scripts.MESSAGE_DIFFERENCES)


def test_search(lines: tuple[Line, Line]) -> None:
    fill(lines, scripts.MESSAGES)
    commands = [f"{verb} {key}" for key in scripts.SEARCH_KEYS for verb in ("SEARCH", "UID SEARCH")]
    legitimate = {
        reason: tuple(f"{verb} {key}" for key in keys for verb in ("SEARCH", "UID SEARCH"))
        for reason, keys in scripts.SEARCH_DIFFERENCES.items()
    }
    check(lines, [*commands, *scripts.SEARCH_LITERALS], legitimate)


def test_sort_and_thread(lines: tuple[Line, Line]) -> None:
    fill(lines, [*scripts.MESSAGES, *scripts.THREADED])
    check(lines, scripts.SORT_COMMANDS, scripts.SORT_DIFFERENCES)


def test_mailboxes(lines: tuple[Line, Line]) -> None:
    check(lines, scripts.MAILBOX_COMMANDS, scripts.MAILBOX_DIFFERENCES)


def test_words_and_states(lines: tuple[Line, Line]) -> None:
    check(lines, scripts.ODD_COMMANDS, scripts.ODD_DIFFERENCES)
