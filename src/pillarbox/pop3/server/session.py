"""One POP3 session: its states, and what each command does in them (RFC 1939 §4 to §6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Protocol

from pillarbox.errors import PillarboxError
from pillarbox.ids import AccountId
from pillarbox.pop3.server.capabilities import capabilities
from pillarbox.pop3.server.errors import name_error
from pillarbox.pop3.server.locks import MaildropLocks
from pillarbox.pop3.server.sending import Wire
from pillarbox.pop3.server.services import Pop3Services
from pillarbox.pop3.server.sign_in import SignIn
from pillarbox.pop3.server.texts import (
    DEFAULT_LANGUAGE,
    LANGUAGES,
    Say,
    find_language,
    say,
)
from pillarbox.pop3.server.transaction import Transaction
from pillarbox.pop3.wire.replies import END, Code, Err, Ok, Reply
from pillarbox.pop3.wire.requests import (
    Apop,
    Auth,
    BadSyntax,
    Lang,
    Listing,
    Numbered,
    Pass,
    Request,
    Simple,
    Top,
    User,
    command_name,
    parse_request,
)


class Peer(Wire, Protocol):
    """What a session asks of its connection."""

    @property
    def address(self) -> str:
        """The client's IP address, or "local"."""

    @property
    def is_secure(self) -> bool:
        """Whether a password may pass: TLS, or loopback."""

    @property
    def has_tls(self) -> bool:
        """Whether TLS is in use."""

    @property
    def offers_tls(self) -> bool:
        """Whether STLS is possible on this port."""

    @property
    def journey(self) -> str:
        """The connection's name in the log."""

    def bindings(self) -> Mapping[str, bytes]:
        """Channel bindings for SCRAM."""


class Next(Enum):
    """What the connection does after a command."""

    GO_ON = auto()
    CLOSE = auto()
    START_TLS = auto()  # the go-ahead is for the connection to send


class Session:
    """Feed it lines; it sends its answers to the peer."""

    def __init__(self, services: Pop3Services, locks: MaildropLocks, peer: Peer) -> None:
        self._services = services
        self._settings = services.settings
        self._peer = peer
        self._language = find_language(services.settings.language) or DEFAULT_LANGUAGE
        self._utf8 = False
        self._bad_commands = 0
        self._sign_in = SignIn(services, locks, peer)
        self._transaction: Transaction | None = None

    @property
    def signed_in(self) -> bool:
        """Whether the session is past AUTHORIZATION."""
        return self._transaction is not None

    @property
    def login(self) -> str:
        """Who signed in, for the log; "" before that."""
        return self._sign_in.login

    @property
    def account(self) -> AccountId | None:
        """The same, as a number."""
        return self._sign_in.account

    @property
    def credential(self) -> str:
        """By what; "" before that."""
        return self._sign_in.credential

    @property
    def longest_line(self) -> int:
        """Octets that the next line may have."""
        if self._sign_in.in_exchange:
            return self._settings.longest_response
        return self._settings.longest_line

    def greet(self) -> bytes:
        """The first line; no timestamp, so no APOP (RFC 1939 §7)."""
        return Ok(f"{self.say(Say.READY)} ({self._services.hostname})").encode()

    def say(self, what: Say, *values: object) -> str:
        """A sentence in the session's language."""
        return say(self._language, what, *values)

    def command_of(self, line: bytes) -> str:
        """What the line is counted as."""
        return "AUTH" if self._sign_in.in_exchange else command_name(line)

    async def run(self, line: bytes) -> Next:
        """Answer one line."""
        try:
            if self._sign_in.in_exchange:
                return await self._after_sign_in(await self._sign_in.respond(line))
            return await self._dispatch(parse_request(line))
        except BadSyntax:
            return self._bad(Say.NOT_UNDERSTOOD)
        except PillarboxError as error:
            return self._failed(error)

    @property
    def may_read_ahead(self) -> bool:
        """Whether the next message will probably be asked for."""
        return self._transaction is not None and self._transaction.maildrop.may_read_ahead

    async def read_ahead(self) -> None:
        """Make use of the time in which the client has the turn."""
        if self._transaction is not None:
            await self._transaction.maildrop.read_ahead()

    def line_too_long(self) -> Next:
        """A line was dropped for its length."""
        self._sign_in.cancel()
        return self._bad(Say.LINE_TOO_LONG)

    def fault(self) -> None:
        """A bug ended the command; the session goes on."""
        self._sign_in.cancel()
        self._reply(Err(self.say(Say.OUR_FAULT), Code.SYS_TEMP))

    def abandon(self) -> None:
        """The connection is gone: nothing is deleted (RFC 1939 §6)."""
        self._sign_in.release()

    async def _dispatch(self, request: Request) -> Next:
        match request:
            case Simple("QUIT"):
                return await self._quit()
            case Simple("CAPA"):
                self._send_capabilities()
                return Next.GO_ON
            case Lang(wanted):
                return self._lang(wanted)
            case Apop():
                return self._bad(Say.APOP_NOT_OFFERED)
        if self._transaction is None:
            return await self._authorize(request)
        return await self._transact(self._transaction, request)

    # AUTHORIZATION

    async def _authorize(self, request: Request) -> Next:
        match request:
            case Simple("STLS"):
                return self._stls()
            case Simple("UTF8"):
                self._utf8 = True
                self._reply(Ok(self.say(Say.UTF8_ON)))
                return Next.GO_ON
            case User(name):
                if not self._peer.is_secure:
                    return self._bad(Say.TLS_FIRST)
                self._sign_in.username = name
                self._reply(Ok(self.say(Say.NAME_NEXT)))
                return Next.GO_ON
            case Pass(password) if self._sign_in.username:
                return await self._after_sign_in(await self._sign_in.by_password(password))
            case Auth(""):
                self._send_lines(Say.MECHANISMS, self._sign_in.mechanisms())
                return Next.GO_ON
            case Auth(mechanism, initial):
                return await self._after_sign_in(await self._sign_in.begin(mechanism, initial))
        return self._bad(Say.NOT_NOW)

    async def _after_sign_in(self, outcome: Reply | None) -> Next:
        """None: signed in; else what the exchange says next."""
        if outcome is not None:
            self._reply(outcome)
            return Next.GO_ON
        try:
            maildrop = await self._sign_in.open_maildrop()
        except PillarboxError:
            self._sign_in.release()
            raise
        if isinstance(maildrop, Say):
            code = Code.IN_USE if maildrop is Say.IN_USE else Code.LOGIN_DELAY
            self._reply(Err(self.say(maildrop), code))
            return Next.GO_ON
        non_ascii = "as-is" if self._utf8 else self._settings.non_ascii_headers
        self._transaction = Transaction(maildrop, self._peer, non_ascii, self.say)
        self._reply(Ok(self.say(Say.MAILDROP, maildrop.count, maildrop.octets)))
        return Next.GO_ON

    def _failed(self, error: PillarboxError) -> Next:
        """A command ended in an error that we know."""
        code, what = name_error(error)
        self._reply(Err(self.say(what), code))
        tired = self._sign_in.failures >= self._settings.sign_in_failures
        return Next.CLOSE if tired and self._transaction is None else Next.GO_ON

    def _stls(self) -> Next:
        if self._peer.has_tls:
            return self._bad(Say.TLS_ALREADY)
        if not self._peer.offers_tls:
            return self._bad(Say.TLS_NOT_HERE)
        if self._utf8:  # RFC 6856 §2.1: UTF8 comes after STLS
            return self._bad(Say.NOT_NOW)
        return Next.START_TLS

    # TRANSACTION

    async def _transact(self, transaction: Transaction, request: Request) -> Next:
        match request:
            case Simple("STAT"):
                transaction.stat()
            case Simple("NOOP"):
                self._reply(Ok())
            case Simple("RSET"):
                transaction.rset()
            case Listing("LIST", number):
                await transaction.list(number)
            case Listing("UIDL", number):
                await transaction.uidl(number)
            case Numbered("RETR", number):
                await transaction.retr(number)
            case Numbered("DELE", number):
                transaction.dele(number)
            case Top(number, lines):
                await transaction.top(number, lines)
            case _:
                return self._bad(Say.NOT_NOW)
        return Next.GO_ON

    # Both

    async def _quit(self) -> Next:
        """UPDATE: what was marked goes, durably, before the answer (RFC 1939 §6)."""
        text = self.say(Say.BYE)
        try:
            if self._transaction is not None:
                await self._transaction.maildrop.update(
                    keep_retrieved=self._settings.keep_retrieved,
                    to_trash=self._settings.deleted_goes_to == "trash",
                )
        except PillarboxError:
            self._reply(Err(self.say(Say.BYE_KEPT), Code.SYS_TEMP))
        else:
            self._reply(Ok(text))
        finally:
            self._sign_in.release()
        return Next.CLOSE

    def _send_capabilities(self) -> None:
        signed_in = self._transaction is not None
        secure = self._peer.is_secure
        lines = capabilities(
            self._settings,
            mechanisms=self._sign_in.mechanisms(),
            user=secure,
            stls=self._peer.offers_tls and not self._peer.has_tls and not signed_in,
        )
        self._send_lines(Say.CAPABILITIES, lines)

    def _lang(self, wanted: str | None) -> Next:
        """RFC 6856 §3.2."""
        if wanted is None:
            names = [f"{tag} {name}" for tag, (name, _) in LANGUAGES.items()]
            self._send_lines(Say.LANGUAGES, names)
            return Next.GO_ON
        tag = find_language(self._settings.language if wanted == "*" else wanted)
        if tag is None:
            self._reply(Err(self.say(Say.LANGUAGE_UNKNOWN)))
            return Next.GO_ON
        self._language = tag
        self._reply(Ok(f"{tag} {self.say(Say.LANGUAGE_CHANGED)}"))
        return Next.GO_ON

    def _bad(self, what: Say) -> Next:
        """A command that cannot be; too many of them end the connection."""
        self._bad_commands += 1
        if self._bad_commands >= self._settings.bad_commands:
            self._reply(Err(self.say(Say.TOO_MANY_ERRORS)))
            return Next.CLOSE
        self._reply(Err(self.say(what)))
        return Next.GO_ON

    def _send_lines(self, what: Say, lines: Iterable[str]) -> None:
        body = "".join(f"{line}\r\n" for line in lines)
        self._peer.send(Ok(self.say(what)).encode() + body.encode() + END)

    def _reply(self, reply: Reply) -> None:
        self._peer.send(reply.encode())
