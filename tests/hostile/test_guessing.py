"""Guessing passwords over all three doors: slowed down, and the owner is not locked out."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from support.hostile_bounds import PASSWORD, PROMPT
from support.raw_peer import imap_peer, pop3_peer, smtp_peer

OWNER = "owner@example.org"
HOME = "127.0.1.7"  # where the owner signs in from
ATTACKER = "127.0.6.6"
TRIES = 40

# True: let in; False: wrong; None: turned away unheard (or hung up on).
Try = Callable[[RunningServer, str, str, str], bool | None]


def try_imap(server: RunningServer, login: str, password: str, source: str) -> bool | None:
    with imap_peer(server.imap, source=source) as peer:
        answer = peer.imap(f'LOGIN "{login}" "{password}"'.encode())
    if b" OK " in answer:
        return True
    return False if b"AUTHENTICATIONFAILED" in answer else None


def try_pop3(server: RunningServer, login: str, password: str, source: str) -> bool | None:
    with pop3_peer(server.pop3, source=source) as peer:
        peer.pop3(b"USER " + login.encode())
        answer = peer.pop3(b"PASS " + password.encode())
    return True if answer.startswith(b"+OK") else False if b"[AUTH]" in answer else None


def try_smtp(server: RunningServer, login: str, password: str, source: str) -> bool | None:
    with smtp_peer(server.submissions, source=source, tls=True) as peer:
        secret = base64.b64encode(f"\0{login}\0{password}".encode())
        answer = peer.smtp(b"AUTH PLAIN " + secret)
    return True if answer.startswith(b"235") else False if answer.startswith(b"535") else None


TRIALS = {"imap": try_imap, "pop3": try_pop3, "submission": try_smtp}


@pytest.fixture(params=TRIALS)
def trial(request: pytest.FixtureRequest) -> Try:
    """Signing in at one of the doors."""
    return TRIALS[request.param]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[RunningServer]:
    """A fresh memory of failures, and short waits so that the tests need not wait long."""
    throttle = {"longest_wait_seconds": 1}
    with running_server(
        tmp_path / "guessing", accounts={OWNER: PASSWORD}, settings={"auth": {"throttle": throttle}}
    ) as running:
        yield running


@pytest.mark.timed
def test_guesses_are_soon_turned_away_unheard(guarded: RunningServer, trial: Try) -> None:
    assert trial(guarded, OWNER, PASSWORD, HOME) is True
    outcomes = [trial(guarded, OWNER, f"guess-{n}", ATTACKER) for n in range(TRIES)]
    assert outcomes.count(False) <= 8, outcomes  # 5 free ones, then pauses that double
    assert True not in outcomes
    # Even the right password is not heard from there now: a hit would not be noticed.
    assert trial(guarded, OWNER, PASSWORD, ATTACKER) is not True
    begin = time.monotonic()
    assert trial(guarded, OWNER, PASSWORD, HOME) is True  # the owner comes in at once
    assert time.monotonic() - begin < PROMPT


def test_names_that_nobody_has_are_answered_alike(guarded: RunningServer, trial: Try) -> None:
    unknown = [trial(guarded, "nobody@example.org", f"guess-{n}", "127.0.6.1") for n in range(12)]
    known = [trial(guarded, OWNER, f"guess-{n}", "127.0.6.2") for n in range(12)]
    assert unknown == known


def test_doors_share_the_memory(guarded: RunningServer) -> None:
    tries = list(TRIALS.values()) * 6
    outcomes = [one(guarded, OWNER, f"guess-{n}", ATTACKER) for n, one in enumerate(tries)]
    assert outcomes.count(False) <= 8, outcomes


def test_one_network_that_tries_many_names(guarded: RunningServer) -> None:
    outcomes = [try_imap(guarded, f"n{n}@example.org", "summer", ATTACKER) for n in range(60)]
    assert outcomes.count(False) <= 30 and None in outcomes


@pytest.mark.timed
def test_many_networks_that_try_one_name(guarded: RunningServer) -> None:
    """A botnet: its guesses are few, and the owner comes in, from home at once."""
    assert try_imap(guarded, OWNER, PASSWORD, HOME) is True
    begin = time.monotonic()
    outcomes = [try_imap(guarded, OWNER, f"g{n}", f"127.7.{n}.1") for n in range(26)]
    took = time.monotonic() - begin
    assert outcomes[:20].count(False) == 20 and took > 2  # the later ones were held back
    begin = time.monotonic()
    assert try_imap(guarded, OWNER, PASSWORD, HOME) is True
    assert time.monotonic() - begin < PROMPT
    assert try_imap(guarded, OWNER, PASSWORD, "127.8.8.8") is True  # on a new network, held back


@pytest.mark.parametrize("door", ["imap", "pop3", "submissions"])
def test_one_connection_gets_few_tries(guarded: RunningServer, door: str) -> None:
    wrong = base64.b64encode(b"\0owner@example.org\0x")
    line = {
        "imap": b"a LOGIN owner@example.org x%d\r\n",
        "pop3": b"USER owner@example.org\r\nPASS x%d\r\n",
        "submissions": b"AUTH PLAIN " + wrong + b"\r\n",
    }[door]
    opened = {"imap": imap_peer, "pop3": pop3_peer, "submissions": smtp_peer}[door]
    with opened(guarded.ports[door], source=ATTACKER, tls=door == "submissions") as peer:
        answers = []
        for n in range(40):
            if not peer.send(line % n if b"%" in line else line):
                break
            if door == "pop3":
                peer.line()
            if not (answer := peer.line()):
                break
            answers.append(answer)
        assert peer.is_closed(2)
    assert len(answers) <= 22, answers
