"""Other providers' submission servers for the queue, signed in as our people are there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pillarbox.accounts.vault import VaultClosed
from pillarbox.errors import NotFound
from pillarbox.flow.collect.remotes import Remote, Remotes
from pillarbox.flow.collect.settings import ServerSpec, SignIn
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.flow.outbound.outcome import Kind
from pillarbox.flow.outbound.remotes import no_such_way
from pillarbox.flow.outbound.route import Host, NoWay
from pillarbox.ids import AccountId, RemoteId
from pillarbox.smtp.client.connection import Caller, SmtpConnection

SignInNow = Callable[[Remote], Awaitable[SignIn]]
Dial = Callable[[Remote, ServerSpec, SignIn, Caller], Awaitable[SmtpConnection]]

_SIGN_IN, _NO_CONNECTION = "4.7.8", "4.4.1"  # RFC 3463 §3.8 (RFC 4954 §6), §3.5
_PERSONAL = ("sign-in", "second-factor", "consent")


class SendAsLines:
    """`flow.outbound.remotes.RemoteLines` by the stored remote accounts."""

    def __init__(self, remotes: Remotes, sign_in_now: SignInNow, dial: Dial) -> None:
        self._remotes = remotes
        self._sign_in_now = sign_in_now
        self._dial = dial

    async def connect(
        self, account: AccountId, remote: RemoteId, caller: Caller
    ) -> tuple[Host, SmtpConnection]:
        """Raises NoWay: for ever where there is no such way, for now where it fails."""
        try:
            found = await self._remotes.get(remote)
        except NotFound:
            raise no_such_way() from None
        send_as = found.settings.send_as
        if found.account != account or send_as is None:
            raise no_such_way()
        try:
            sign_in = await self._sign_in_now(found)
            connection = await self._dial(found, send_as.server, sign_in, caller)
        except VaultClosed as error:
            raise NoWay(Kind.LATER, _SIGN_IN, str(error)) from error
        except SourceFailure as error:
            status = _SIGN_IN if error.trouble in _PERSONAL else _NO_CONNECTION
            raise NoWay(Kind.LATER, status, str(error)) from error
        return Host(send_as.server.host, send_as.server.port), connection
