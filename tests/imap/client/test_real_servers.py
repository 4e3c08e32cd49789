"""The client against Debian's Dovecot and against our own server, over TLS, compressed and not."""

from __future__ import annotations

import asyncio
import imaplib
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Literal

import pytest

from pillarbox.clock import SystemClock
from pillarbox.config.imap_client import ImapClientLimits
from pillarbox.imap.client.appending import OutgoingMessage
from pillarbox.imap.client.connection import ImapCaller, ImapConnection
from pillarbox.imap.client.failure import ImapFailure
from pillarbox.imap.client.messages import SetEnd
from pillarbox.imap.client.responses import Fetched, ServerLiteral
from pillarbox.net.outgoing.peer_tls import verified, verifying_context
from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials, PlainClient
from support.certificate import write_certificate
from support.pillarbox_server import running_pillarbox
from support.reference_dovecot import DovecotSettings, add_user, missing_dovecot, running_dovecot
from support.server import DOMAIN, PASSWORD, free_ports

Tls = Literal["implicit", "starttls", "none"]
LIMITS = ImapClientLimits(fetch_messages=10, held_literal_octets=8192, fetches_in_flight=3)
LOGINS = [f"user{number}@{DOMAIN}" for number in range(12)]


class There:
    """A server, and fresh accounts on it."""

    def __init__(self, imap: int, imaps: int, certificate: Path) -> None:
        self.imap = imap
        self.imaps = imaps
        self.certificate = certificate
        self._logins = iter(LOGINS)
        self.login = ""

    def fresh(self) -> None:
        self.login = next(self._logins)

    async def connect(self, tls: Tls = "none", *, sign_in: bool = True) -> ImapConnection:
        caller = ImapCaller(clock=SystemClock(), limits=LIMITS)
        verifier = verified(verifying_context(self.certificate), "localhost")
        if tls == "implicit":
            connection = await ImapConnection.open(
                caller, "127.0.0.1", self.imaps, implicit_tls=verifier
            )
        else:
            connection = await ImapConnection.open(caller, "127.0.0.1", self.imap)
        if tls == "starttls":
            await connection.start_tls(verifier)
        if sign_in:
            who = Credentials(self.login, Secret(PASSWORD))
            await connection.authenticate(who, in_the_clear=tls == "none")
        return connection

    def outside(self) -> imaplib.IMAP4:
        """The standard library's client, which shares nothing with ours."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        client = imaplib.IMAP4_SSL("localhost", self.imaps, ssl_context=context)
        client.login(self.login, PASSWORD)
        return client


@pytest.fixture(scope="module", params=["dovecot", "pillarbox"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[There]:
    if request.param == "pillarbox":
        folder = tmp_path_factory.mktemp("pillarbox")
        with running_pillarbox(folder, workers=1, accounts=len(LOGINS)) as ours:
            yield There(ours.ports.imap, ours.ports.imaps, ours.certificate)
        return
    if why := missing_dovecot():
        pytest.skip(why)
    imap, imaps, pop3, pop3s, lmtp = free_ports(5)
    # Not pytest's own folder: it is closed to others, and Dovecot runs as other users.
    with tempfile.TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        certificate = write_certificate(folder)
        for login in LOGINS:
            add_user(folder / "dovecot", login, "{PLAIN}" + PASSWORD)
        settings = DovecotSettings(imap, imaps, pop3, pop3s, lmtp, fsync="never")
        with running_dovecot(folder / "dovecot", settings, certificate):
            yield There(imap, imaps, certificate[0])


@pytest.fixture
def there(server: There) -> There:
    server.fresh()
    return server


class Content:
    """A message in memory, sent in pieces."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.size = len(octets)

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, self.size, 5000):
            yield self.octets[start : start + 5000]


def message(number: int, octets: int = 300) -> bytes:
    head = f"Subject: {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n".encode()
    line = f"line {number} ) OK {{5}}\r\n".encode()
    return head + line * max(octets // len(line), 1)


class Held:
    """A sink in memory."""

    def __init__(self) -> None:
        self.octets = b""

    def write(self, chunk: bytes) -> None:
        self.octets += chunk

    def discard(self) -> None:
        self.octets = b""


async def bodies(connection: ImapConnection, sets: list[bytes]) -> dict[int, bytes]:
    found = {}
    stream = connection.fetch(sets, b"(UID BODY.PEEK[])", divert=lambda line, size: Held())
    async with aclosing(stream):
        async for one in stream:
            if isinstance(one, SetEnd):
                assert one.condition.kind == "OK"
            elif isinstance(one.body, ServerLiteral):
                sink = one.body.sink
                found[one.uid] = sink.octets if isinstance(sink, Held) else one.body.octets
    return found


@pytest.mark.parametrize("tls", ["implicit", "starttls", "none"])
@pytest.mark.parametrize("compressed", [False, True])
def test_there_and_back(there: There, tls: Tls, compressed: bool) -> None:
    """Sixty messages of all sizes, one of them two MiB, stored by us and read by two clients."""

    async def run() -> dict[int, bytes]:
        connection = await there.connect(tls)
        if compressed:
            assert await connection.compress()
        sent = [message(n, 2_000_000 if n == 30 else n * 700) for n in range(60)]
        stored: list[int] = []
        for start in range(0, 60, 20):
            done = await connection.append(
                b"INBOX",
                [
                    OutgoingMessage(Content(octets), ("\\Seen", "kept"), 1_000_000_000 + start)
                    for octets in sent[start : start + 20]
                ],
            )
            stored += done.uids
        assert len(stored) == 60
        selected = await connection.examine(b"INBOX", condstore=True)
        assert (selected.exists, selected.read_only) == (60, True)
        sets = [b"%d:%d" % (stored[n], stored[n + 9]) for n in range(0, 60, 10)]
        found = await bodies(connection, sets)
        assert found == dict(zip(stored, sent, strict=True))
        rows = [
            one
            async for one in connection.fetch([b"1:*"], b"(UID FLAGS INTERNALDATE RFC822.SIZE)")
            if isinstance(one, Fetched)
        ]
        assert [one.size for one in rows] == list(map(len, sent))
        assert {one.received_at for one in rows} == {10**9, 10**9 + 20, 10**9 + 40}
        assert all({b"\\Seen", b"kept"} <= set((one.flags or b"").split()) for one in rows)
        await connection.logout()
        return found

    found = asyncio.run(run())
    client = there.outside()
    client.select("INBOX", readonly=True)
    for uid in list(found)[::7]:
        _, answer = client.uid("FETCH", str(uid), "(BODY.PEEK[])")
        assert isinstance(answer[0], tuple)
        assert answer[0][1] == found[uid]
    client.logout()


def test_odd_names_subscriptions_and_special_uses(there: There) -> None:
    async def run() -> None:
        connection = await there.connect()
        names = [b"a b", b'qu"ote', b"Entw&APw-rfe", b"&2D3egA-", b"deep/er/still", b"am&-per"]
        for name in names:
            assert await connection.create(name)
            assert not await connection.create(name)
        await connection.subscribe(b"a b")
        found = {one.levels: one for one in await connection.list()}
        for levels in (
            ("INBOX",), ("a b",), ('qu"ote',), ("Entwürfe",), ("🚀",), ("deep", "er", "still"),
            ("am&per",), ("Sent",),
        ):  # fmt: skip
            assert levels in found
        assert found["a b",].subscribed
        assert not found['qu"ote',].subscribed
        assert "\\sent" in found["Sent",].attributes
        assert found["a b",].status["MESSAGES"] == 0
        for one in found.values():
            if one.selectable:
                assert (await connection.select(one.name)).uid_validity
                assert await connection.status(one.name) == {"MESSAGES": 0}
        with pytest.raises(ImapFailure) as caught:
            await connection.select(b"not there")
        assert caught.value.answer == "NO"
        space = await connection.namespace()
        assert space is not None
        assert space.personal[0].delimiter == "/"
        assert await connection.id({"name": "test"})
        await connection.logout()

    asyncio.run(run())


def test_flags_moves_and_removals(there: There) -> None:
    async def run() -> None:
        connection = await there.connect()
        sent = [OutgoingMessage(Content(message(n))) for n in range(6)]
        uids = list((await connection.append(b"INBOX", sent)).uids)
        await connection.create(b"There")
        selected = await connection.select(b"INBOX", condstore=True)
        before = selected.highest_modseq
        assert before
        assert await connection.store(uids[:2], b"+FLAGS", ["\\Seen", "$new"]) == (uids[:2], [])
        done, left = await connection.store(
            uids[:3], b"+FLAGS", ["\\Flagged"], unchanged_since=before
        )
        assert (done, left) == ([uids[2]], uids[:2])
        assert await connection.search(b"KEYWORD $new") == uids[:2]
        changed = [
            one.uid
            async for one in connection.fetch(
                [b"1:*"], b"(UID FLAGS)", modifiers=b" (CHANGEDSINCE %d)" % before
            )
            if isinstance(one, Fetched)
        ]
        assert sorted(changed) == uids[:3]
        moved = await connection.move(uids[:2], b"There")
        assert sorted(moved.uids) == uids[:2]
        copied = await connection.copy([uids[2]], b"There")
        assert list(copied.uids) == [uids[2]]
        await connection.store(uids[3:5], b"+FLAGS", ["\\Deleted"])
        await connection.expunge([uids[3]])
        assert await connection.search(b"ALL") == [uids[2], uids[4], uids[5]]
        assert await connection.status(b"There") == {"MESSAGES": 3}
        assert await bodies(connection, [b"%d" % uids[0], b"%d" % uids[5]]) == {uids[5]: message(5)}
        await connection.logout()

    asyncio.run(run())


def test_news_while_idling(there: There) -> None:
    async def run() -> None:
        listening, other = await there.connect("implicit"), await there.connect()
        selected = await listening.select(b"INBOX")
        assert not await listening.idle(0.3)
        waiting = asyncio.create_task(listening.idle(30))
        await asyncio.sleep(0.1)
        await other.append(b"INBOX", [OutgoingMessage(Content(message(1)))])
        assert await waiting
        assert selected.exists == 1
        await listening.noop()
        await listening.logout()
        await other.logout()

    asyncio.run(run())


def test_wrong_passwords_and_wrong_names(there: There) -> None:
    async def run() -> None:
        connection = await there.connect("starttls", sign_in=False)
        with pytest.raises(ImapFailure) as caught:
            await connection.authenticate(Credentials(there.login, Secret("wrong")))
        assert caught.value.stage in ("auth", "mechanism")
        assert not connection.is_usable

        connection = await there.connect("implicit", sign_in=False)
        await connection.authenticate(PlainClient(Credentials(there.login, Secret(PASSWORD))))
        await connection.logout()

        caller = ImapCaller(clock=SystemClock())
        verifier = verified(verifying_context(there.certificate), "other.example.org")
        with pytest.raises(ImapFailure) as caught:
            await ImapConnection.open(caller, "127.0.0.1", there.imaps, implicit_tls=verifier)
        assert caught.value.tls_trouble == "certificate-host-mismatch"

    asyncio.run(run())
