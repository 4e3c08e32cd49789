"""Passwords for other servers are nowhere to be seen: not in the process list, a log, an answer, or
the files that hold our data.
"""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.collect_runs import Collector, import_imap, place
from support.lying_servers import LOGIN, Liar, lying_imap
from support.mailing import sample
from support.pillarbox_server import running_pillarbox
from support.server import HOST, MailServer, wait_until

pytestmark = [pytest.mark.interop, pytest.mark.slow]

SECRET = "zebra-9f2c-Kq7-umbrella"
# As it is, and as signing in sends it (RFC 4616 §2).
FORMS = (
    SECRET.encode(),
    base64.b64encode(SECRET.encode()).rstrip(b"="),
    base64.b64encode(f"\0{LOGIN}\0{SECRET}".encode()).rstrip(b"="),
)
SETTINGS: dict[str, dict[str, object]] = {
    "log": {"level": "debug"},
    "collect": {"allow_private": True, "shortest_schedule_seconds": 1, "round_seconds": 0.5},
}


@pytest.fixture
def target(tmp_path: Path) -> Iterator[MailServer]:
    """A Pillarbox that says all it can say, and collects by itself."""
    with running_pillarbox(tmp_path, workers=1, accounts=2, settings=SETTINGS) as server:
        yield server


@pytest.fixture
def liar() -> Iterator[Liar]:
    """A server whose sign-in takes any password."""
    with lying_imap() as server:
        server.fill([sample(number) for number in range(5)])
        yield server


def test_while_it_runs(target: MailServer, liar: Liar) -> None:
    account = target.new_account()
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go_on.wait(30)

    liar.lies.after_bodies = (2, hold)
    collector = Collector(target)
    process = subprocess.Popen(
        collector.command(*import_imap(account.login, liar.port, LOGIN)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(f"{SECRET}\n".encode())
    process.stdin.close()
    assert held.wait(30)
    seen = _shown_by_the_system(process.pid)
    go_on.set()
    assert process.stdout is not None
    told = process.stdout.read()
    assert process.wait(60) == 0, told
    assert b"pillarbox" in seen
    _assert_absent(process=seen, output=told, **_kept(target))


def test_stored_and_shown(target: MailServer, liar: Liar) -> None:
    account = target.new_account()
    collector = Collector(target)
    add = ["collect", "add", account.login, "--imap", HOST, *place(liar.port, LOGIN)]
    outputs = {"add": collector(*add, password=SECRET).text.encode()}
    wait_until(lambda: liar.bodies >= 5, what="the server's own collecting")
    for words in (
        ("collect", "list"),
        ("collect", "list", "--json"),
        ("collect", "show", account.login, "1"),
        ("collect", "show", account.login, "1", "--json"),
        ("collect", "test", account.login, "1"),
        ("collect", "run", account.login, "--json"),
        ("import", "list", account.login, "--json"),
    ):
        outputs[" ".join(words)] = collector(*words).text.encode()
    _assert_absent(**outputs, **_kept(target))
    key = target.folder / "data" / "vault.key"
    assert key.stat().st_mode & 0o077 == 0


def test_a_server_that_repeats_it(target: MailServer, liar: Liar) -> None:
    account = target.new_account()
    liar.lies.sign_in = b"NO [AUTHENTICATIONFAILED] not this one: " + SECRET.encode()
    told = Collector(target)(
        *import_imap(account.login, liar.port, LOGIN), password=SECRET, codes=(1,)
    )
    assert "not this one" in told.text
    _assert_absent(output=told.text.encode(), **_kept(target))


def test_a_new_password_takes_the_place_of_the_old(target: MailServer, liar: Liar) -> None:
    account = target.new_account()
    collector = Collector(target)
    add = ["collect", "add", account.login, "--imap", HOST, *place(liar.port, LOGIN)]
    collector(*add, password=SECRET)
    other = "another-" + SECRET
    told = collector("collect", "sign-in", account.login, "1", "--password-stdin", password=other)
    collector("collect", "remove", account.login, "1", "--yes")
    _assert_absent(output=told.text.encode(), **_kept(target))


def _shown_by_the_system(pid: int) -> bytes:
    """What `ps` and its kin show of a process and all below it."""
    found = []
    waiting = [pid]
    while waiting:
        process = Path(f"/proc/{waiting.pop()}")
        found += [(process / name).read_bytes() for name in ("cmdline", "environ", "comm")]
        for task in process.glob("task/*/children"):
            waiting += [int(child) for child in task.read_text().split()]
    return b"\n".join(found)


def _kept(target: MailServer) -> dict[str, bytes]:
    """Every file of the server's, the log and the database's own log included."""
    return {
        str(path.relative_to(target.folder)): path.read_bytes()
        for path in target.folder.rglob("*")
        if path.is_file()
    }


def _assert_absent(**places: bytes) -> None:
    for name, octets in places.items():
        for form in FORMS:
            assert form not in octets, f"the password is in {name}"


def test_the_search_would_find_it() -> None:
    """What the others rely on."""
    with pytest.raises(AssertionError, match="is in here"):
        _assert_absent(here=b"x" + FORMS[2] + b"y")
