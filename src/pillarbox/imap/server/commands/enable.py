"""ENABLE: the client knows what changes other commands' answers (RFC 9051 §6.3.1, RFC 5161)."""

from __future__ import annotations

from pillarbox.imap.server.command import AUTHENTICATED, CommandSpec, Done, Hooks
from pillarbox.imap.server.context import Context
from pillarbox.imap.wire import responses
from pillarbox.imap.wire.reader import Reader

_IMPLIED = {"QRESYNC": ("CONDSTORE",)}  # RFC 7162 §3.2.3


def parse_enable(reader: Reader, hooks: Hooks) -> list[str]:
    """The known names among those given; unknown ones are passed over."""
    names = [reader.word()]
    while reader.take(b" "):
        names.append(reader.word())
    return [name for name in dict.fromkeys(names) if name in hooks.enable]


async def run_enable(names: list[str], ctx: Context) -> Done:
    """All that was asked for and is on is listed, CONDSTORE, say, though SELECT brought it in:
    a client that does not find what it asked for takes it to be off.
    """
    for name in names:
        if name == "CONDSTORE" or "CONDSTORE" in _IMPLIED.get(name, ()):
            ctx.enable_condstore()
        ctx.enabled.add(name)
    shown = [_SHOWN.get(name, name) for name in names]
    ctx.send(responses.Enabled(shown))
    return Done()


_SHOWN = {"IMAP4REV2": "IMAP4rev2"}

COMMANDS = (CommandSpec("ENABLE", AUTHENTICATED, parse_enable, run_enable),)
