"""Passwords through the authenticator: what is hashed, what is turned away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from pillarbox.accounts.scope import Scope
from pillarbox.clock import SystemClock
from pillarbox.errors import AuthenticationFailed, PillarboxError, Throttled, Unavailable
from pillarbox.net.secret import Secret
from support.fake_clock import FakeClock
from support.people import ALICE_PASSWORD, QUICK, People, people
from support.scram_client import ScramClient

ALICE = "alice@example.org"
PEER = "192.0.2.7"


async def outcome(found: People, username: str, password: str, peer: str = PEER) -> str:
    try:
        await found.authenticator.check_password(
            username, Secret(password), scope=Scope.IMAP, peer=peer
        )
    except PillarboxError as error:
        return type(error).__name__
    return "ok"


def count_hashes(found: People, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each argon2id run that the authenticator makes from now on."""
    runs: list[str] = []
    hasher = found.authenticator._hasher
    verify, spend = hasher.verify, hasher.spend

    async def counted_verify(stored: str, prepared: bytes) -> bool:
        runs.append("verify")
        return await verify(stored, prepared)

    async def counted_spend() -> None:
        runs.append("spend")
        await spend()

    monkeypatch.setattr(hasher, "verify", counted_verify)
    monkeypatch.setattr(hasher, "spend", counted_spend)
    return runs


def test_warm_sign_ins_hash_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with people(tmp_path) as found:
            runs = count_hashes(found, monkeypatch)
            for _ in range(50):
                assert await outcome(found, ALICE, ALICE_PASSWORD) == "ok"
            assert runs == ["verify"]
            assert isinstance(found.clock, FakeClock)
            await found.clock.advance(QUICK.success_cache_seconds + 1)
            assert await outcome(found, ALICE, ALICE_PASSWORD) == "ok"
            assert runs == ["verify"] * 2

    asyncio.run(run())


def test_unknown_names_cost_a_hash_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And both are turned away without one when the same wrong password comes again."""

    async def run() -> None:
        async with people(tmp_path) as found:
            runs = count_hashes(found, monkeypatch)
            for name in (ALICE, "nobody@example.org", "x", "nobody@elsewhere.example"):
                for _ in range(3):
                    assert await outcome(found, name, "wrong") == "AuthenticationFailed"
            assert runs == ["verify", "spend", "spend", "spend"]

    asyncio.run(run())


def test_guessing_is_turned_away_and_passes(tmp_path: Path) -> None:
    async def run() -> None:
        async with people(tmp_path) as found:
            clock = found.clock
            assert isinstance(clock, FakeClock)
            for name in (ALICE, "nobody@example.org"):
                guesses = [await outcome(found, name, f"guess {n}") for n in range(20)]
                free = QUICK.throttle.free_failures
                assert guesses == ["AuthenticationFailed"] * (free + 1) + ["Throttled"] * (
                    20 - free - 1
                )
            assert await outcome(found, ALICE, ALICE_PASSWORD) == "Throttled"
            assert await outcome(found, ALICE, ALICE_PASSWORD, "198.51.100.1") == "ok"
            await clock.advance(QUICK.throttle.longest_pause_seconds)
            assert await outcome(found, ALICE, ALICE_PASSWORD) == "ok"

    asyncio.run(run())


def test_scram_is_throttled_alike(tmp_path: Path) -> None:
    async def run() -> None:
        async with people(tmp_path) as found:
            for number in range(QUICK.throttle.free_failures + 1):
                exchange = found.authenticator.begin(
                    "SCRAM-SHA-256", scope=Scope.IMAP, peer=PEER, secure=True
                )
                client = ScramClient(ALICE, f"guess {number}")
                first = await exchange.step(client.first())
                with pytest.raises(AuthenticationFailed):
                    await exchange.step(client.final(first.octets))  # type: ignore[union-attr]
            exchange = found.authenticator.begin(
                "SCRAM-SHA-256", scope=Scope.IMAP, peer=PEER, secure=True
            )
            with pytest.raises(Throttled):
                await exchange.step(ScramClient(ALICE, ALICE_PASSWORD).first())

    asyncio.run(run())


def test_guesses_at_the_same_instant(tmp_path: Path) -> None:
    """Their number does not matter: after the free ones the answers tell nothing."""

    async def run() -> None:
        async with people(tmp_path) as found:
            free = QUICK.throttle.free_failures
            passwords = [f"guess {n}" for n in range(30)] + [ALICE_PASSWORD]
            results = await asyncio.gather(*(outcome(found, ALICE, word) for word in passwords))
            assert results.count("AuthenticationFailed") <= free + 1
            assert "ok" not in results
            exchanges = []
            for number in range(free + 5):
                exchange = found.authenticator.begin(
                    "SCRAM-SHA-256", scope=Scope.IMAP, peer="198.51.100.2", secure=True
                )
                client = ScramClient(ALICE, f"guess {number}")
                first = await exchange.step(client.first())
                exchanges.append((exchange, client.final(first.octets)))  # type: ignore[union-attr]
            answers = []
            for exchange, final in exchanges:
                with pytest.raises((AuthenticationFailed, Throttled)) as caught:
                    await exchange.step(final)
                answers.append(type(caught.value))
            assert answers == [AuthenticationFailed] * (free + 1) + [Throttled] * 4

    asyncio.run(run())


def test_a_flood_of_sign_ins_is_bounded(tmp_path: Path) -> None:
    """More than may wait get a passing failure at once; the owner's cached password still works."""
    settings = msgspec.structs.replace(QUICK, concurrent_verifications=1, waiting_verifications=3)

    async def run() -> None:
        async with people(tmp_path, settings, SystemClock()) as found:
            assert await outcome(found, ALICE, ALICE_PASSWORD) == "ok"
            tasks = [
                asyncio.create_task(outcome(found, f"u{n}@example.org", "x", f"198.51.100.{n}"))
                for n in range(30)
            ]
            await asyncio.sleep(0)
            assert await outcome(found, ALICE, ALICE_PASSWORD) == "ok"
            results = await asyncio.gather(*tasks)
            assert results.count(Unavailable.__name__) == 30 - 4
            assert results.count(AuthenticationFailed.__name__) == 4

    asyncio.run(run())
