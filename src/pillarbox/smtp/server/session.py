"""The rules of a session: which command may come now, and what its outcome means for the next."""

from __future__ import annotations

from prometheus_client import Counter

from pillarbox.errors import PillarboxError
from pillarbox.smtp.server import answers
from pillarbox.smtp.server.context import LMTP, Context
from pillarbox.smtp.server.verb import Verb, When
from pillarbox.smtp.server.verbs import auth
from pillarbox.smtp.wire.bdat import BdatReader
from pillarbox.smtp.wire.commands import split_command
from pillarbox.smtp.wire.lines import LineFault
from pillarbox.smtp.wire.replies import Reply
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import COMMANDS, FAULTS

log = get_logger("smtp")

# A browser that was tricked into speaking to us must not get as far as MAIL.
_HTTP = frozenset((b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PATCH"))
_counters: dict[tuple[str, str], Counter] = {}


class Session:
    """Lines in, replies out; awaits the flow, never the network."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def greeting(self) -> Reply:
        """What is said first (RFC 5321 §4.2)."""
        kind = "LMTP" if self.context.is_lmtp else "ESMTP"
        return Reply(220, "", f"{self.context.services.hostname} {kind} Pillarbox")

    async def answer(self, line: bytes | LineFault, *, more_behind: bool) -> Reply | None:
        """The reply to one line; None: its octets come first (BDAT)."""
        context = self.context
        if isinstance(line, LineFault):
            reply: Reply | None = self._answer_fault(line)
        elif context.exchange is not None:
            if more_behind:
                context.exchange, context.closing = None, True
                reply = answers.TALKED_AHEAD
            else:
                reply = await self._step_of_auth(line)
        else:
            reply = await self._answer_command(line, more_behind)
        return None if reply is None else self._counted(reply)

    async def conclude(self) -> list[Reply]:
        """The announced octets are in: a whole message, or a chunk of one (RFC 3030 §2)."""
        context = self.context
        reception = context.receiving
        assert reception is not None
        context.receiving = None
        decoder = reception.decoder
        transaction = context.transaction
        if transaction is None or transaction.reception is not reception:
            return [self._counted(reception.failed or answers.FAULT)]
        if isinstance(decoder, BdatReader) and not decoder.last:
            if reception.failed is None:
                return [answers.OK]
            failed = reception.failed
            context.reset()
            return [self._counted(failed)]
        try:
            return await reception.conclude(context)
        except Exception:
            return [self._fault("end of data")] * (
                len(transaction.recipients) if context.is_lmtp else 1
            )

    async def _answer_command(self, line: bytes, more_behind: bool) -> Reply | None:
        context = self.context
        name, arguments = split_command(line)
        verb = context.dialect.verbs.get(name)
        if verb is None:
            if name in _HTTP:
                context.closing = True
                return answers.SPEAKS_HTTP
            return answers.NO_SUCH_COMMAND
        if len(line) + 2 > verb.max_octets:
            return answers.LINE_TOO_LONG
        if verb.last_in_group and more_behind:
            context.closing = True
            return answers.TALKED_AHEAD
        reply = await self._run(verb, arguments)
        self._count(verb, reply)
        return reply

    async def _run(self, verb: Verb, arguments: bytes) -> Reply | None:
        context = self.context
        if verb.is_idle:
            context.idle_commands += 1
            if context.idle_commands > context.settings.max_idle_commands:
                context.closing = True
                return answers.TOO_MANY_IDLE
        not_now = self._not_now(verb.when)
        if not_now is not None:
            return not_now
        try:
            return await verb.run(verb.parse(arguments), context)
        except PillarboxError as error:
            return answers.reply_to_error(error)
        except Exception:
            return self._fault(verb.name.decode())

    async def _step_of_auth(self, line: bytes) -> Reply:
        try:
            return await auth.answer(line, self.context)
        except Exception:
            return self._fault("AUTH")

    def _not_now(self, when: When) -> Reply | None:
        """RFC 5321 §4.1.4."""
        context = self.context
        if when is When.ALWAYS:
            return None
        if not context.helo:
            return answers.NOT_NOW_LHLO if context.is_lmtp else answers.NOT_NOW_HELO
        if when is When.GREETED:
            return None
        if context.transaction is None:
            return answers.NOT_NOW_MAIL
        if when is When.FOR_SOMEBODY and not context.transaction.recipients:
            return answers.NOT_NOW_RCPT
        return None

    def _answer_fault(self, fault: LineFault) -> Reply:
        context = self.context
        in_exchange, context.exchange = context.exchange is not None, None
        if fault is LineFault.BARE_NEWLINE:
            context.closing = True  # what follows might be a command to some, and text to others
            return answers.BARE_NEWLINE
        return answers.AUTH_LINE_TOO_LONG if in_exchange else answers.LINE_TOO_LONG

    def _counted(self, reply: Reply) -> Reply:
        """Errors are counted; LMTP clients are our own and may name many who are not here."""
        context = self.context
        if reply.code < 500 or context.role == LMTP or context.closing:
            return reply
        context.bad_commands += 1
        if context.bad_commands <= context.settings.max_bad_commands:
            return reply
        context.closing = True
        return answers.TOO_MANY_ERRORS

    def _fault(self, where: str) -> Reply:
        FAULTS.labels("smtp").inc()
        log.error_event("smtp.fault", exc=True, session=self.context.journey, command=where)
        return answers.FAULT

    def _count(self, verb: Verb, reply: Reply | None) -> None:
        outcome = "ok" if reply is None or reply.code < 400 else "no" if reply.code < 500 else "bad"
        key = (verb.name.decode(), outcome)
        counter = _counters.get(key)
        if counter is None:
            counter = _counters[key] = COMMANDS.labels("smtp", *key)
        counter.inc()
