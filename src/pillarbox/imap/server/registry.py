"""The list of commands and extensions: no scanning, no registering on import. The tuple is it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from pillarbox.config.imap import ImapSettings
from pillarbox.imap.server.command import HOOK_FIELDS, CommandSpec, Extension, Hooks
from pillarbox.imap.server.commands import (
    append,
    copying,
    enable,
    expunge,
    fetch,
    idle,
    listing,
    mailbox_changes,
    noop,
    search,
    select,
    sign_in,
    status,
    store,
)
from pillarbox.imap.server.context import Context, State
from pillarbox.imap.server.extensions import (
    appendlimit,
    binary,
    compress,
    condstore,
    esearch,
    esort,
    id,  # noqa: A004 - the extension's own name
    in_base,
    objectid,
    preview,
    qresync,
    quota,
    savedate,
    searchres,
    signing_in,
    sort,
    sort_display,
    thread,
    utf8_accept,
    within,
)

BASE_COMMANDS: tuple[CommandSpec, ...] = (
    *noop.COMMANDS,
    *sign_in.COMMANDS,
    *enable.COMMANDS,
    *select.COMMANDS,
    *mailbox_changes.COMMANDS,
    *listing.COMMANDS,
    *status.COMMANDS,
    *append.COMMANDS,
    *idle.COMMANDS,
    *fetch.COMMANDS,
    *search.COMMANDS,
    *store.COMMANDS,
    *copying.COMMANDS,
    *expunge.COMMANDS,
)
EXTENSIONS: tuple[Extension, ...] = (
    *in_base.EXTENSIONS,
    signing_in.EXTENSION,
    id.EXTENSION,
    binary.EXTENSION,
    esearch.EXTENSION,
    searchres.EXTENSION,
    within.EXTENSION,
    condstore.EXTENSION,
    qresync.EXTENSION,
    objectid.EXTENSION,
    quota.EXTENSION,
    appendlimit.EXTENSION,
    utf8_accept.EXTENSION,
    sort.EXTENSION,
    sort_display.EXTENSION,
    esort.EXTENSION,
    thread.EXTENSION,
    preview.EXTENSION,
    savedate.EXTENSION,
    compress.EXTENSION,
)


def _hooks() -> Hooks:
    merged: dict[str, Any] = {}
    for field in HOOK_FIELDS:
        rows: dict[str, Any] = {}
        for extension in EXTENSIONS:
            for name, row in getattr(extension, field).items():
                if name in rows:
                    raise RuntimeError(f"two extensions add {name} to {field}")
                rows[name] = row
        merged[field] = rows
    names = frozenset(name for extension in EXTENSIONS for name in extension.enable)
    return Hooks(enable=names, **merged)


COMMANDS: dict[str, CommandSpec] = {
    spec.name: spec
    for specs in (BASE_COMMANDS, *(extension.commands for extension in EXTENSIONS))
    for spec in specs
}
HOOKS = _hooks()


@lru_cache(maxsize=8)  # a process has one settings value, or a few in tests
def hooks_for(settings: ImapSettings) -> Hooks:
    """What `parse` consults, with the limits of these settings."""
    return replace(HOOKS, limits=settings)


def capabilities(ctx: Context) -> tuple[str, ...]:
    """What this client may use now (RFC 9051 §6.1.1): less before it signed in."""
    found: list[str] = []
    before_login = ctx.state is State.NOT_AUTHENTICATED
    for extension in EXTENSIONS:
        if before_login and not extension.before_login:
            continue
        if extension.advertise is not None:
            found.extend(extension.advertise(ctx))
        else:
            found.extend(extension.capabilities)
    disabled = ctx.settings.disabled_capabilities
    if disabled:
        found = [name for name in found if name not in disabled]
    return tuple(dict.fromkeys(found))
