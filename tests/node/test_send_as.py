"""Mail that leaves through another provider's server: signed in as its author, and nobody else."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillarbox.accounts.vault import Vault
from pillarbox.config.collect import CollectSettings
from pillarbox.flow.collect.dial import Dialer
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.settings import (
    BadRemote,
    RemoteSettings,
    SendAs,
    ServerSpec,
    SignIn,
)
from pillarbox.flow.outbound.outcome import Job, Kind
from pillarbox.flow.outbound.sender import OutboundSender, Surroundings
from pillarbox.ids import AccountId, RemoteId
from pillarbox.net.address_policy import AddressPolicy
from pillarbox.net.secret import Secret
from pillarbox.node.remote_lines import SendAsLines
from pillarbox.smtp.client.connection import Caller, SmtpConnection
from pillarbox.store.model import QueuedRecipient
from pillarbox.store.sql import queue_lease
from pillarbox.store.sql.queue_lease import Ask, Turn
from pillarbox.store.sql.send_as import remote_of, route_to
from support.outbound_rig import HOSTNAME, Rig
from support.queue_bench import message, put
from support.scripted_smtp import Script

PROVIDER = ServerSpec("127.0.0.1", 587, "none")
ELSEWHERE = "alice@gmail.example"
TOKEN = base64.b64encode(b"\0alice\0a password").decode()
OFFERS = ("PIPELINING", "8BITMIME", "AUTH PLAIN")


class World:
    """A rig whose sender knows remote accounts, and a provider that follows a script."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.script = Script(offers=OFFERS, answers={"AUTH": "235 2.7.0 welcome"})
        rig.network.listen("127.0.0.1", 587, self.script.connection)
        self.remotes = Remotes(
            rig.box.store, Vault(rig.folder / "data"), rig.clock, CollectSettings()
        )
        self.dialer = Dialer(
            rig.resolver,
            rig.clock,
            policy=AddressPolicy(private=True, ports=()),
            connector=rig.connector,
        )
        around = Surroundings(
            store=rig.box.store,
            resolver=rig.resolver,
            clock=rig.clock,
            hostname=HOSTNAME,
            connector=rig.connector,
            remotes=SendAsLines(self.remotes, self._sign_in, self._dial),
        )
        rig.sender = OutboundSender(rig.outbound, around)

    async def _sign_in(self, remote: Remote) -> SignIn:
        return await self.remotes.sign_in(remote.id)

    async def _dial(
        self, _remote: Remote, server: ServerSpec, sign_in: SignIn, caller: Caller
    ) -> SmtpConnection:
        return await self.dialer.smtp(server, sign_in, caller)

    async def add(self, label: str = "gmail", *addresses: str) -> RemoteId:
        settings = RemoteSettings(
            kind="imap",
            server=ServerSpec("imap.gmail.example", 993),
            login="alice",
            label=label,
            send_as=SendAs(addresses=addresses or (ELSEWHERE,), server=PROVIDER),
        )
        account = self.rig.box.alice.id
        return await self.remotes.add(account, settings, SignIn("alice", Secret("a password")))

    async def job(self, route: str, *to: str, account: AccountId | None = None) -> Job:
        """A message in the queue, leased from the lane of its route."""
        recipients = [QueuedRecipient(one, route=route) for one in to or ("x@y.example",)]
        queued = message(*recipients, sender=ELSEWHERE)  # type: ignore[arg-type]
        owner = account if account is not None else self.rig.box.alice.id
        await put(self.rig.box.store, msgspec.structs.replace(queued, account=owner))
        ask = Turn(worker="w", until=2**40, ask=(Ask(route, 10),))
        turned = await self.rig.box.store.write(lambda tx: queue_lease.turn(tx, ask))
        return Job(turned.leased[0].message, tuple(one.recipient for one in turned.leased))


def play(tmp_path: Path, test: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Rig(tmp_path) as rig:
            await test(World(rig))

    asyncio.run(main())


@pytest.mark.parametrize(
    ("route", "remote"),
    [("remote:7", 7), ("", None), ("remote:", None), ("remote:x", None), ("remote:٣", None),
     ("smarthost", None), ("7", None), ("remote:1" + "0" * 30, None)],
)  # fmt: skip
def test_routes_in_the_queue(route: str, remote: int | None) -> None:
    assert remote_of(route) == remote
    if remote is not None:
        assert route_to(RemoteId(remote)) == route


def test_it_leaves_signed_in_at_the_provider(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        mx = world.rig.peer("y.example", Script())
        route = route_to(await world.add())
        job = await world.job(route, "x@y.example", "bob@example.org")
        outcomes = await world.rig.send_jobs(job, await world.job(route))
        assert [one.kind for one in outcomes] == [Kind.RELAYED] * 3
        assert outcomes[0].remote_mta == "127.0.0.1"
        assert f"AUTH PLAIN {TOKEN}" in world.script.seen
        assert world.script.seen.count(f"MAIL FROM:<{ELSEWHERE}>") == 2, world.script.seen
        assert world.script.seen.count("RCPT TO:<bob@example.org>") == 1
        assert len(world.rig.network.connections) == 1, "one connection serves both"
        assert mx.seen == []

    play(tmp_path, test)


def test_never_for_another_account(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        route = route_to(await world.add())
        bob = await world.rig.box.new_account("bob@example.org")
        for account in (bob.id, AccountId(0)):
            (outcome,) = await world.rig.send_jobs(await world.job(route, account=account))
            assert (outcome.kind, outcome.status) == (Kind.FAILED, "5.7.1")
        (outcome,) = await world.rig.send_jobs(await world.job(route))
        assert outcome.kind is Kind.RELAYED
        (outcome,) = await world.rig.send_jobs(await world.job(route, account=bob.id))
        assert outcome.kind is Kind.FAILED, "alice's connection was given to bob"
        assert len(world.script.messages) == 1

    play(tmp_path, test)


def test_a_remote_account_that_is_gone(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        remote = await world.add()
        await world.remotes.remove(remote)
        (outcome,) = await world.rig.send_jobs(await world.job(route_to(remote)))
        assert (outcome.kind, outcome.status) == (Kind.FAILED, "5.7.1")
        assert world.script.seen == []

    play(tmp_path, test)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ({"answers": {"AUTH": "535 5.7.8 Username and Password not accepted"}}, "4.7.8"),
        ({"greeting": "421 4.7.0 try later"}, "4.4.1"),
        ({"offers": ("PIPELINING",)}, None),
    ],
)
def test_what_fails_is_tried_again(
    tmp_path: Path, script: dict[str, Any], status: str | None
) -> None:
    async def test(world: World) -> None:
        for name, value in script.items():
            setattr(world.script, name, value)
        route = route_to(await world.add())
        (outcome,) = await world.rig.send_jobs(await world.job(route))
        assert outcome.kind is Kind.LATER
        assert status in (outcome.status, None)
        assert "a password" not in outcome.reply
        assert TOKEN not in outcome.reply
        assert world.script.messages == []

    play(tmp_path, test)


def test_a_lost_key_says_so_and_the_mail_waits(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        route = route_to(await world.add())
        (world.rig.folder / "data" / "vault.key").unlink()
        (outcome,) = await world.rig.send_jobs(await world.job(route))
        assert (outcome.kind, outcome.status) == (Kind.LATER, "4.7.8")
        assert "Enter the password again" in outcome.reply

    play(tmp_path, test)


def test_whose_addresses_may_be_given(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.rig.box.store.write(
            lambda tx: tx.run("INSERT INTO domain VALUES ('example.org', 0)")
        )
        with pytest.raises(BadRemote, match="an address of this server"):
            await world.add("own", "boss@EXAMPLE.org")
        remote = await world.add("one", "Alice@Gmail.Example", ELSEWHERE)
        with pytest.raises(Exception, match="Another remote account sends as"):
            await world.add("two")
        settings = (await world.remotes.get(remote)).settings
        await world.remotes.change(remote, msgspec.structs.replace(settings, send_as=None))
        await world.add("two")

    play(tmp_path, test)
