"""A conversation with another server: greeting, TLS, signing in, transactions, farewell."""

from __future__ import annotations

import asyncio
import binascii

import msgspec

from pillarbox.clock import Clock
from pillarbox.config.outbound import ClientLimits, ClientTimeouts
from pillarbox.net.outgoing.connector import Connector, TcpConnector
from pillarbox.net.outgoing.peer_tls import PeerVerifier, TlsFacts
from pillarbox.sasl.client import Credentials, choose_mechanism
from pillarbox.sasl.client_mechanism import ServerNotProved
from pillarbox.sasl.errors import MalformedResponse
from pillarbox.sasl.line import encode_line
from pillarbox.smtp.client.capabilities import Capabilities, parse_capabilities, server_name
from pillarbox.smtp.client.failure import ClientFailure, Stage, refusal
from pillarbox.smtp.client.link import SmtpLink, smtp_link
from pillarbox.smtp.client.sending import Sending
from pillarbox.smtp.client.transaction import OutgoingTransaction, TransactionOutcome
from pillarbox.smtp.wire.reply_reader import PeerReply

_MAX_CHALLENGES = 10  # of one sign-in; SCRAM has three
_NO_SERVICE_AT_ALL = (521, 554)  # RFC 7504, RFC 5321 §3.1: no mail is taken here


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What all our connections have in common."""

    ehlo_name: str
    clock: Clock
    timeouts: ClientTimeouts = ClientTimeouts()
    limits: ClientLimits = ClientLimits()
    connector: Connector = TcpConnector()


class SmtpConnection:
    """One connection; made by `open`, then `start_tls`, `authenticate`, `send` as often as wished.

    All but `send`, `quit` and `close` raise ClientFailure, after which it is closed.
    """

    def __init__(self, caller: Caller, link: SmtpLink, address: str) -> None:
        """For `open`."""
        self._caller = caller
        self._link = link
        self._count = 0
        self._must_reset = False
        self._sending: Sending | None = None
        self.address = address
        self.greeting: PeerReply | None = None
        self.capabilities = Capabilities()
        self.tls: TlsFacts | None = None

    @classmethod
    async def open(
        cls,
        caller: Caller,
        address: str,
        port: int,
        *,
        source: str = "",
        implicit_tls: PeerVerifier | None = None,
    ) -> SmtpConnection:
        """Connect, hear the greeting, say EHLO. `source`: which address of ours to use."""
        timeouts = caller.timeouts
        link = smtp_link(caller.clock, timeouts, caller.limits)
        connection = cls(caller, link, address)
        try:
            await link.connect(
                caller.connector, address, port, source=source, seconds=timeouts.connect_seconds
            )
            if implicit_tls is not None:
                connection.tls = await link.start_tls(implicit_tls, timeouts.tls_seconds)
            connection.greeting = await link.receive("greeting", timeouts.greeting_seconds)
            if connection.greeting.code != 220:
                raise refusal("greeting", connection.greeting)
            await connection._hello()
        except BaseException:
            link.close()
            raise
        return connection

    # What can be asked

    @property
    def server_name(self) -> str:
        """The name by which the server calls itself."""
        greeting = server_name(self.greeting) if self.greeting is not None else ""
        return self.capabilities.name or greeting

    @property
    def own_address(self) -> str:
        """The address on our side; "" where it is not known."""
        return self._link.own_address

    @property
    def is_usable(self) -> bool:
        """Whether another transaction may begin (RFC 9422 §4.1: MAILMAX)."""
        most = self._caller.limits.max_transactions
        if self.capabilities.mail_max:
            most = min(most, self.capabilities.mail_max)
        return self._count < most and self._link.is_quiet

    @property
    def transactions(self) -> int:
        """How many were begun."""
        return self._count

    @property
    def is_in_doubt(self) -> bool:
        """Whether `send`, if it were cancelled now, leaves open what became of the message."""
        return self._sending is not None and self._sending.is_in_doubt

    # What can be done

    async def start_tls(self, verifier: PeerVerifier) -> TlsFacts:
        """STARTTLS, the handshake, and EHLO again: what was said before counts no more."""
        if not self.capabilities.starttls:
            self.close()
            raise ClientFailure(
                "starttls",
                "The other server does not offer TLS.",
                tls_trouble="starttls-not-supported",
            )
        seconds = self._caller.timeouts.tls_seconds
        reply = await self._command(b"STARTTLS\r\n", "starttls", seconds)
        if reply.code != 220:
            self.close()
            raise refusal("starttls", reply)
        self.capabilities = Capabilities()
        self.tls = await self._link.start_tls(verifier, seconds)
        try:
            await self._hello()
        except ClientFailure:
            self.close()
            raise
        return self.tls

    async def authenticate(self, credentials: Credentials, *, in_the_clear: bool = False) -> None:
        """Sign in with the best mechanism that both know (RFC 4954).

        `in_the_clear`: the password may pass though there is no TLS (on loopback).
        """
        try:
            await self._authenticate(credentials, in_the_clear)
        except ClientFailure:
            self.close()
            raise

    async def send(self, transaction: OutgoingTransaction) -> TransactionOutcome:
        """One message. Never raises for what the peer does: that is in the outcome.

        What `message.chunks()` raises comes through, and closes the connection, as cancelling does.
        """
        self._count += 1
        sending = Sending(
            self._link,
            self._caller.timeouts,
            self._caller.limits,
            self.capabilities,
            secured=self.tls is not None,
        )
        self._sending = sending
        try:
            outcome = await sending.run(transaction, reset=self._must_reset)
        except BaseException:
            self._link.close()  # the peer is left in the middle of something
            raise
        self._must_reset = sending.left_open
        if outcome.failure is not None:
            self._link.close()
        return outcome

    async def quit(self) -> None:
        """Take leave and close; the other side's answer is awaited for a moment only."""
        if self._link.failure is None:
            try:
                self._link.write(b"QUIT\r\n")
                await self._link.receive("reset", self._caller.timeouts.quit_seconds)
            except ClientFailure:
                return
            finally:
                self._link.close()

    def close(self) -> None:
        """Close without a word."""
        self._link.close()

    # Small parts

    async def _hello(self) -> None:
        """EHLO, or HELO for a server that knows no better (RFC 5321 §3.2)."""
        seconds = self._caller.timeouts.ehlo_seconds
        name = self._caller.ehlo_name.encode()
        reply = await self._command(b"EHLO %b\r\n" % name, "ehlo", seconds)
        if reply.code == 250:
            self.capabilities = parse_capabilities(reply)
            return
        if reply.is_permanent and reply.code not in _NO_SERVICE_AT_ALL:
            reply = await self._command(b"HELO %b\r\n" % name, "ehlo", seconds)
            if reply.code == 250:
                self.capabilities = Capabilities(name=server_name(reply))
                return
        raise refusal("ehlo", reply)

    async def _command(self, line: bytes, stage: Stage, seconds: float) -> PeerReply:
        """Send one line and await its reply; the peer may not have spoken before."""
        if not self._link.is_quiet and self._link.failure is None:
            reply = await self._link.receive(stage, seconds)
            self._link.close()
            raise refusal(stage, reply)
        self._link.write(line)
        return await self._link.receive(stage, seconds)

    async def _authenticate(self, credentials: Credentials, in_the_clear: bool) -> None:
        try:
            mechanism = choose_mechanism(
                self.capabilities.auth,
                credentials,
                bindings=self._link.bindings,
                plaintext=in_the_clear or self.tls is not None,
                max_iterations=self._caller.limits.max_scram_iterations,
            )
            first = mechanism.first() if mechanism is not None else None
        except MalformedResponse as error:
            raise ClientFailure("auth", str(error), temporary=False) from error
        if mechanism is None:
            raise ClientFailure(
                "auth", "The other server offers no way to sign in that can be used here."
            )
        seconds = self._caller.timeouts.auth_seconds
        initial = b"" if first is None else b" " + (encode_line(first) or b"=")
        reply = await self._command(
            b"AUTH %b%b\r\n" % (mechanism.name.encode(), initial), "auth", seconds
        )
        for _ in range(_MAX_CHALLENGES):
            if reply.code != 334:
                break
            try:
                challenge = binascii.a2b_base64(reply.lines[-1].strip(), strict_mode=True)
                # SCRAM's hashing takes long on purpose, and lets go of the lock.
                response = await asyncio.to_thread(mechanism.respond, challenge)
            except (MalformedResponse, ServerNotProved, ValueError) as error:
                raise ClientFailure("auth", _why(error), temporary=False) from error
            reply = await self._command(encode_line(response) + b"\r\n", "auth", seconds)
        if reply.code != 235:
            raise refusal("auth", reply)
        if not mechanism.is_done:
            raise ClientFailure(
                "auth", "The other server did not prove that it knows the password.",
                temporary=False,
            )  # fmt: skip


def _why(error: Exception) -> str:
    return str(error) if not isinstance(error, binascii.Error) else "The challenge is not base64."
