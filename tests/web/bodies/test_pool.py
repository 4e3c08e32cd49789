"""Cleaning processes: killed by time, by memory and at the end; holding nothing of the server's."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path

import pytest

from pillarbox.config.bodies import BodySettings
from pillarbox.errors import Unavailable
from pillarbox.web.bodies.job import Bounds, Job, Piece
from pillarbox.web.bodies.pool import GaveUp, Pool
from support.body_pages import PagesBox
from support.store_box import letter

BOUNDS = Bounds(style_octets=1 << 18, nesting=500, result_octets=1 << 24)
ENDLESS = b"&#" * 4_000_000  # many seconds of the parser's
MANY_ELEMENTS = b"<br>" * 3_000_000  # far more memory than there is
PATIENCE = 30.0


def job(octets: bytes, bounds: Bounds = BOUNDS) -> Job:
    return Job((Piece("html", octets, "utf-8"),), False, "ab" * 16, "/m/", {}, bounds)


def children() -> list[int]:
    """The cleaning processes of this one."""
    found = []
    for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for pid in path.read_text().split():
            if b"pillarbox.web.bodies.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return found


async def test_started_when_needed_and_used_again() -> None:
    pool = Pool(BodySettings(processes=1))
    assert pool.processes == 0 and children() == []
    for _ in range(3):
        assert (await pool.clean(job(b"<p>a"), PATIENCE)).markup == "<p>a</p>"
    assert pool.processes == 1
    (pid,) = children()
    await pool.close()
    assert children() == []
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(Unavailable):
        await pool.clean(job(b""), 0.5)


async def test_ready_when_somebody_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """One, however often it is said; none where the worker ends before."""
    monkeypatch.setattr("pillarbox.web.bodies.pool._REST_SECONDS", 0.0)
    pool, ended = Pool(BodySettings(processes=1)), Pool(BodySettings())
    for _ in range(3):
        pool.prepare()
    ended.prepare()
    await ended.close()
    async with asyncio.timeout(PATIENCE):
        while not children():
            await asyncio.sleep(0.01)
    pool.prepare()
    await asyncio.sleep(0)
    assert (pool.processes, ended.processes) == (1, 0)
    assert (await pool.clean(job(b"<p>a"), PATIENCE)).markup == "<p>a</p>"
    assert pool.processes == 1
    await pool.close()


@pytest.mark.timed
async def test_time_is_bounded_and_the_next_message_is_cleaned() -> None:
    pool = Pool(BodySettings(processes=1, cpu_seconds=0.3))
    await pool.clean(job(b""), PATIENCE)
    before = children()
    begun = time.process_time()
    with pytest.raises(GaveUp):
        await pool.clean(job(ENDLESS), PATIENCE)
    assert time.process_time() - begun < 1.5  # it cost the server nothing but passing it on
    assert (await pool.clean(job(b"<p>a"), PATIENCE)).markup == "<p>a</p>"
    assert children() != before
    await pool.close()


@pytest.mark.timed
async def test_a_deadline_ends_it_too() -> None:
    pool = Pool(BodySettings(processes=1, cpu_seconds=50))
    await pool.clean(job(b""), PATIENCE)
    begun = time.monotonic()
    with pytest.raises(GaveUp):
        await pool.clean(job(ENDLESS), 0.5)
    assert time.monotonic() - begun < 3
    await pool.close()


async def test_memory_is_bounded() -> None:
    pool = Pool(BodySettings(processes=1, cpu_seconds=50, memory_octets=128 << 20))
    with pytest.raises(GaveUp):
        await pool.clean(job(MANY_ELEMENTS), PATIENCE)
    await pool.close()


async def test_a_result_that_is_too_large_is_none() -> None:
    pool = Pool(BodySettings(processes=1))
    with pytest.raises(GaveUp):
        await pool.clean(job(b"<p>a" * 1000, Bounds(0, 500, 1000)), PATIENCE)
    await pool.close()


@pytest.mark.timed
async def test_who_waits_in_vain_is_told_so() -> None:
    pool = Pool(BodySettings(processes=1, cpu_seconds=50))
    await pool.clean(job(b""), PATIENCE)
    busy = asyncio.create_task(pool.clean(job(ENDLESS), 3))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await pool.clean(job(b""), 0.2)
    with pytest.raises(GaveUp):
        await busy
    await pool.close()


async def test_it_inherits_no_socket_no_file_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILLARBOX_TEST_SECRET", "nobody's")
    pool = Pool(BodySettings(processes=1))
    with socket.create_server(("127.0.0.1", 0)) as listening, (tmp_path / "f").open("wb") as file:
        os.set_inheritable(listening.fileno(), True)
        os.set_inheritable(file.fileno(), True)
        await pool.clean(job(b""), PATIENCE)
        (pid,) = children()
        held = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        assert len(held) == 3  # in, out, and nowhere
        # asyncio's loop joins standard input by a pair of sockets; they lead to us alone.
        assert all(name.startswith(("pipe:", "socket:", "/dev/null")) for name in held)
        inode = os.fstat(listening.fileno()).st_ino
        assert f"socket:[{inode}]" not in held
        assert b"PILLARBOX_TEST_SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert "Max core file size        0" in limits
        assert f"{256 << 20}" in limits
    await pool.close()


async def test_it_ends_when_the_server_is_gone() -> None:
    pool = Pool(BodySettings(processes=1))
    await pool.clean(job(b""), PATIENCE)
    (process,) = pool._idle
    process._requests.close()  # as when the server was killed
    async with asyncio.timeout(PATIENCE):
        assert await process._process.wait() == 0
    await pool.close()


@pytest.mark.timed
async def test_a_killed_process_means_text_and_a_note(tmp_path: Path) -> None:
    bodies = BodySettings(processes=1, cpu_seconds=0.3, answer_seconds=20)
    async with PagesBox(tmp_path, bodies=bodies) as pages:
        html = "<p>harbour</p>" + "&#" * 500_000
        blob = await pages.deliver(letter(body=html, Content_Type="text/html; charset=utf-8"))
        for _ in range(2):  # the second comes from what is kept
            found = (await pages.ask("body", blob)).body.decode()
            assert "harbour" in found and "too complicated" in found
            assert 'data-kind="text"' in found
        assert b'"textOnly":true' in (await pages.ask("facts", blob)).body


async def test_no_process_free_is_503(tmp_path: Path) -> None:
    class Busy:
        async def clean(self, job: Job, seconds: float) -> object:
            raise Unavailable

    async with PagesBox(tmp_path, cleaning=Busy()) as pages:  # type: ignore[arg-type]
        found = await pages.ask("body", await pages.deliver(letter()))
        assert found.status == 503 and found.headers["retry-after"] == "1"
        assert 'data-status="503"' in found.body.decode()
