"""One transaction over a link: the exchange driven, the message streamed (RFC 5321 §3.3)."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

from pillarbox.config.outbound import ClientLimits, ClientTimeouts
from pillarbox.message.line_ends import LineEnds
from pillarbox.smtp.client.capabilities import Capabilities
from pillarbox.smtp.client.content import DotStuffer, encode_bdat
from pillarbox.smtp.client.conversion import CannotConvert, converted
from pillarbox.smtp.client.envelope import Plan, encode_mail, plan_transaction
from pillarbox.smtp.client.exchange import Exchange
from pillarbox.smtp.client.failure import ClientFailure, Stage
from pillarbox.smtp.client.link import SmtpLink
from pillarbox.smtp.client.transaction import (
    MessageSource,
    OutgoingTransaction,
    RecipientOutcome,
    TransactionOutcome,
)
from pillarbox.smtp.wire.reply_reader import BadReply

_MAX_CHUNKS_UNDER_WAY = 8  # BDAT commands whose replies are still to come


class Sending:
    """One use: `run`, then `left_open` says whether RSET must come before the next message."""

    def __init__(
        self,
        link: SmtpLink,
        timeouts: ClientTimeouts,
        limits: ClientLimits,
        peer: Capabilities,
        *,
        secured: bool,
    ) -> None:
        self._link = link
        self._limits = limits
        self._peer = peer
        self._secured = secured
        self._timeouts = timeouts
        self._seconds: dict[Stage, float] = {
            "reset": timeouts.mail_seconds,
            "mail": timeouts.mail_seconds,
            "rcpt": timeouts.rcpt_seconds,
            "data": timeouts.data_start_seconds,
            "end": timeouts.data_end_seconds,
        }
        self.left_open = False
        self._under_way: Exchange | None = None

    @property
    def is_in_doubt(self) -> bool:
        """The last octet went out, and the reply is not in."""
        return self._under_way is not None and self._under_way.is_in_doubt

    async def run(self, transaction: OutgoingTransaction, *, reset: bool) -> TransactionOutcome:
        """The whole transaction; nothing that the peer does raises."""
        self.left_open = reset
        plan = plan_transaction(
            transaction,
            self._peer,
            secured=self._secured,
            max_recipients=self._limits.max_recipients,
        )
        if not plan.rcpts:
            return _outcome_without_sending(plan, transaction)
        message = transaction.message
        if plan.convert_to:
            try:
                message = await converted(message, plan.convert_to)
            except CannotConvert as error:
                impossible = RecipientOutcome("failed", "plan", error.status, why=str(error))
                plan.refused |= dict.fromkeys(plan.rcpts, impossible)
                return _outcome_without_sending(plan, transaction)
        exchange = self._exchange(plan, transaction, message, reset)
        self._under_way = exchange
        self._link.cap(self._timeouts.transaction_seconds)
        try:
            await self._converse(exchange, message, binary=plan.body == "BINARYMIME")
        except ClientFailure as failure:
            exchange.end(failure)
        except BadReply as error:
            exchange.end(ClientFailure(exchange.awaits or "end", str(error)))
        finally:
            self._link.cap(math.inf)
        self.left_open = exchange.is_open
        return TransactionOutcome(
            replies=tuple(exchange.outcomes()),
            sent_dsn=self._peer.dsn,
            uncertain=exchange.is_uncertain,
            failure=exchange.lost,
        )

    def _exchange(
        self,
        plan: Plan,
        transaction: OutgoingTransaction,
        message: MessageSource,
        reset: bool,
    ) -> Exchange:
        return Exchange(
            encode_mail(plan, transaction, self._peer, message.size),
            plan.rcpts,
            plan.refused,
            pipelining=self._peer.pipelining,
            reset=reset,
            data=not self._peer.chunking,
        )

    async def _converse(self, exchange: Exchange, message: MessageSource, *, binary: bool) -> None:
        if (
            self._peer.chunking
            and self._peer.pipelining
            and message.size <= self._limits.eager_octets
        ):
            await self._send_at_once(exchange, message, binary)
            return
        while commands := exchange.next_commands():
            self._link.write(commands)
            await self._take_all(exchange)
        if exchange.wants_empty_end:
            exchange.sending_end()
            self._link.write(b".\r\n")
        elif exchange.wants_message:
            if self._peer.chunking:
                await self._send_chunks(exchange, message, binary)
            else:
                await self._send_data(exchange, message)
        await self._take_all(exchange)

    async def _send_at_once(self, exchange: Exchange, message: MessageSource, binary: bool) -> None:
        """Envelope and message in one burst, for one round trip (RFC 3030 §2)."""
        pieces = [piece async for piece in _blocks(message, self._limits.block_octets, binary)]
        commands = exchange.next_commands()
        exchange.sending_chunk(last=True)
        self._link.write(commands + encode_bdat(b"".join(pieces), last=True))
        await self._take_all(exchange)

    async def _send_data(self, exchange: Exchange, message: MessageSource) -> None:
        """The message behind 354, dots stuffed."""
        stuffer = DotStuffer()
        held = b""  # so that the end goes out together with the last block
        async for piece in message.chunks():
            octets = held + stuffer.feed(piece)
            if len(octets) < self._limits.block_octets:
                held = octets
                continue
            held = b""
            if not await self._write_block(exchange, octets):
                return
        exchange.sending_end()
        self._link.write(held + stuffer.finish())

    async def _send_chunks(self, exchange: Exchange, message: MessageSource, binary: bool) -> None:
        """The message in BDAT chunks; replies are awaited as they pile up."""
        most = _MAX_CHUNKS_UNDER_WAY if self._peer.pipelining else 1
        held: bytes | None = None
        async for block in _blocks(message, self._limits.block_octets, binary):
            if held is not None:
                exchange.sending_chunk(last=False)
                self._link.write(encode_bdat(held, last=False))
                await self._drained(until_spoken=False)
                while exchange.awaited >= most or (exchange.awaited and not self._link.is_quiet):
                    await self._take_one(exchange)
                if not exchange.wants_message:
                    return
            held = block
        exchange.sending_chunk(last=True)
        self._link.write(encode_bdat(held or b"", last=True))

    async def _write_block(self, exchange: Exchange, octets: bytes) -> bool:
        """False: the peer spoke before the end, which no command asked for."""
        self._link.write(octets)
        await self._drained(until_spoken=True)
        if self._link.is_quiet:
            return True
        reply = await self._link.receive("data", self._timeouts.data_start_seconds)
        why = f"The other server broke in on the message: {reply.one_line}"
        exchange.refuse_in_content(ClientFailure("data", why, reply=reply))
        return False

    async def _drained(self, *, until_spoken: bool) -> None:
        seconds = self._timeouts.data_block_seconds
        await self._link.drained("data", seconds, until_spoken=until_spoken)

    async def _take_all(self, exchange: Exchange) -> None:
        while exchange.awaits is not None:
            await self._take_one(exchange)

    async def _take_one(self, exchange: Exchange) -> None:
        stage = exchange.awaits
        assert stage is not None
        exchange.take(await self._link.receive(stage, self._seconds[stage]))


async def _blocks(message: MessageSource, most: int, binary: bool) -> AsyncIterator[bytes]:
    """Blocks of about `most` octets; text with its line ends mended."""
    lines = None if binary else LineEnds()
    held: list[bytes] = []
    size = 0
    async for piece in message.chunks():
        if lines is not None:
            piece = lines.feed(piece)
        held.append(piece)
        size += len(piece)
        if size >= most:
            yield b"".join(held)
            held, size = [], 0
    if lines is not None:
        held.append(lines.finish())
    if rest := b"".join(held):
        yield rest


def _outcome_without_sending(plan: Plan, transaction: OutgoingTransaction) -> TransactionOutcome:
    places = range(len(transaction.recipients))
    return TransactionOutcome(replies=tuple(plan.refused[place] for place in places))
