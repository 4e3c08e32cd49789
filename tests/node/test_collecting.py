"""A worker's part in collecting: who brings what when, and how it is stopped. Time stands still
until a test says so; the sources are in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillarbox.accounts.vault import Vault
from pillarbox.config.collect import CollectSettings
from pillarbox.errors import NotAllowed
from pillarbox.flow.collect.holding import Holder, Stopped
from pillarbox.flow.collect.progress import Progress
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.run import run
from pillarbox.flow.collect.settings import OAuthGrant, RemoteSettings, ServerSpec, SignIn
from pillarbox.flow.collect.source import Source, SourceFailure
from pillarbox.ids import RemoteId
from pillarbox.net.secret import Secret
from pillarbox.node.collecting import Collecting, keep_remotes
from pillarbox.node.collecting_one import Parts, SignInNow, Way, run_once
from pillarbox.store.sql import remote_runs
from pillarbox.store.sql.remotes import RemoteState
from pillarbox.telemetry.metrics import REGISTRY
from support.fake_source import Elsewhere, FakeSource
from support.queue_bench import until
from support.store_box import Box, letter

SIGN_IN = SignIn("alice", Secret("a password"))


class WaitingSource(FakeSource):
    """One whose fetching can be held up, and whose waiting ends when a test says so."""

    def __init__(self, world: World, elsewhere: Elsewhere) -> None:
        super().__init__(elsewhere)
        self.world = world
        self.news: asyncio.Future[bool] | None = None

    async def _step(self, what: str) -> None:
        await super()._step(what)
        if what == "folders":
            self.world.running += 1
            self.world.most = max(self.world.most, self.world.running)
            try:
                await self.world.go.wait()
            finally:
                self.world.running -= 1

    async def wait(self, seconds: float) -> bool:
        self.news = asyncio.get_running_loop().create_future()
        sleep = asyncio.ensure_future(self.world.box.clock.sleep(seconds))
        try:
            await asyncio.wait((self.news, sleep), return_when=asyncio.FIRST_COMPLETED)
            return self.news.result() if self.news.done() else False
        finally:
            self.news = None
            sleep.cancel()


class World:
    """A store, what is elsewhere for each login, and the processes that collect."""

    def __init__(self, box: Box, **settings: Any) -> None:
        self.box = box
        self.settings = CollectSettings(**settings)
        self.remotes = Remotes(box.store, Vault(box.folder / "data"), box.clock, self.settings)
        self.there: dict[str, Elsewhere] = {}
        self.trouble: dict[str, Exception] = {}
        self.sources: list[WaitingSource] = []
        self.sign_ins: list[SignIn] = []
        self.opened: Counter[str] = Counter()
        self.running = self.most = 0
        self.go = asyncio.Event()
        self.go.set()
        self.workers: list[Collecting] = []

    async def open_remote(self, settings: RemoteSettings, sign_in_now: SignInNow) -> Source:
        self.opened[settings.login] += 1
        self.sign_ins.append(await sign_in_now())
        if settings.login in self.trouble:
            raise self.trouble[settings.login]
        source = WaitingSource(self, self.there[settings.login])
        self.sources.append(source)
        return source

    async def refresh(self, sign_in: SignIn) -> SignIn:
        if sign_in.grant is None:
            return sign_in
        fresh = msgspec.structs.replace(sign_in.grant, access_token=Secret("fresh"))
        return SignIn(sign_in.login, fresh)

    @property
    def parts(self) -> Parts:
        return Parts(
            store=self.box.store,
            settings=self.settings,
            clock=self.box.clock,
            remotes=self.remotes,
            open_remote=self.open_remote,
            refresh=self.refresh,
            run=run,
        )

    async def add(self, login: str = "alice", host: str = "a.example", **more: Any) -> RemoteId:
        there = self.there[login] = Elsewhere()
        there.folder("INBOX").put(letter(f"For {login}"))
        settings = RemoteSettings(
            kind="imap", server=ServerSpec(host, 993), login=login, label=login, **more
        )
        by_itself = not settings.once
        return await self.remotes.add(self.box.alice.id, settings, SIGN_IN, by_itself=by_itself)

    def work(self) -> Collecting:
        worker = Collecting(self.parts)
        self.workers.append(worker)
        worker.start()
        return worker

    async def see(self, remote: RemoteId) -> Remote:
        return await self.remotes.get(remote)

    async def messages(self) -> int:
        return (await self.box.mailbox("INBOX")).messages

    async def until_messages(self, count: int) -> None:
        await until(lambda: _is(self.messages, count))

    async def settled(self) -> None:
        """Whoever can go on has gone on: the store has written what waits, several times over."""
        for _ in range(6):
            await self.box.store.write(lambda tx: tx.row("SELECT 1"))
            for _ in range(5):
                await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        """In steps, so that leases are renewed on the way."""
        while seconds > 0:
            await self.box.clock.advance(min(seconds, 10))
            await self.settled()
            seconds -= 10


async def _is(measure: Callable[[], Awaitable[int]], value: int) -> bool:
    return await measure() == value


def play(tmp_path: Path, test: Callable[[World], Awaitable[None]], **settings: Any) -> None:
    async def main() -> None:
        async with Box(tmp_path) as box:
            world = World(box, **settings)
            try:
                await test(world)
            finally:
                for worker in world.workers:
                    await worker.drain(1)

    asyncio.run(main())


def number(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"pillarbox_{name}", labels) or 0.0


# By schedule


def test_what_is_due_is_brought_and_again_by_schedule(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        brought = number("collected_total")
        remote = await world.add(schedule_seconds=600)
        world.work()
        await world.until_messages(1)
        await until(lambda: bool(world.sources[0].closed))
        await world.settled()
        seen = await world.see(remote)
        assert (seen.state, seen.trouble, seen.is_running) == (RemoteState.ACTIVE, "", False)
        now = int(world.box.clock.now().timestamp())
        assert seen.succeeded_at == now
        assert seen.due_at is not None
        assert 480 <= seen.due_at - now <= 720
        (run_row,) = await world.remotes.runs(remote)
        assert (run_row.outcome, run_row.eventful) == ("done", True)
        assert msgspec.json.decode(run_row.progress, type=Progress).brought == 1
        assert number("collected_total") == brought + 1

        world.there["alice"].folder("INBOX").put(letter("Second"))
        await world.pass_time(470)
        assert await world.messages() == 1
        await world.pass_time(280)
        await world.until_messages(2)

    play(tmp_path, test)


def test_a_new_one_is_looked_at_at_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.work()
        await world.settled()
        await world.add()
        await world.until_messages(1)

    play(tmp_path, test)


def test_two_workers_never_bring_the_same(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.go.clear()
        for n in range(6):
            await world.add(f"user{n}")
        world.work()
        world.work()
        await until(lambda: sum(world.opened.values()) == 6)
        await world.settled()
        assert set(world.opened.values()) == {1}
        world.go.set()
        await world.until_messages(6)
        assert set(world.opened.values()) == {1}

    play(tmp_path, test)


def test_how_many_at_once_in_all_and_at_a_host(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.go.clear()
        for n in range(6):
            await world.add(f"a{n}", "a.example")
        for n in range(2):
            await world.add(f"b{n}", "b.example")
        world.work()
        await until(lambda: world.running == 3)
        await world.settled()
        assert world.running == 3
        at = Counter(login[0] for login in world.opened)
        assert at["a"] <= 2
        world.go.set()
        await world.until_messages(8)
        assert world.most <= 3

    play(tmp_path, test, concurrent=3, concurrent_per_host=2)


def test_a_full_host_does_not_keep_others_waiting(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.go.clear()
        for n in range(10):
            await world.add(f"a{n}", "a.example")
        await world.box.clock.advance(1)  # the others are due longer
        await world.add("b0", "b.example")
        world.work()
        await until(lambda: world.opened["b0"] == 1)
        assert sum(world.opened.values()) == 3
        world.go.set()

    play(tmp_path, test, concurrent=3, concurrent_per_host=2)


# Trouble


def test_trouble_is_told_and_tried_again_later(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add()
        world.trouble["alice"] = SourceFailure("unreachable", "It does not answer.")
        world.work()
        await until(lambda: _is_trouble(world, remote, "unreachable"))
        seen = await world.see(remote)
        assert (seen.why, seen.failures) == ("It does not answer.", 1)
        (run_row,) = await world.remotes.runs(remote)
        assert (run_row.outcome, run_row.why) == ("failed", "It does not answer.")
        await world.pass_time(80)
        await until(lambda: world.opened["alice"] == 2)
        del world.trouble["alice"]
        await world.pass_time(160)
        await world.until_messages(1)
        await world.settled()
        seen = await world.see(remote)
        assert (seen.trouble, seen.why, seen.failures) == ("", "", 0)

    play(tmp_path, test)


async def _is_trouble(world: World, remote: RemoteId, trouble: str) -> bool:
    return (await world.see(remote)).trouble == trouble


def test_a_wrong_password_is_tried_thrice_and_no_more(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add()
        world.trouble["alice"] = SourceFailure("sign-in", "The password is wrong.")
        world.work()
        await world.pass_time(3600)
        seen = await world.see(remote)
        assert world.opened["alice"] == 3
        assert (seen.state, seen.due_at) == (RemoteState.ATTENTION, None)
        assert seen.why == "The password is wrong."
        await world.pass_time(3600)
        assert world.opened["alice"] == 3
        await keep_remotes(world.box.store, world.remotes)
        assert number("collect_remotes", state="attention") == 1
        del world.trouble["alice"]
        await world.remotes.set_sign_in(remote, SIGN_IN)
        await world.until_messages(1)

    play(tmp_path, test)


def test_throttled_waits_as_long_as_the_provider_says(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add()
        world.trouble["alice"] = SourceFailure("throttled", "Too much.", retry_after=1000)
        world.work()
        await world.pass_time(990)
        assert world.opened["alice"] == 1
        (ended,) = await world.remotes.runs(remote)
        until = msgspec.json.decode(ended.progress, type=Progress).throttled_until
        assert until == (ended.ended_at or 0) + 1000
        del world.trouble["alice"]
        await world.pass_time(60)
        await world.until_messages(1)

    play(tmp_path, test)


def test_a_fault_of_ours_hurts_only_itself(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add("bad")
        world.trouble["bad"] = ZeroDivisionError("oops")
        await world.add("good")
        world.work()
        await world.until_messages(1)
        await until(lambda: _is_trouble(world, remote, "fault"))
        assert "oops" not in (await world.see(remote)).why

    play(tmp_path, test)


def test_a_lost_key_asks_for_the_password(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add()
        (world.box.folder / "data" / "vault.key").unlink()
        world.work()
        await until(lambda: _is_trouble(world, remote, "sealed"))
        seen = await world.see(remote)
        assert seen.state is RemoteState.ATTENTION
        assert "Enter the password again" in seen.why

    play(tmp_path, test)


def test_a_refreshed_grant_is_kept(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add()
        grant = OAuthGrant(provider="p", client_id="c", refresh_token=Secret("r"))
        await world.remotes.set_sign_in(remote, SignIn("alice", grant))
        world.work()
        await world.until_messages(1)
        (used,) = world.sign_ins
        assert used == await world.remotes.sign_in(remote)
        assert used.grant is not None
        assert used.grant.access_token == Secret("fresh")

    play(tmp_path, test)


# Waiting for new mail


def test_a_grant_that_is_refreshed_while_a_worker_ends_is_kept(tmp_path: Path) -> None:
    """Its provider may take the old one for stolen from now on."""

    async def test(world: World) -> None:
        remote = await world.add()
        grant = OAuthGrant(provider="p", client_id="c", refresh_token=Secret("r"))
        await world.remotes.set_sign_in(remote, SignIn("alice", grant))
        asked, answered, refresh = asyncio.Event(), asyncio.Event(), world.refresh

        async def slow(sign_in: SignIn) -> SignIn:
            asked.set()
            await answered.wait()
            return await refresh(sign_in)

        world.refresh = slow  # type: ignore[method-assign]
        worker = world.work()
        await asked.wait()
        ending = asyncio.ensure_future(worker.drain(30))
        await world.settled()
        answered.set()
        await ending
        kept = (await world.remotes.sign_in(remote)).grant
        assert kept is not None
        assert kept.access_token == Secret("fresh")

    play(tmp_path, test)


def test_new_mail_comes_at_once_over_the_same_connection(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add(idle=True, schedule_seconds=3600)
        world.work()
        await until(lambda: _waits(world, 0))
        seen = await world.see(remote)
        assert (seen.is_running, seen.succeeded_at is not None) == (True, True)
        world.there["alice"].folder("INBOX").put(letter("News"))
        news = world.sources[0].news
        assert news is not None
        news.set_result(True)
        await world.until_messages(2)
        await until(lambda: _waits(world, 0))
        world.there["alice"].folder("Other").put(letter("Not told"))
        await world.pass_time(3650)  # the whole account is looked at by schedule all the same
        other = await world.box.mailbox("Other")
        assert other.messages == 1
        assert world.opened["alice"] == 1
        assert (await world.see(remote)).is_running, "the lease is renewed while it waits"

    play(tmp_path, test)


def _waits(world: World, number: int) -> bool:
    return len(world.sources) > number and world.sources[number].news is not None


def test_who_waits_leaves_its_place_to_others(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for n in range(5):
            await world.add(f"user{n}", idle=True, schedule_seconds=3600)
        world.work()
        await world.until_messages(5)
        await until(lambda: sum(_waits(world, n) for n in range(5)) == 3)
        await until(lambda: sum(source.closed for source in world.sources) == 2)
        assert world.most == 1

    play(tmp_path, test, concurrent=1, waiting=3)


@pytest.mark.parametrize(
    ("lasted", "asked", "seconds"),
    [(600, 0, 20), (0, 0, 130), (600, 300, 310)],  # else a server that always ends it is flooded
)
def test_a_connection_that_ends_while_it_waits_is_made_anew(
    tmp_path: Path, lasted: int, asked: float, seconds: int
) -> None:
    async def test(world: World) -> None:
        remote = await world.add(idle=True)
        world.work()
        await until(lambda: _waits(world, 0))
        await world.pass_time(lasted)
        news = world.sources[0].news
        assert news is not None
        news.set_exception(SourceFailure("cut", "It was ended.", retry_after=asked))
        await until(lambda: world.sources[0].closed)
        await world.settled()
        assert (await world.see(remote)).trouble == ""
        await world.pass_time(seconds - 20)
        assert len(world.sources) == 1
        await world.pass_time(20)
        await until(lambda: _waits(world, 1))

    play(tmp_path, test)


# Stopping


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("how", ["pause", "remove", "change"])
def test_a_person_stops_it_soon(tmp_path: Path, how: str, waits: bool) -> None:
    async def test(world: World) -> None:
        remote = await world.add(idle=waits)
        if not waits:
            world.go.clear()
        world.work()
        await until(lambda: _waits(world, 0) if waits else world.running == 1)
        await world.settled()
        if how == "pause":
            await world.remotes.pause(remote)
        elif how == "remove":
            await world.remotes.remove(remote)
        else:
            settings = (await world.see(remote)).settings
            changed = msgspec.structs.replace(settings, schedule_seconds=777)
            await world.remotes.change(remote, changed)
        await until(lambda: world.sources[0].closed)
        await world.settled()
        if how == "pause":
            seen = await world.see(remote)
            assert (seen.state, seen.is_running) == (RemoteState.PAUSED, False)
            (run_row,) = [one for one in await world.remotes.runs(remote) if not waits] or [None]
            assert run_row is None or run_row.outcome == "stopped"
        if how == "change":
            await until(lambda: len(world.sources) == 2)
        else:
            await world.pass_time(3600)
            assert len(world.sources) == 1

    play(tmp_path, test)


def test_the_end_of_a_worker_lets_another_go_on_at_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add("busy")
        waiting = await world.add("waiting", idle=True)
        first = world.work()
        await until(lambda: len(world.sources) == 2 and any(_waits(world, n) for n in (0, 1)))
        world.go.clear()
        await world.remotes.resume(remote)
        await until(lambda: world.running == 1)
        await first.drain(1)
        await first.drain(1)
        assert all(source.closed for source in world.sources)
        world.go.set()
        opened = Counter(world.opened)
        world.work()
        await until(lambda: world.opened - opened == Counter(busy=1, waiting=1))
        await until(lambda: _is_well(world, remote))
        assert (await world.see(waiting)).trouble == ""

    play(tmp_path, test)


async def _is_well(world: World, remote: RemoteId) -> bool:
    (last, *_) = await world.remotes.runs(remote)
    return last.outcome == "done"


def test_after_a_kill_another_goes_on_when_the_lease_ends(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add()
        parts = world.parts
        dead = Holder(parts.store, parts.settings, parts.clock, "dead")
        assert await dead.take(remote) is not None  # then it is killed by SIGKILL
        await parts.store.write(lambda tx: remote_runs.begin_run(tx, remote, "schedule"))
        world.work()
        await world.pass_time(50)
        assert not world.opened
        await world.pass_time(20)
        await world.until_messages(1)
        await until(lambda: _is_well(world, remote))
        _, oldest = await world.remotes.runs(remote)
        assert oldest.outcome == "interrupted"

    play(tmp_path, test)


def test_progress_is_written_at_most_so_often(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.go.clear()
        remote = await world.add()
        world.work()
        await until(lambda: world.running == 1)
        await world.settled()
        (row,) = await world.remotes.runs(remote)
        assert row.progress == "{}"
        await world.box.clock.advance(2)
        await world.settled()
        (row,) = await world.remotes.runs(remote)
        assert msgspec.json.decode(row.progress, type=Progress).phase == "listing"
        updated = row.updated_at
        await world.box.clock.advance(2)
        await world.settled()
        (row,) = await world.remotes.runs(remote)
        assert row.updated_at == updated, "nothing has changed"

    play(tmp_path, test)


# By hand


def test_by_hand_with_the_same_lease(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.go.clear()
        remote = await world.add()
        world.work()
        await until(lambda: world.running == 1)
        with pytest.raises(NotAllowed, match="Another process"):
            await run_once(world.parts, remote, Way(started_by="hand"), Progress())
        world.go.set()
        await world.until_messages(1)

    play(tmp_path, test)


def test_brought_over_once_without_a_stored_password(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add(once=True)
        world.work()
        watched: list[str] = []
        way = Way(
            started_by="hand",
            sign_in=SIGN_IN,
            watch=lambda progress: watched.append(progress.phase),
        )
        progress = Progress()
        outcome = await run_once(world.parts, remote, way, progress)
        assert (outcome.complete, progress.brought) == (True, 1)
        assert watched
        assert (await world.see(remote)).state is RemoteState.DONE
        progress = Progress()
        await run_once(world.parts, remote, way, progress)
        assert (progress.brought, progress.already) == (0, 1)
        world.trouble["alice"] = SourceFailure("cut", "It was cut.")
        with pytest.raises(SourceFailure):
            await run_once(world.parts, remote, way, Progress())
        seen = await world.see(remote)
        assert (seen.state, seen.due_at, seen.why) == (RemoteState.DONE, None, "It was cut.")
        assert [one.started_by for one in await world.remotes.runs(remote)] == ["hand"] * 2
        await world.pass_time(100_000)
        assert world.opened["alice"] == 3, "the worker leaves it alone"

    play(tmp_path, test)


def test_by_hand_it_stops_when_it_is_removed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.go.clear()
        remote = await world.add(once=True)
        way = Way(started_by="hand", sign_in=SIGN_IN)
        running = asyncio.ensure_future(run_once(world.parts, remote, way, Progress()))
        await until(lambda: world.running == 1)
        await world.settled()
        await world.remotes.remove(remote)
        with pytest.raises(Stopped):
            await running
        assert world.sources[0].closed

    play(tmp_path, test)


def test_by_hand_it_can_be_broken_off(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.go.clear()
        remote = await world.add(once=True)
        way = Way(started_by="hand", sign_in=SIGN_IN)
        running = asyncio.ensure_future(run_once(world.parts, remote, way, Progress()))
        await until(lambda: world.running == 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert world.sources[0].closed
        assert not (await world.see(remote)).is_running
        (row,) = await world.remotes.runs(remote)
        assert row.outcome == "stopped"
        world.go.set()
        assert (await run_once(world.parts, remote, way, Progress())).complete

    play(tmp_path, test)
