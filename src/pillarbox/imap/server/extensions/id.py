"""ID: who is at the other end, for the log (RFC 2971). Nothing is ever decided by it."""

from __future__ import annotations

from pillarbox import __version__
from pillarbox.imap.server.command import ANY_STATE, CommandSpec, Done, Extension, Hooks
from pillarbox.imap.server.context import Context
from pillarbox.imap.wire import responses
from pillarbox.imap.wire.errors import BadSyntax
from pillarbox.imap.wire.reader import Reader
from pillarbox.telemetry.log import get_logger

log = get_logger("imap")
_MAX_FIELDS = 30  # RFC 2971 §3.3
_LOGGED = ("name", "version", "os")
_LOGGED_CHARACTERS = 100


def parse_id(reader: Reader, hooks: Hooks) -> dict[str, str]:
    """`NIL`, or pairs of a field's name and its value in parentheses."""
    if not reader.peek(b"("):
        if reader.nstring() is not None:
            raise BadSyntax("ID takes a list or NIL.")
        return {}
    reader.expect(b"(")
    fields: dict[str, str] = {}
    while not reader.take(b")"):
        if fields:
            reader.space()
        name = reader.string().decode("utf-8", "replace").lower()
        reader.space()
        fields[name] = (reader.nstring() or b"").decode("utf-8", "replace")
        if len(fields) > _MAX_FIELDS:
            raise BadSyntax(f"ID takes {_MAX_FIELDS} fields at most.")
    return fields


async def run_id(fields: dict[str, str], ctx: Context) -> Done:
    """Log the client's, once a session; tell ours."""
    known = {name: fields[name][:_LOGGED_CHARACTERS] for name in _LOGGED if name in fields}
    if known and not ctx.client_logged:
        ctx.client_logged = True
        log.event(
            "imap.client", journey=ctx.journey, **{f"client_{k}": v for k, v in known.items()}
        )
    ctx.send(responses.Id((("name", "Pillarbox"), ("version", __version__))))
    return Done()


EXTENSION = Extension(
    rfc=2971,
    capabilities=("ID",),
    commands=(CommandSpec("ID", ANY_STATE, parse_id, run_id),),
    before_login=True,
)
