"""COMPRESS=DEFLATE: everything behind the tagged OK is deflated, both ways (RFC 4978)."""

from __future__ import annotations

from pillarbox.imap.server.command import AUTHENTICATED, CommandSpec, Done, Extension, Hooks
from pillarbox.imap.server.context import After, Context, No
from pillarbox.imap.wire import codes
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader


def parse_compress(reader: Reader, hooks: Hooks) -> str:
    """The mechanism's name."""
    return reader.word()


async def run_compress(mechanism: str, ctx: Context) -> Done:
    """The connection changes behind the tagged OK."""
    if mechanism != "DEFLATE":
        raise BadSyntax("The only compression is DEFLATE.")
    if ctx.link.is_compressed:
        raise No("Compression is on already.", codes.COMPRESSION_ACTIVE)
    if not ctx.link.can_compress:
        raise No("Compression is not offered.", codes.CANNOT)
    ctx.after = After.COMPRESS
    return Done("compressed from here on")


def _advertise(ctx: Context) -> tuple[str, ...]:
    return ("COMPRESS=DEFLATE",) if ctx.link.can_compress else ()


EXTENSION = Extension(
    rfc=4978,
    capabilities=("COMPRESS=DEFLATE",),
    commands=(CommandSpec("COMPRESS", AUTHENTICATED, parse_compress, run_compress),),
    advertise=_advertise,
    response_codes=("COMPRESSIONACTIVE",),
)
