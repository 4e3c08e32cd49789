"""What a command is, and what an extension adds: two frozen rows.

The registry turns `EXTENSIONS` into one `Hooks`, which every `parse` gets beside its reader; so a
parsed command already holds the hooks that it needs, and `run` needs no registry.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from pillarbox.config.imap import ImapSettings
from pillarbox.imap.server.context import Context, State
from pillarbox.imap.wire.errors import BadSyntax

if TYPE_CHECKING:
    from pillarbox.imap.wire.codes import Code
    from pillarbox.imap.wire.reader import Reader
    from pillarbox.store.model import Mailbox


@dataclass(frozen=True, slots=True)
class Done:
    """A command's success: what its tagged OK says."""

    text: str = "done"
    code: Code | None = None


class Parse(Protocol):
    """Reads a command's arguments; the name and the space behind it are already taken.

    Raises the wire's `BadSyntax`. The session checks that nothing is left over.
    """

    def __call__(self, reader: Reader, hooks: Hooks) -> Any: ...


Run = Callable[[Any, Context], Awaitable[Done | None]]
ParseOption = Callable[["Reader"], Any]  # an option's value, its name already taken


def parse_options(reader: Reader, known: Mapping[str, ParseOption], command: str) -> dict[str, Any]:
    """`"(" [option *(SP option)] ")"` (RFC 4466 §2.1): values by name. Raises BadSyntax."""
    reader.expect(b"(")
    found: dict[str, Any] = {}
    while not reader.take(b")"):
        if found:
            reader.space()
        name = reader.word()
        parse = known.get(name)
        if parse is None or name in found:
            raise BadSyntax(f"{command} does not take {name[:40]} here.")
        found[name] = parse(reader)
    return found


ANY_STATE = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
NOT_AUTHENTICATED = frozenset({State.NOT_AUTHENTICATED})
AUTHENTICATED = frozenset({State.AUTHENTICATED, State.SELECTED})
SELECTED = frozenset({State.SELECTED})


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command: its name ("FETCH", "UID FETCH"), when it may come, how it is read and run."""

    name: str
    when: frozenset[State]
    parse: Parse
    run: Run
    uses_seqnums: bool = False  # no EXPUNGE is told before its tagged reply (RFC 9051 §7.5.1)
    breaks_seqnums: bool = False  # it tells EXPUNGE itself (EXPUNGE, MOVE), whatever it uses


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Extension:
    """All that one extension adds; hooks are named after the grammar's extension points
    (RFC 4466, RFC 9051 §9). Keys are upper case.
    """

    rfc: int
    capabilities: tuple[str, ...] = ()
    commands: tuple[CommandSpec, ...] = ()
    before_login: bool = False  # advertised in the greeting too
    advertise: Callable[[Context], tuple[str, ...]] | None = None  # where it depends on the state
    enable: tuple[str, ...] = ()  # names that ENABLE takes
    select_params: Mapping[str, ParseOption] = field(default_factory=_nothing)
    create_params: Mapping[str, ParseOption] = field(default_factory=_nothing)
    status_items: Mapping[str, StatusItem] = field(default_factory=_nothing)
    fetch_items: Mapping[str, Any] = field(default_factory=_nothing)  # commands.fetch.FetchItem
    fetch_modifiers: Mapping[str, ParseOption] = field(default_factory=_nothing)
    store_modifiers: Mapping[str, ParseOption] = field(default_factory=_nothing)
    search_keys: Mapping[str, Any] = field(default_factory=_nothing)  # commands.search_keys
    search_returns: Mapping[str, Any] = field(default_factory=_nothing)  # commands.search
    list_select: Mapping[str, ParseOption] = field(default_factory=_nothing)
    list_returns: Mapping[str, ParseOption] = field(default_factory=_nothing)
    append_items: Mapping[str, ParseOption] = field(default_factory=_nothing)
    response_codes: tuple[str, ...] = ()


class StatusItem(Protocol):
    """The value of one STATUS item, encoded (RFC 9051 §6.3.11)."""

    async def __call__(self, mailbox: Mailbox, ctx: Context) -> bytes: ...


HOOK_FIELDS = (
    "select_params",
    "create_params",
    "status_items",
    "fetch_items",
    "fetch_modifiers",
    "store_modifiers",
    "search_keys",
    "search_returns",
    "list_select",
    "list_returns",
    "append_items",
)


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks of all extensions, merged by name; what `parse` consults."""

    select_params: Mapping[str, ParseOption] = field(default_factory=_nothing)
    create_params: Mapping[str, ParseOption] = field(default_factory=_nothing)
    status_items: Mapping[str, StatusItem] = field(default_factory=_nothing)
    fetch_items: Mapping[str, Any] = field(default_factory=_nothing)
    fetch_modifiers: Mapping[str, ParseOption] = field(default_factory=_nothing)
    store_modifiers: Mapping[str, ParseOption] = field(default_factory=_nothing)
    search_keys: Mapping[str, Any] = field(default_factory=_nothing)
    search_returns: Mapping[str, Any] = field(default_factory=_nothing)
    list_select: Mapping[str, ParseOption] = field(default_factory=_nothing)
    list_returns: Mapping[str, ParseOption] = field(default_factory=_nothing)
    append_items: Mapping[str, ParseOption] = field(default_factory=_nothing)
    enable: frozenset[str] = frozenset()
    limits: ImapSettings = field(default_factory=ImapSettings)  # what one command may ask for


def parse_nothing(reader: Reader, hooks: Hooks) -> None:
    """For commands without arguments."""


def parse_no_value(reader: Reader) -> None:
    """For options that are only a name."""
