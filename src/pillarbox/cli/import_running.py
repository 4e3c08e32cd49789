"""`pillarbox import imap`, `mbox` and the others: once, and again until nothing is missing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pillarbox.cli.bringing import bring, print_brought
from pillarbox.cli.collect_named import remotes_of
from pillarbox.cli.collect_oauth import take_sign_in
from pillarbox.cli.collect_options import folders_of
from pillarbox.cli.finding_servers import find_server
from pillarbox.cli.forecasting import Asked, forecast_now
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.errors import AlreadyExists, NotAllowed
from pillarbox.flow.collect.presets import find_by_host
from pillarbox.flow.collect.remotes import Remote
from pillarbox.flow.collect.settings import MAX_LABEL, RemoteSettings, SignIn
from pillarbox.ids import AccountId

_MOST_LABELS = 1000  # tries to find one that is free
AGAIN = "the same command again goes on where this one ended."


def bring_over(options: argparse.Namespace) -> int:
    """`pillarbox import imap`, `mbox`, …"""

    async def work(opened: Opened) -> int:
        account = await opened.admin.find_account(options.account)
        settings = await settings_of(opened, options)
        known = await known_import(opened, account.id, settings)
        sign_in = await sign_in_of(opened, options, settings)
        if options.dry_run:
            asked = Asked(
                account=account.id,
                login=account.login,
                known=known,
                settings=settings,
                sign_in=sign_in,
            )
            return await forecast_now(opened, options, asked)
        remote = await _kept(opened, account.id, known, settings)
        brought = await bring(opened, options, remote, sign_in)
        if known is None and brought.came_to_nothing:
            await remotes_of(opened).remove(remote.id)
        return print_brought(brought, options, remote.label, AGAIN)

    return run_opened(options, work)


async def settings_of(opened: Opened, options: argparse.Namespace) -> RemoteSettings:
    """What is to be brought over, from the command line. Raises BadRemote, NotAllowed."""
    server, path, login = None, "", ""
    if options.kind == "file":
        path = _existing(options.path)
        name = f"{'files' if options.form == 'auto' else options.form} {path}"
    else:
        place = await find_server(opened, options, options.kind, options.login)
        server, login = place.server, place.login
        name = f"{options.kind} {login} at {server.host}"
    return RemoteSettings(
        kind=options.kind,
        server=server,
        login=login,
        path=path,
        label=f"…{name[-MAX_LABEL + 1 :]}" if len(name) > MAX_LABEL else name,
        folders=folders_of(options),
        into=options.into,
        keyword=options.keyword,
        skip_spam=options.skip_spam,
        mirror=getattr(options, "mirror", False),
        allow_private=getattr(options, "allow_private", False),
        once=True,
    )


def _existing(path: str) -> str:
    """The whole path. Raises NotAllowed."""
    found = Path(path).resolve()
    try:
        there = found.exists()
    except OSError as error:  # a folder above it is closed to the user that serves
        raise NotAllowed(
            f"{path} cannot be read: {error.strerror}. The user that owns Pillarbox's data must "
            "be able to read it; copy it to where that user can, under /tmp for instance."
        ) from None
    if not there:
        raise NotAllowed(f"There is no file or folder {path}.")
    return str(found)


async def sign_in_of(
    opened: Opened, options: argparse.Namespace, settings: RemoteSettings
) -> SignIn | None:
    """Who we are there; it is not stored. None for files."""
    if settings.server is None:
        return None
    return await take_sign_in(opened, options, find_by_host(settings.server.host), settings)


async def known_import(
    opened: Opened, account: AccountId, settings: RemoteSettings
) -> Remote | None:
    """The same import, if it was begun before. Raises NotAllowed where it is collected from."""
    remote = await remotes_of(opened).find_place(account, settings)
    if remote is None or remote.settings.once:
        return remote
    raise NotAllowed(
        f"Mail is collected from there already, as number {remote.id}; moving in beside it "
        "would bring everything twice. 'pillarbox collect run' brings what is there now."
    )


async def _kept(
    opened: Opened, account: AccountId, known: Remote | None, settings: RemoteSettings
) -> Remote:
    """The import as it is stored, with what the command line says this time."""
    remotes = remotes_of(opened)
    if known is not None:
        settings = msgspec.structs.replace(settings, label=known.label)
        if settings != known.settings:
            await remotes.change(known.id, settings)
        return await remotes.get(known.id)
    for label in _labels(settings.label):
        named = msgspec.structs.replace(settings, label=label)
        try:
            number = await remotes.add(account, named, None, by_itself=False)
        except AlreadyExists:
            continue
        return await remotes.get(number)
    raise AlreadyExists("There are too many imports from there; remove some of them.")


def _labels(wished: str) -> Iterator[str]:
    yield wished
    for number in range(2, _MOST_LABELS):
        tail = f" ({number})"
        yield wished[: MAX_LABEL - len(tail)] + tail
