"""A conversation with another IMAP server, as those that collect, compare and export hold it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

import msgspec

from pillarbox.clock import Clock
from pillarbox.config.imap_client import ImapClientLimits, ImapClientTimeouts
from pillarbox.imap.client import appending, idling, mailboxes, messages, selecting
from pillarbox.imap.client.appending import Appended, OutgoingMessage
from pillarbox.imap.client.commands import Part, string
from pillarbox.imap.client.dialogue import Dialogue
from pillarbox.imap.client.failure import ImapFailure, nonsense, refusal
from pillarbox.imap.client.frames import Divert, ResponseReader, Unfinished
from pillarbox.imap.client.link import ImapLink, imap_link
from pillarbox.imap.client.mailboxes import MailboxEntry
from pillarbox.imap.client.messages import Copied, SetEnd
from pillarbox.imap.client.responses import Condition, Fetched, Identity, Namespaces, Response
from pillarbox.imap.client.selected import Selected
from pillarbox.imap.client.selecting import Resync
from pillarbox.imap.client.sign_in import sign_in
from pillarbox.net.outgoing.connector import Connector, TcpConnector
from pillarbox.net.outgoing.peer_tls import PeerVerifier, TlsFacts
from pillarbox.sasl.client_mechanism import ClientMechanism, Credentials

_INFLATED = 65_536  # octets that are inflated at a time


class ImapCaller(msgspec.Struct, frozen=True, kw_only=True):
    """What all our connections have in common."""

    clock: Clock
    timeouts: ImapClientTimeouts = ImapClientTimeouts()
    limits: ImapClientLimits = ImapClientLimits()
    connector: Connector = TcpConnector()


class ImapConnection:
    """One connection; made by `open`, then `start_tls`, `authenticate`, and whatever is wanted.

    Everything that waits raises ImapFailure. Where its `ended` is true the connection is over;
    else the server said NO or BAD to this one command. One command at a time: an unfinished
    `fetch` is given up when another command begins.
    """

    def __init__(
        self, caller: ImapCaller, link: ImapLink, dialogue: Dialogue, address: str
    ) -> None:
        """For `open`."""
        self._caller = caller
        self._link = link
        self._dialogue = dialogue
        self.address = address
        self.greeting: Condition | None = None
        self.tls: TlsFacts | None = None

    @classmethod
    async def open(
        cls,
        caller: ImapCaller,
        address: str,
        port: int,
        *,
        source: str = "",
        implicit_tls: PeerVerifier | None = None,
    ) -> ImapConnection:
        """Connect and hear the greeting. `source`: which address of ours to use."""
        timeouts = caller.timeouts
        reader = ResponseReader(caller.limits)
        link = imap_link(caller.clock, reader, timeouts, caller.limits)
        dialogue = Dialogue(link, reader, timeouts, caller.limits)
        connection = cls(caller, link, dialogue, address)
        try:
            await link.connect(
                caller.connector, address, port, source=source, seconds=timeouts.connect_seconds
            )
            if implicit_tls is not None:
                connection.tls = await link.start_tls(implicit_tls, timeouts.tls_seconds)
            await connection._greet()
        except BaseException:
            link.close()
            raise
        return connection

    # What can be asked

    @property
    def capabilities(self) -> frozenset[str]:
        """In upper case, as last heard."""
        return self._dialogue.capabilities

    @property
    def enabled(self) -> frozenset[str]:
        """Extensions that change what the server says."""
        return self._dialogue.enabled

    @property
    def selected(self) -> Selected | None:
        """The open mailbox."""
        return self._dialogue.selected

    @property
    def alerts(self) -> tuple[str, ...]:
        """The last texts that the server wants shown to a person (RFC 9051 §7.1 ALERT)."""
        return tuple(self._dialogue.alerts)

    @property
    def is_preauthenticated(self) -> bool:
        """The server knew us before we said anything."""
        return self.greeting is not None and self.greeting.kind == "PREAUTH"

    @property
    def is_usable(self) -> bool:
        """Whether another command may be tried."""
        return self._link.failure is None

    @property
    def unfinished(self) -> Unfinished | None:
        """The literal that is arriving, or was when the connection broke."""
        return self._dialogue.reader.unfinished

    @property
    def names_are_utf8(self) -> bool:
        """Whether mailbox names are UTF-8 rather than modified UTF-7."""
        return mailboxes.names_are_utf8(self._dialogue)

    @property
    def limits(self) -> ImapClientLimits:
        """How much is asked for at a time."""
        return self._caller.limits

    @property
    def timeouts(self) -> ImapClientTimeouts:
        """How long is waited."""
        return self._caller.timeouts

    # Beginning and end

    async def start_tls(self, verifier: PeerVerifier) -> TlsFacts:
        """STARTTLS and the handshake; what was said before counts no more (RFC 9051 §6.2.1)."""
        if "STARTTLS" not in self.capabilities or self.is_preauthenticated:
            # After PREAUTH it cannot be said any more: an attacker's way to keep it in the clear.
            self.close()
            raise ImapFailure(
                "starttls",
                "The other server does not offer TLS.",
                tls_trouble="starttls-not-supported",
            )
        seconds = self._caller.timeouts.tls_seconds
        try:
            await self._dialogue.run("starttls", b"STARTTLS", seconds=seconds)
            self._dialogue.forget_capabilities()
            self.tls = await self._link.start_tls(verifier, seconds)
            await self._ask_capabilities()
        except BaseException:
            self.close()
            raise
        return self.tls

    async def authenticate(
        self, who: Credentials | ClientMechanism, *, in_the_clear: bool = False
    ) -> None:
        """Sign in with the best mechanism that both know, or with the one given.

        `in_the_clear`: the password may pass though there is no TLS (on loopback).
        """
        plaintext = in_the_clear or self.tls is not None
        self._dialogue.knows_capabilities = False
        try:
            await sign_in(self._dialogue, who, plaintext=plaintext)
            if not self._dialogue.knows_capabilities:
                await self._ask_capabilities()
        except BaseException:
            self.close()
            raise

    async def compress(self) -> bool:
        """COMPRESS=DEFLATE (RFC 4978 §3); False: the server does not offer it."""
        if "COMPRESS=DEFLATE" not in self.capabilities:
            return False
        condition = await self._dialogue.ask("compress", b"COMPRESS DEFLATE")
        if condition.kind != "OK":
            return False
        rest = self._dialogue.reader.take_rest()
        self._link.deflate(self._caller.limits.compress_level, _INFLATED, rest)
        return True

    async def logout(self) -> None:
        """Take leave and close; the answer is awaited for a moment only. Never raises."""
        if self._link.failure is None:
            seconds = self._caller.timeouts.logout_seconds
            try:
                await self._dialogue.ask("logout", b"LOGOUT", seconds=seconds)
            except ImapFailure:
                return
            finally:
                self.close()

    def close(self) -> None:
        """Close without a word."""
        self._dialogue.abandon()
        self._dialogue.reader.stop_diverting()
        self._link.close()

    # About the server

    async def id(self, fields: Mapping[str, str] | None = None) -> dict[str, str | None]:
        """Who it is, after saying who we are (RFC 2971 §3.1); empty where it does not know ID."""
        if "ID" not in self.capabilities:
            return {}
        parts: list[Part] = [b"ID NIL"]
        if fields:
            parts = [b"ID ("]
            for name, value in fields.items():
                before = b"" if len(parts) == 1 else b" "
                parts += [before, string(name.encode()), b" ", string(value.encode())]
            parts.append(b")")
        found: dict[str, str | None] = {}

        def take(response: Response) -> None:
            if isinstance(response, Identity):
                found.update(response.fields)

        await self._dialogue.ask("id", *parts, take=take)
        return found

    async def enable(self, name: str) -> bool:
        """Whether the extension is enabled now."""
        return await selecting.enable(self._dialogue, name)

    async def namespace(self) -> Namespaces | None:
        """None: the server does not say."""
        return await mailboxes.find_namespaces(self._dialogue)

    async def noop(self) -> None:
        """Ask for news."""
        await idling.noop(self._dialogue, self._dialogue.selected)

    # Mailboxes

    async def list(self) -> list[MailboxEntry]:
        """All of them, with special uses, subscriptions, and counts where they cost nothing."""
        return await mailboxes.list_mailboxes(self._dialogue)

    async def status(self, name: bytes, items: bytes = b"MESSAGES") -> dict[str, int]:
        """Numbers of a mailbox that is not open."""
        return await mailboxes.get_status(self._dialogue, name, items)

    async def create(self, name: bytes) -> bool:
        """False: it was there."""
        return await mailboxes.change_mailbox(self._dialogue, b"CREATE", name)

    async def delete(self, name: bytes) -> bool:
        """False: it was not there."""
        return await mailboxes.change_mailbox(self._dialogue, b"DELETE", name)

    async def subscribe(self, name: bytes) -> bool:
        """False: there is no such mailbox."""
        return await mailboxes.change_mailbox(self._dialogue, b"SUBSCRIBE", name)

    async def select(
        self, name: bytes, *, condstore: bool = False, resync: Resync | None = None
    ) -> Selected:
        """Open a mailbox for reading and writing."""
        return await selecting.select(self._dialogue, name, condstore=condstore, resync=resync)

    async def examine(
        self, name: bytes, *, condstore: bool = False, resync: Resync | None = None
    ) -> Selected:
        """Open it for reading only."""
        return await selecting.select(
            self._dialogue, name, read_only=True, condstore=condstore, resync=resync
        )

    # Messages of the open mailbox

    def fetch(
        self,
        sets: Iterable[bytes],
        items: bytes,
        *,
        modifiers: bytes = b"",
        divert: Divert | None = None,
    ) -> AsyncGenerator[Fetched | SetEnd, None]:
        """UID FETCH of each set, several on the way at a time; see `messages.fetch`.

        `items`: `(UID BODY.PEEK[])`; `modifiers`: ` (CHANGEDSINCE 7)`; `divert`: where long
        literals go.
        """
        return messages.fetch(self._dialogue, sets, items, modifiers=modifiers, divert=divert)

    async def search(self, criteria: bytes) -> Sequence[int]:
        """UIDs that fit, ascending."""
        return await messages.search(self._dialogue, criteria)

    async def store(
        self,
        uids: Iterable[int],
        what: bytes,
        flags: Iterable[str],
        *,
        unchanged_since: int | None = None,
    ) -> tuple[Sequence[int], Sequence[int]]:
        """UIDs done, and UIDs left alone since they changed meanwhile; see `messages.store`."""
        return await messages.store(
            self._dialogue, uids, what, flags, unchanged_since=unchanged_since
        )

    async def copy(self, uids: Iterable[int], name: bytes) -> Copied:
        """Copy to another mailbox."""
        return await messages.copy(self._dialogue, uids, name)

    async def move(self, uids: Sequence[int], name: bytes) -> Copied:
        """Move to another mailbox."""
        return await messages.move(self._dialogue, uids, name)

    async def expunge(self, uids: Sequence[int]) -> None:
        r"""Remove those of them that are \Deleted, and no other message."""
        await messages.expunge(self._dialogue, uids)

    async def append(self, name: bytes, outgoing: Sequence[OutgoingMessage]) -> Appended:
        """Store messages in a mailbox."""
        return await appending.append(self._dialogue, name, outgoing)

    async def idle(self, seconds: float) -> bool:
        """Whether the open mailbox changed within `seconds`."""
        selected = self._dialogue.selected
        if selected is None:
            raise ImapFailure("idle", "No folder is open.")
        return await idling.idle(self._dialogue, self._caller.clock, selected, seconds)

    # Small parts

    async def _greet(self) -> None:
        response = await self._dialogue.receive("greeting", self._caller.timeouts.greeting_seconds)
        if not isinstance(response, Condition) or response.kind not in ("OK", "PREAUTH"):
            if isinstance(response, Condition):
                raise refusal("greeting", response)
            raise nonsense("greeting", "What answers there is no IMAP server.")
        self.greeting = response
        if not self._dialogue.knows_capabilities:
            await self._ask_capabilities()

    async def _ask_capabilities(self) -> None:
        await self._dialogue.run("capability", b"CAPABILITY")
