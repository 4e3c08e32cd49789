"""Where addresses lead."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pillarbox.accounts.directory import Directory, LocalTarget, RemoteTarget
from pillarbox.errors import (
    AlreadyExists,
    BadName,
    LimitReached,
    NoSuchAccount,
    NoSuchDomain,
    PillarboxError,
)
from support.people import People, people

ALIASES = {
    "info@example.org": ["alice@example.org"],
    "team@example.org": ["alice@example.org", "bob@example.org", "info@example.org"],
    "out@example.org": ["carol@elsewhere.example", "bob@example.org"],
    "loop@example.org": ["pool@example.org"],
    "pool@example.org": ["loop@example.org"],
    "ring@example.org": ["ring@example.org", "bob@example.org"],
    "dead@example.org": ["nobody@example.org"],
    "tagged@example.org": ["alice+lists@example.org"],
    "@catch.example": ["bob@example.org"],
    "a+b@example.org": ["bob@example.org"],
    "müller@example.org": ["alice@example.org"],
    "info@bücher.example": ["bob@example.org"],
}


async def fill(found: People) -> None:
    await found.admin.add_domain("catch.example")
    await found.admin.add_domain("BÜCHER.example")
    for address, targets in ALIASES.items():
        await found.admin.add_alias(address, targets)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """Runs a coroutine function against one filled store."""
    with asyncio.Runner() as loop:
        context = people(tmp_path_factory.mktemp("directory"))
        found = loop.run(context.__aenter__())
        loop.run(fill(found))
        yield lambda test: loop.run(test(found))
        loop.run(context.__aexit__(None, None, None))


def named(found: People, target: LocalTarget | RemoteTarget) -> str:
    if isinstance(target, RemoteTarget):
        return f"remote {target.address}"
    name = {found.alice.id: "alice", found.bob.id: "bob"}[target.account]
    return f"{name}+{target.detail}" if target.detail else name


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("alice@example.org", ["alice"]),
        ("ALICE@EXAMPLE.ORG", ["alice"]),
        ('"alice"@example.org', ["alice"]),
        ("alice@example.org.", ["alice"]),
        ("alice+work@example.org", ["alice+work"]),
        ("Alice+Work@example.org", ["alice+work"]),
        ("alice+a+b@example.org", ["alice+a+b"]),
        ("info@example.org", ["alice"]),
        ("info+x@example.org", ["alice+x"]),
        ("tagged@example.org", ["alice+lists"]),
        ("tagged+mine@example.org", ["alice+lists"]),
        ("a+b@example.org", ["bob"]),
        ("team@example.org", ["alice", "bob"]),
        ("out@example.org", ["remote carol@elsewhere.example", "bob"]),
        ("ring@example.org", ["bob"]),
        ("anything@catch.example", ["bob"]),
        ("any+thing@catch.example", ["bob"]),
        ("mu\u0308ller@example.org", ["alice"]),
        ("MÜLLER@example.org", ["alice"]),
        ("info@bücher.example", ["bob"]),
        ("info@xn--bcher-kva.example", ["bob"]),
        ("INFO@XN--BCHER-KVA.EXAMPLE", ["bob"]),
        ("info@bu\u0308cher.example", ["bob"]),
        ("postmaster@example.org", ["alice"]),
        ("Postmaster@xn--bcher-kva.example", ["alice"]),
        ("postmaster", ["alice"]),
        ("abuse@example.org", ["alice"]),
        ("postmaster@catch.example", ["bob"]),
    ],
)
def test_leads_to(runner, address: str, expected: list[str]) -> None:  # type: ignore[no-untyped-def]
    async def test(found: People) -> None:
        resolved = await found.directory.resolve(address)
        assert [named(found, target) for target in resolved.targets] == expected

    runner(test)


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("nobody@example.org", NoSuchAccount),
        ("nobody+x@example.org", NoSuchAccount),
        ("+x@example.org", NoSuchAccount),
        ("loop@example.org", NoSuchAccount),
        ("dead@example.org", NoSuchAccount),
        ("@catch.example", NoSuchAccount),
        ("alice@elsewhere.example", NoSuchDomain),
        ("postmaster@elsewhere.example", NoSuchDomain),
        ("alice@[192.0.2.1]", NoSuchDomain),
        ("alice", BadName),
        ("alice@", BadName),
        ("alice@-bad-.example", BadName),
        ("alice@a..b", BadName),
        ("alice@" + "x" * 300, BadName),
        ("alice@exa mple.org", BadName),
        ("x" * 65 + "@example.org", BadName),
    ],
)
def test_leads_nowhere(runner, address: str, error: type[PillarboxError]) -> None:  # type: ignore[no-untyped-def]
    async def test(found: People) -> None:
        with pytest.raises(error):
            await found.directory.resolve(address)

    runner(test)


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("alice@example.org", "alice"),
        ("Alice+news@example.org", "alice"),
        ("info@example.org", "alice"),
        ("anyone@catch.example", "bob"),
        ("info@BÜCHER.example", "bob"),
        ("nobody@example.org", None),
        ("alice@elsewhere.example", None),
        ("not an address", None),
    ],
)
def test_may_send_as(runner, address: str, owner: str | None) -> None:  # type: ignore[no-untyped-def]
    async def test(found: People) -> None:
        for name, account in (("alice", found.alice), ("bob", found.bob)):
            assert await found.directory.may_send_as(account.id, address) is (name == owner)

    runner(test)


def test_served_domains(runner) -> None:  # type: ignore[no-untyped-def]
    async def test(found: People) -> None:
        served = found.directory.is_served
        assert await served("EXAMPLE.org")
        assert await served("bücher.example")
        assert not await served("elsewhere.example")
        assert not await served("..")

    runner(test)


@pytest.mark.parametrize(
    ("address", "targets", "error"),
    [
        ("alice@example.org", ["bob@example.org"], AlreadyExists),
        ("INFO@example.org", ["bob@example.org"], AlreadyExists),
        ("new@elsewhere.example", ["bob@example.org"], NoSuchDomain),
        ("new@example.org", [], BadName),
        ("new@example.org", ["@catch.example"], BadName),
        ("new@example.org", ["nobody"], BadName),
        (".new@example.org", ["bob@example.org"], BadName),
        ("n ew@example.org", ["bob@example.org"], BadName),
    ],
)
def test_aliases_that_cannot_be(  # type: ignore[no-untyped-def]
    runner, address: str, targets: list[str], error: type[PillarboxError]
) -> None:
    async def test(found: People) -> None:
        with pytest.raises(error):
            await found.admin.add_alias(address, targets)

    runner(test)


def test_bounds_on_aliases(tmp_path: Path) -> None:
    async def run() -> None:
        async with people(tmp_path) as found:
            for level in range(12):
                leads_to = f"deep{level + 1}@example.org" if level < 11 else "alice@example.org"
                await found.admin.add_alias(f"deep{level}@example.org", [leads_to])
            assert (await found.directory.resolve("deep5@example.org")).targets
            with pytest.raises(LimitReached):
                await found.directory.resolve("deep0@example.org")
            many = [f"u{n}@elsewhere.example" for n in range(1001)]
            await found.admin.add_alias("many@example.org", many)
            with pytest.raises(LimitReached):
                await found.directory.resolve("many@example.org")

    asyncio.run(run())


def test_configured_postmaster(tmp_path: Path) -> None:
    async def run() -> None:
        async with people(tmp_path) as found:
            directory = Directory(found.store, postmaster="BOB@example.org")
            resolved = await directory.resolve("postmaster@example.org")
            assert [named(found, target) for target in resolved.targets] == ["bob"]

    asyncio.run(run())
