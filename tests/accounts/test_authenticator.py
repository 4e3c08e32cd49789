"""Signing in through a real store: every mechanism, app passwords, changes, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.exchange import Exchange
from pillarbox.accounts.identity import Identity, SignedIn
from pillarbox.accounts.scope import Scope
from pillarbox.clock import unix_seconds
from pillarbox.config.auth import AuthSettings
from pillarbox.errors import AppPasswordNeeded, AuthenticationFailed, BadName, NotFound
from pillarbox.net.secret import Secret
from pillarbox.sasl.errors import MalformedResponse, UnknownMechanism
from pillarbox.sasl.mechanism import Challenge
from pillarbox.store.sql import credentials, second_factors
from pillarbox.telemetry.log import JsonLines
from pillarbox.telemetry.metrics import SIGN_INS
from support.fake_clock import FakeClock
from support.people import ALICE_PASSWORD, QUICK, People, people
from support.scram_client import ScramClient

PEER = "192.0.2.7"


def with_people(tmp_path: Path, test: Callable[[People], Awaitable[None]]) -> None:
    async def run() -> None:
        async with people(tmp_path) as found:
            await test(found)

    asyncio.run(run())


async def check(
    found: People, username: str, password: str, scope: Scope = Scope.IMAP, peer: str = PEER
) -> Identity:
    return await found.authenticator.check_password(
        username, Secret(password), scope=scope, peer=peer
    )


async def scram(
    found: People,
    client: ScramClient,
    mechanism: str = "SCRAM-SHA-256",
    bindings: dict[str, bytes] | None = None,
    scope: Scope = Scope.IMAP,
) -> Identity:
    """A whole exchange, mutual authentication included."""
    exchange = found.authenticator.begin(
        mechanism, scope=scope, peer=PEER, secure=True, bindings=bindings
    )
    first = await exchange.step(client.first())
    assert isinstance(first, Challenge)
    final = await exchange.step(client.final(first.octets))
    assert isinstance(final, Challenge)
    client.check(final.octets)
    done = await exchange.step(b"")
    assert isinstance(done, SignedIn)
    return done.identity


@pytest.mark.parametrize(
    "username",
    ["alice@example.org", "ALICE@Example.ORG", " alice@example.org.", "Alice@EXAMPLE.org"],
)
def test_right_password(tmp_path: Path, username: str) -> None:
    async def test(found: People) -> None:
        expected = Identity(found.alice.id, "alice@example.org", "password")
        assert await check(found, username, ALICE_PASSWORD) == expected
        assert await check(found, username, ALICE_PASSWORD) == expected  # from the cache

    with_people(tmp_path, test)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice@example.org", "wrong"),
        ("alice@example.org", ""),
        ("alice@example.org", ALICE_PASSWORD.upper()),
        ("alice@example.org", ALICE_PASSWORD + "x" * 2000),
        ("alice@example.org", "\x00"),
        ("nobody@example.org", ALICE_PASSWORD),
        ("alice", ALICE_PASSWORD),
        ("", ""),
        ("@", "x"),
        ("a" * 5000, "x"),
    ],
)
def test_one_answer_for_all_that_is_wrong(tmp_path: Path, username: str, password: str) -> None:
    async def test(found: People) -> None:
        with pytest.raises(AuthenticationFailed) as caught:
            await check(found, username, password)
        assert str(caught.value) == AuthenticationFailed.sentence

    with_people(tmp_path, test)


def test_plain_and_login_exchanges(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        plain = found.authenticator.begin("plain", scope=Scope.SMTP, peer=PEER, secure=True)
        done = await plain.step(b"\0alice@example.org\0" + ALICE_PASSWORD.encode())
        assert isinstance(done, SignedIn)
        login = found.authenticator.begin("LOGIN", scope=Scope.SMTP, peer=PEER, secure=True)
        assert await login.step(None) == Challenge(b"Username:")
        assert await login.step(b"alice@example.org") == Challenge(b"Password:")
        assert await login.step(ALICE_PASSWORD.encode()) == done
        again = found.authenticator.begin("PLAIN", scope=Scope.SMTP, peer=PEER, secure=True)
        with pytest.raises(MalformedResponse):
            await again.step(b"no separators")

    with_people(tmp_path, test)


@pytest.mark.parametrize(
    ("authorization", "allowed"),
    [
        ("", True),
        ("alice@example.org", True),
        ("ALICE@example.org", True),
        ("bob@example.org", False),
    ],
)
def test_nobody_acts_for_another(tmp_path: Path, authorization: str, allowed: bool) -> None:
    async def test(found: People) -> None:
        exchange = found.authenticator.begin("PLAIN", scope=Scope.IMAP, peer=PEER, secure=True)
        response = f"{authorization}\0alice@example.org\0{ALICE_PASSWORD}".encode()
        if allowed:
            assert isinstance(await exchange.step(response), SignedIn)
        else:
            with pytest.raises(AuthenticationFailed):
                await exchange.step(response)

    with_people(tmp_path, test)


def test_what_is_offered(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        offered = found.authenticator.mechanisms
        scram_names = ("SCRAM-SHA-256", "SCRAM-SHA-1")
        assert offered(secure=False, binding=False) == scram_names
        assert offered(secure=True, binding=False) == (*scram_names, "PLAIN", "LOGIN")
        assert offered(secure=True, binding=True)[:2] == ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS")
        for name in ("PLAIN", "LOGIN", "SCRAM-SHA-256-PLUS", "CRAM-MD5", ""):
            with pytest.raises(UnknownMechanism):
                found.authenticator.begin(name, scope=Scope.IMAP, peer=PEER, secure=False)

    with_people(tmp_path, test)


@pytest.mark.parametrize(
    ("mechanism", "hash_name", "gs2", "bindings"),
    [
        ("SCRAM-SHA-256", "sha256", "n,,", {}),
        ("SCRAM-SHA-1", "sha1", "n,,", {}),
        ("SCRAM-SHA-256-PLUS", "sha256", "p=tls-exporter,,", {"tls-exporter": b"shared"}),
        ("SCRAM-SHA-1-PLUS", "sha1", "p=tls-exporter,,", {"tls-exporter": b"shared"}),
    ],
)
def test_scram(
    tmp_path: Path, mechanism: str, hash_name: str, gs2: str, bindings: dict[str, bytes]
) -> None:
    async def test(found: People) -> None:
        client = ScramClient(
            "alice@example.org",
            ALICE_PASSWORD,
            hash_name,
            gs2=gs2,
            binding=bindings.get("tls-exporter", b""),
        )
        identity = await scram(found, client, mechanism, bindings)
        assert identity == Identity(found.alice.id, "alice@example.org", "password")
        with pytest.raises(AuthenticationFailed):
            wrong = ScramClient("alice@example.org", "wrong", hash_name, gs2=gs2, binding=b"shared")
            await scram(found, wrong, mechanism, bindings)

    with_people(tmp_path, test)


def test_scram_tells_no_unknown_name_by_its_iterations(tmp_path: Path) -> None:
    """`scram_iterations` was changed: old accounts keep theirs, and so do some unknown names."""

    async def test(found: People) -> None:
        newer = msgspec.structs.replace(QUICK, scram_iterations=5000)
        admin = AccountAdmin(found.store, newer)
        await admin.create_account("carol@example.org", Secret("carol's pass phrase"))
        await admin.create_account("dave@example.org", Secret("dave's pass phrase"))
        admin.close()
        later = Authenticator(found.store, newer, found.clock, Secret(b"k" * 32))

        async def iterations(username: str) -> str:
            exchange = later.begin("SCRAM-SHA-256", scope=Scope.IMAP, peer=PEER, secure=True)
            first = await exchange.step(ScramClient(username, "x").first())
            assert isinstance(first, Challenge)
            return first.octets.decode().rpartition(",i=")[2]

        assert await iterations("alice@example.org") == "4096"
        assert await iterations("dave@example.org") == "5000"
        unknown = [await iterations(f"nobody{n}@example.org") for n in range(40)]
        assert set(unknown) == {"4096", "5000"}
        assert unknown == [await iterations(f"nobody{n}@example.org") for n in range(40)]
        later.close()

    with_people(tmp_path, test)


def test_scram_says_the_same_salt_for_unknown_names(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        async def server_first(username: str) -> list[str]:
            exchange = found.authenticator.begin(
                "SCRAM-SHA-256", scope=Scope.IMAP, peer=PEER, secure=True
            )
            first = await exchange.step(ScramClient(username, "x").first())
            assert isinstance(first, Challenge)
            return first.octets.decode().split(",")[1:]

        unknown = await server_first("nobody@example.org")
        assert unknown == await server_first("nobody@example.org")
        assert unknown != await server_first("noone@example.org")
        known = await server_first("alice@example.org")
        assert len(known[0]) == len(unknown[0])
        assert known[1] == unknown[1]
        with pytest.raises(AuthenticationFailed):
            await scram(found, ScramClient("nobody@example.org", "x"))

    with_people(tmp_path, test)


def test_app_passwords(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        clock = found.clock
        assert isinstance(clock, FakeClock)
        expires = unix_seconds(clock.now()) + 3600
        number, secret = await found.admin.add_app_password(
            "alice@example.org", "phone", scopes=frozenset({Scope.IMAP}), expires_at=expires
        )
        text = secret.reveal().decode()
        for typed in (text, text.upper(), text.replace("-", ""), text.replace("-", " ")):
            identity = await check(found, "alice@example.org", typed)
            assert identity == Identity(found.alice.id, "alice@example.org", f"app:{number}")
        assert (await scram(found, ScramClient("alice@example.org", text))) == identity
        with pytest.raises(AuthenticationFailed):
            await check(found, "alice@example.org", text, Scope.SMTP)
        with pytest.raises(AuthenticationFailed):
            await check(found, "bob@example.org", text)
        with pytest.raises(AuthenticationFailed):
            await scram(found, ScramClient("alice@example.org", text), scope=Scope.POP3)
        await check(found, "alice@example.org", ALICE_PASSWORD, Scope.SMTP)
        await clock.advance(3600)
        with pytest.raises(AuthenticationFailed):
            await check(found, "alice@example.org", text)
        await found.admin.remove_app_password("alice@example.org", number)
        with pytest.raises(NotFound):
            await found.admin.remove_app_password("alice@example.org", number)

    with_people(tmp_path, test)


def test_last_use_is_written_now_and_then(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        clock = found.clock
        assert isinstance(clock, FakeClock)
        _, secret = await found.admin.add_app_password("alice@example.org", "phone")

        async def last_used() -> int | None:
            await check(found, "alice@example.org", secret.reveal().decode())
            rows = await found.store.read(lambda db: credentials.app_passwords(db, found.alice.id))
            return rows[0].last_used_at

        first = await last_used()
        assert first == unix_seconds(clock.now())
        await clock.advance(60)
        assert await last_used() == first
        await clock.advance(30 * 60)
        assert await last_used() == unix_seconds(clock.now())

    with_people(tmp_path, test)


def test_a_changed_password_holds_at_once(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        await check(found, "alice@example.org", ALICE_PASSWORD)  # fills the cache
        number, secret = await found.admin.add_app_password("alice@example.org", "phone")
        assert [row.name for row in await found.admin.app_passwords("alice@example.org")] == [
            "phone"
        ]
        await found.admin.set_password("alice@example.org", Secret("another phrase"))
        with pytest.raises(AuthenticationFailed):
            await check(found, "alice@example.org", ALICE_PASSWORD)
        await check(found, "alice@example.org", "another phrase")
        await scram(found, ScramClient("alice@example.org", "another phrase"))
        app = ScramClient("alice@example.org", secret.reveal().decode())
        assert (await scram(found, app)).credential == f"app:{number}"

    with_people(tmp_path, test)


def test_a_disabled_account_is_like_none(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        await check(found, "alice@example.org", ALICE_PASSWORD)
        await found.admin.set_enabled("alice@example.org", False)
        with pytest.raises(AuthenticationFailed):
            await check(found, "alice@example.org", ALICE_PASSWORD)
        with pytest.raises(AuthenticationFailed):
            await scram(found, ScramClient("alice@example.org", ALICE_PASSWORD))

    with_people(tmp_path, test)


@pytest.mark.parametrize("password", ["short", "with\x07bell", "x" * 2000])
def test_passwords_that_cannot_be(tmp_path: Path, password: str) -> None:
    async def test(found: People) -> None:
        with pytest.raises(BadName):
            await found.admin.set_password("alice@example.org", Secret(password))

    with_people(tmp_path, test)


def test_the_longest_password(tmp_path: Path) -> None:
    """Counted in octets; the longest works, one octet more is neither set nor looked at."""
    longest = AuthSettings().longest_password
    fits, over = "é" * (longest // 2), "é" * (longest // 2) + "x"

    async def test(found: People) -> None:
        await found.admin.set_password("alice@example.org", Secret(fits))
        await check(found, "alice@example.org", fits)
        with pytest.raises(BadName):
            await found.admin.set_password("alice@example.org", Secret(over))
        with pytest.raises(AuthenticationFailed):
            await check(found, "alice@example.org", over)

    with_people(tmp_path, test)


def test_the_longest_scram_message(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        for over in (0, 1):
            first = b"n,,n=alice,r=".ljust(AuthSettings().longest_exchange_line + over, b"r")
            exchange = found.authenticator.begin(
                "SCRAM-SHA-256", scope=Scope.IMAP, peer=PEER, secure=True
            )
            if over:
                with pytest.raises(MalformedResponse):
                    await exchange.step(first)
            else:
                assert isinstance(await exchange.step(first), Challenge)

    with_people(tmp_path, test)


def test_old_hashes_are_brought_to_new_costs(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        import argon2

        old = argon2.PasswordHasher(1, 32, 1).hash(ALICE_PASSWORD)
        await found.store.write(lambda tx: credentials.set_password(tx, found.alice.id, old, b""))
        await check(found, "alice@example.org", ALICE_PASSWORD)
        row = await found.store.read(lambda db: credentials.password(db, found.alice.id))
        assert row is not None
        assert "m=64," in row.argon2
        await scram(found, ScramClient("alice@example.org", ALICE_PASSWORD))  # keys were added
        await check(found, "alice@example.org", ALICE_PASSWORD)

    with_people(tmp_path, test)


def test_every_attempt_is_counted_and_logged_without_what_was_typed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(found: People) -> None:
        def begin() -> Exchange:
            return found.authenticator.begin(
                "PLAIN", scope=Scope.IMAP, peer=PEER, secure=True, journey="j1"
            )

        await begin().check_password("alice@example.org", Secret(ALICE_PASSWORD))
        with pytest.raises(AuthenticationFailed):
            await begin().check_password("typed by mistake", Secret("wrong"))
        with pytest.raises(MalformedResponse):
            await begin().step(b"typed by mistake")

    def count(outcome: str) -> float:
        counter = SIGN_INS.labels("imap", "PLAIN", outcome)
        return sum(sample.value for metric in counter.collect() for sample in metric.samples[:1])

    outcomes = ("ok", "failed", "error")
    before = [count(outcome) for outcome in outcomes]
    with caplog.at_level("INFO", "pillarbox.accounts"):
        with_people(tmp_path, test)
    assert [count(outcome) - was for outcome, was in zip(outcomes, before, strict=True)] == [1] * 3
    told = [JsonLines().format(record) for record in caplog.records]
    assert [msgspec.json.decode(line)["event"] for line in told] == [
        "accounts.signed_in", "accounts.sign_in_failed", "accounts.sign_in_failed",
    ]  # fmt: skip
    assert all('"journey":"j1"' in line and PEER in line for line in told)
    assert not any("mistake" in line or "wrong" in line or ALICE_PASSWORD in line for line in told)


def test_where_a_second_step_is_on_only_app_passwords_prove_anything(tmp_path: Path) -> None:
    async def test(found: People) -> None:
        _, app_password = await found.admin.add_app_password("alice@example.org", "phone")
        await found.store.write(lambda tx: second_factors.require(tx, found.alice.id, True))

        def client(password: str) -> ScramClient:
            return ScramClient("alice@example.org", password, "sha256")

        with pytest.raises(AppPasswordNeeded):
            await scram(found, client(ALICE_PASSWORD))
        with pytest.raises(AuthenticationFailed) as caught:
            await scram(found, client("wrong"))
        assert type(caught.value) is AuthenticationFailed
        text = app_password.reveal().decode()
        assert (await scram(found, client(text))).credential == "app:1"
        with pytest.raises(AppPasswordNeeded):
            await check(found, "alice@example.org", ALICE_PASSWORD)
        assert (await check(found, "alice@example.org", text)).credential == "app:1"

    with_people(tmp_path, test)
