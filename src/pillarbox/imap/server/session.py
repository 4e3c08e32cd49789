"""One IMAP session: state, commands one after the other, their answers (RFC 9051 §3, §5.5).

It awaits the store and nothing else; octets come in as the framer's events and leave by the link.
"""

from __future__ import annotations

import functools
from contextlib import suppress

from prometheus_client import Counter

from pillarbox.errors import PillarboxError
from pillarbox.imap.server import literals
from pillarbox.imap.server.command import CommandSpec
from pillarbox.imap.server.context import After, Context, Gone, ImapServices, Link, No, State, Torn
from pillarbox.imap.server.errors import reply_to, reply_to_bug
from pillarbox.imap.server.quirks import TAKE_TRAILING_SPACE
from pillarbox.imap.server.registry import COMMANDS, capabilities, hooks_for
from pillarbox.imap.server.untagged import refresh
from pillarbox.imap.wire import codes, framing, responses
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.imap.wire.responses import Kind, Status
from pillarbox.telemetry.log import get_logger
from pillarbox.telemetry.metrics import COMMANDS as COMMAND_COUNT
from pillarbox.telemetry.metrics import FAULTS

log = get_logger("imap")
_ALWAYS_FRESH = frozenset({"NOOP", "CHECK"})  # they ask for news, so they get the store's
_OUTCOMES = {Kind.OK: "ok", Kind.NO: "no", Kind.BAD: "bad"}
_OPENED = frozenset({"SELECT", "EXAMINE"})


class Session:
    """What is between one connection's framer and the commands."""

    def __init__(
        self, services: ImapServices, link: Link, framer: framing.Framer, journey: str
    ) -> None:
        self._framer = framer
        self._link = link
        self._bad_in_a_row = 0
        self._hooks = hooks_for(services.settings)
        self.ctx = Context(services, link, journey)
        self.ctx.capabilities = lambda: capabilities(self.ctx)

    def greet(self) -> None:
        """The first line (RFC 9051 §7.1.1)."""
        code = codes.capability(self.ctx.capabilities())
        self.ctx.send(responses.ok(f"Pillarbox at {self.ctx.services.hostname}", code))

    def bye(self, sentence: str, code: codes.Code | None = None) -> None:
        """The last line (RFC 9051 §7.1.5)."""
        self.ctx.send(responses.bye(sentence, code))
        self.ctx.state = State.LOGOUT

    def end(self) -> None:
        """Give everything back."""
        self.ctx.on_change = None
        self.ctx.leave()
        self.ctx.discard_spools()

    async def take(self, event: framing.Event) -> After:
        """Do what one event asks for."""
        self.ctx.after = After.GO_ON
        match event:
            case framing.Framed():
                return await self._run(event)
            case framing.WantLiteral():
                await literals.decide(self.ctx, self._framer, event)
                return After.GO_ON
            case framing.LiteralChunk():
                literals.take_chunk(self.ctx, self._framer, event.octets)
                return After.GO_ON
            case framing.TooLong():
                self.ctx.discard_spools()
                return self._answer(
                    responses.bad(event.sentence, codes.TOO_BIG, event.tag or b"*"), "?"
                )
            case framing.Hopeless():
                self.bye(event.sentence, codes.TOO_BIG)
                return After.CLOSE
        return After.GO_ON

    async def tell_changes(self) -> After:
        """What the feed woke us for, while the client idles (RFC 9051 §6.3.13)."""
        with suppress(PillarboxError):  # the store is busy or shut: the next wake-up tries again
            await refresh(self.ctx, tell_expunged=True)
        return self._look_whether_gone(own=False)

    def end_idle(self, line: bytes) -> After:
        """The client's line after IDLE, which should be DONE."""
        self.ctx.after = After.GO_ON
        if line.upper() == b"DONE":
            return self._answer(responses.ok("IDLE is over", None, self.ctx.tag), "IDLE")
        return self._answer(responses.bad("IDLE ends with DONE.", None, self.ctx.tag), "IDLE")

    async def _run(self, framed: framing.Framed) -> After:
        ctx = self.ctx
        reader = Reader(framed, ctx.utf8)
        try:
            ctx.tag = reader.tag()
        except BadSyntax as error:
            return self._answer(responses.bad(str(error)), "?")
        name = "?"
        try:
            spec = _spec_of(reader)
            name = spec.name
            reply = await self._reply(spec, reader)
        except (PillarboxError, No) as error:
            reply = reply_to(error, ctx.tag)
            ctx.after = After.GO_ON
        except (Gone, Torn):
            raise
        except Exception:
            log.error_event("imap.fault", exc=True, journey=ctx.journey, command=name)
            FAULTS.labels("imap").inc()
            reply = reply_to_bug(ctx.tag)
            ctx.after = After.GO_ON
        finally:
            ctx.discard_spools()
        return self._answer(reply, name)

    async def _reply(self, spec: CommandSpec, reader: Reader) -> Status | None:
        """Run a command and tell what changed; its tagged reply, None where that comes later."""
        ctx = self.ctx
        if ctx.state not in spec.when:
            raise BadSyntax(_WHEN_NOT[ctx.state])
        if not reader.at_end:
            _take_space(reader)
        command = spec.parse(reader, self._hooks)
        reader.end()
        done = None
        try:
            done = await spec.run(command, ctx)
        finally:
            if ctx.after is not After.IDLE:
                await self._catch_up(spec)
        if ctx.after is After.IDLE:
            # News come behind the "+": some programs take the first line for the answer.
            ctx.stale = ctx.view is not None
            return None
        if done is None:
            return responses.ok("done", None, ctx.tag)
        return responses.ok(done.text, done.code, ctx.tag)

    async def _catch_up(self, spec: CommandSpec) -> None:
        """Tell what changed meanwhile, before the tagged reply."""
        ctx = self.ctx
        view = ctx.view
        if view is None:
            return
        tell_expunged = spec.breaks_seqnums or not spec.uses_seqnums
        wanted = ctx.stale or spec.name in _ALWAYS_FRESH or (tell_expunged and view.holds_back)
        if wanted and spec.name not in _OPENED:
            await refresh(ctx, tell_expunged=tell_expunged)
            if self._look_whether_gone(own=spec.name == "DELETE") is After.CLOSE:
                ctx.after = After.CLOSE

    def _look_whether_gone(self, *, own: bool) -> After:
        """Leave a mailbox that was deleted, or has new UIDs (RFC 9051 §7.1 CLOSED).

        A client that does not know CLOSED, and did not do it itself, would go on in a mailbox that
        is no more: its connection ends, which every client understands.
        """
        ctx = self.ctx
        if ctx.view is None or not ctx.view.gone:
            return After.GO_ON
        ctx.leave()
        if ctx.rev2 or ctx.qresync:
            ctx.send(responses.ok("The mailbox was deleted or made anew.", codes.CLOSED))
        elif not own:
            self.bye("The mailbox was deleted or made anew; connect again.")
            return After.CLOSE
        return After.GO_ON

    def _answer(self, reply: Status | None, name: str) -> After:
        """Send the tagged reply and count it."""
        ctx = self.ctx
        if reply is None:
            return ctx.after
        if ctx.state is not State.LOGOUT or name == "LOGOUT":
            ctx.send(reply)
        _counter_of(name, reply.kind).inc()
        if reply.kind is not Kind.BAD:
            self._bad_in_a_row = 0
        else:
            self._bad_in_a_row += 1
            if self._bad_in_a_row >= ctx.settings.max_bad_commands:
                self.bye("Too many commands that could not be understood.")
                return After.CLOSE
        if ctx.failed_logins >= ctx.settings.max_failed_logins:
            self.bye("Too many failed attempts to sign in.")
            return After.CLOSE
        return ctx.after


@functools.cache  # as many as there are commands, times three; looking them up costs 3 µs
def _counter_of(name: str, kind: Kind) -> Counter:
    return COMMAND_COUNT.labels("imap", name, _OUTCOMES.get(kind, "ok"))


_WHEN_NOT = {
    State.NOT_AUTHENTICATED: "Sign in first.",
    State.AUTHENTICATED: "Not now: no mailbox is selected, or you are signed in already.",
    State.SELECTED: "Not while a mailbox is selected, or you are signed in already.",
    State.LOGOUT: "The session is over.",
}


def _take_space(reader: Reader) -> None:
    """The space between a command's name and its arguments."""
    reader.space()
    if reader.at_end and not TAKE_TRAILING_SPACE:
        raise BadSyntax("There is a space at the end.")


def _spec_of(reader: Reader) -> CommandSpec:
    """The command that a line names; raises BadSyntax."""
    reader.space()
    name = reader.name()
    if name == "UID":
        reader.space()
        name = f"UID {reader.name()}"
    spec = COMMANDS.get(name)
    if spec is None:
        raise BadSyntax(f"There is no command {name[:40]}.")
    return spec
