"""`pillarbox queue`: filters, what each verb does, answers for people and programs."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from pillarbox.cli.main import main
from pillarbox.clock import SystemClock
from pillarbox.config.store import StoreSettings
from pillarbox.config.writing import to_toml
from pillarbox.store.open import open_store
from pillarbox.store.sql.queue_lease import Ask, Turn, turn
from support.command_line import Run, command_line
from support.machine import cpu_bound
from support.queue_bench import FakeSender, all_ended, message, put, until, worker


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with four messages to five recipients, found by the environment variable."""
    file = tmp_path / "p.toml"
    file.write_text(to_toml({"store": {"data_dir": "data"}}))
    monkeypatch.setenv("PILLARBOX_CONFIG", str(file))
    folder = tmp_path / "data"

    async def fill() -> None:
        store = await open_store(StoreSettings(data_dir=str(folder)), SystemClock())
        await put(store, message("a@x.example", "b@y.example"))
        await put(store, message("c@y.example", sender="bob@example.org"))
        await put(store, message("d@z.example", sender=""))
        await put(store, message("E@Z.example", sender="bob@other_example"))
        await store.close()

    asyncio.run(fill())
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command line; (exit code, standard output, standard error)."""

    return command_line(capsys, monkeypatch, "queue")


def listed(run: Run, *filters: str) -> list[str]:
    code, shown, error = run("list", "--json", *filters)
    assert (code, error) == (0, "")
    return [one["recipient"][0].lower() for one in json.loads(shown)["recipients"]]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", "abcde"),
        ("--id 1", "ab"),
        ("--id 1 --id 3", "abd"),
        ("--sender bob@example.org", "c"),
        ("--sender BOB@EXAMPLE.ORG", "c"),
        ("--sender @example.org", "abc"),
        ("--sender @other_example", "e"),
        ("--sender @otherxexample", ""),
        ("--sender <>", "d"),
        ("--recipient e@z.example", "e"),
        ("--recipient @z.example", "de"),
        ("--domain Y.example", "bc"),
        ("--domain y.example --id 1", "b"),
        ("--state held", ""),
        ("--state held --state waiting", "abcde"),
        ("--older-than 1h", ""),
    ],
)
def test_filters(run: Run, data: Path, filters: str, found: str) -> None:
    assert "".join(listed(run, *filters.split())) == found


def test_the_list_for_people(run: Run, data: Path) -> None:
    code, shown, _ = run("list", "--limit", "2")
    assert code == 0
    lines = shown.splitlines()
    assert lines[0].split()[:4] == ["ID", "QUEUED", "OCTETS", "STATE"]
    assert "alice@example.org" in lines[1]
    assert lines[-1] == "5 in all, 2 shown."
    assert run("list", "--count")[1].splitlines()[1].split() == ["waiting", "5"]


def test_hold_and_release(run: Run, data: Path) -> None:
    assert run("hold", "--domain", "y.example")[1] == "hold: 2 recipients.\n"
    assert listed(run, "--state", "held") == ["b", "c"]
    assert json.loads(run("list", "--count", "--json")[1])["counts"] == {"held": 2, "waiting": 3}
    assert run("release", "--all")[1] == "release: 2 recipients. 3 recipients left alone.\n"
    assert listed(run, "--state", "held") == []
    run("hold", "--id", "2", "--for", "4h")
    (one,) = json.loads(run("list", "--id", "2", "--json")[1])["recipients"]
    assert one["state"] == "held"
    assert 4 * 3600 - 60 < one["due_at"] - time.time() <= 4 * 3600


def test_trace_tells_of_it(run: Run, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("hold", "--id", "1")
    run("route", "backup", "--id", "1")
    assert main(("trace", "a@x.example")) == 0
    told = capsys.readouterr().out
    assert "Held by the administrator for <a@x.example>, <b@y.example>." in told
    assert "Sent by the route backup by the administrator for" in told


def test_what_cannot_be_undone_asks(run: Run, data: Path) -> None:
    code, _, error = run("drop", "--id", "1")
    assert code == 1
    assert "--yes" in error
    assert run("drop", "--id", "1", "--dry-run")[1] == "2 recipients would be meant by drop.\n"
    assert listed(run) == ["a", "b", "c", "d", "e"]
    assert run("drop", "--id", "1", "--yes")[1] == "drop: 2 recipients.\n"
    assert listed(run) == ["c", "d", "e"]
    code, _, error = run("drop", "--yes")
    assert code == 1
    assert "--all" in error
    assert listed(run, "--state", "dropped") == ["a", "b"]


def test_fail_tells_the_sender(run: Run, data: Path) -> None:
    run("fail", "--id", "2", "--yes", "--reason", "No such place.")
    (shown,) = json.loads(run("show", "2", "--json")[1])
    (one,) = shown["recipients"]
    assert (one["state"], one["reply"], one["status"]) == ("failed", "No such place.", "5.0.0")
    connection = apsw.Connection(str(data / "pillarbox.db"))
    assert connection.execute("SELECT report FROM queued_recipient WHERE report <> ''").get == (
        "failed"
    )


def test_route_and_back(run: Run, data: Path) -> None:
    run("route", "smart.example:587", "--domain", "z.example")
    connection = apsw.Connection(str(data / "pillarbox.db"))
    lanes = "SELECT DISTINCT lane FROM queued_recipient WHERE domain = 'z.example'"
    assert connection.execute(lanes).get == "smart.example:587"
    assert "route: smart.example:587" in run("show", "3")[1]
    run("route", "", "--domain", "z.example")
    assert connection.execute(lanes).get == "z.example"


def test_show(run: Run, data: Path) -> None:
    code, shown, _ = run("show", "1", "3")
    assert code == 0
    assert "message 1" in shown
    assert "to d@z.example: waiting, 0 attempts" in shown
    code, _, error = run("show", "99")
    assert (code, error) == (1, "pillarbox: There is no message 99 in the queue.\n")


def test_what_is_being_sent_is_left_alone(run: Run, data: Path) -> None:
    async def take() -> None:
        store = await open_store(StoreSettings(data_dir=str(data)), SystemClock())
        until_ = int(time.time()) + 100
        ask = Turn(worker="w", until=until_, ask=(Ask("x.example", 5), Ask("y.example", 5)))
        await store.write(lambda tx: turn(tx, ask))
        mark = Turn(worker="w", until=until_, start=((1, 0),))
        await store.write(lambda tx: turn(tx, mark))
        await store.close()

    asyncio.run(take())
    assert "sending" in run("list", "--id", "1")[1]
    assert run("drop", "--id", "1", "--yes")[1] == "drop: 1 recipient. 1 recipient left alone.\n"
    assert listed(run, "--id", "1") == ["a"]


def test_a_running_worker_hears_of_it(data: Path) -> None:
    async def work() -> None:
        store = await open_store(StoreSettings(data_dir=str(data)), SystemClock())
        await store.write(
            lambda tx: tx.run(
                "UPDATE queued_recipient SET state = 'held', due_at = NULL WHERE queued_id = 1"
            )
        )
        sender = FakeSender()
        loop = worker(store, SystemClock(), sender, poll_seconds=3600)
        loop.start()
        await until(lambda: len(sender.accepted) == 3)
        words = [sys.executable, "-m", "pillarbox.cli", "queue", "release", "--all"]
        await asyncio.to_thread(subprocess.run, words, check=True, stdout=subprocess.DEVNULL)
        await until(lambda: all_ended(store), 1000)
        await loop.drain(1)
        await store.close()

    asyncio.run(work())


@pytest.mark.parametrize("words", [["--older-than", "soon"], ["--state", "lost"], ["--id", "x"]])
def test_what_is_not_understood(run: Run, data: Path, words: list[str]) -> None:
    assert run("list", *words)[0] == 2


def test_a_hundred_thousand_in_under_a_second(data: Path) -> None:
    """Seconds of CPU, the start of the program included: other tests may keep the machine busy."""
    connection = apsw.Connection(str(data / "pillarbox.db"))
    with connection:
        connection.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 100009)
            INSERT INTO queued (queued_id, account_id, blob_id, size, trace, reverse_path, journey,
                smtputf8, ret, envid, queued_at)
            SELECT i, 1, x'00', 4096, zeroblob(400), 'alice@example.org', 'j' || i, 0, '', '',
                1700000000 + i FROM n;
            INSERT INTO queued_recipient (queued_id, number, forward_path, domain, lane, notify,
                orcpt, state, due_at, attempts, reply)
            SELECT queued_id, 0, 'u' || queued_id || '@d.example', 'd.example', 'd.example', '', '',
                'waiting', 1800000000, 3, '451 4.3.0 try again later' FROM queued WHERE size = 4096
            """
        )
    connection.close()
    for words in ("", "--count", "--limit=0", "--limit=0 --json"):
        took = []
        for _ in range(5):
            command = [sys.executable, "-m", "pillarbox.cli", "queue", "list", *words.split()]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
            if took[-1] < (bound := cpu_bound(1)):
                break
        if words == "--limit=0":
            assert done.stdout.count(b"\n") == 100_007  # the head, ours, and five from before
        print(f"queue list {words}: {took[-1]:.2f} s of CPU, {len(done.stdout)} octets")
        assert took[-1] < bound, words
