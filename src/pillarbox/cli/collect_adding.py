"""Adding a remote account, changing its settings, and giving it another password."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from pillarbox.cli.bringing import hinting, open_source
from pillarbox.cli.collect_named import Named, find_remote, remotes_of
from pillarbox.cli.collect_oauth import take_sign_in
from pillarbox.cli.collect_options import folders_of, send_as_of, server_of
from pillarbox.cli.collect_shown import describe
from pillarbox.cli.finding_servers import Place, find_place
from pillarbox.cli.opened import Opened, run_opened
from pillarbox.cli.output import answer, plain
from pillarbox.errors import NotAllowed
from pillarbox.flow.collect.presets import find_by_host
from pillarbox.flow.collect.settings import FolderChoice, RemoteSettings, SignIn
from pillarbox.flow.collect.source import AtSource


def add(options: argparse.Namespace) -> int:
    """`pillarbox collect add`."""

    async def work(opened: Opened) -> tuple[int, RemoteSettings, str]:
        account = await opened.admin.find_account(options.account)
        place = await find_place(opened, options)
        settings = _settings(options, place)
        there = await remotes_of(opened).find_place(account.id, settings)
        if there is not None and not there.settings.once:
            raise NotAllowed(f"Mail is collected from there already, as number {there.id}.")
        sign_in = await take_sign_in(opened, options, place.preset, settings)
        if not options.untested:
            await _try(opened, options, settings, sign_in)
        by_itself = not options.paused
        if there is not None:
            await remotes_of(opened).go_on(there.id, settings, sign_in, by_itself=by_itself)
            return there.id, settings, " What was moved in from there does not come again."
        number = await remotes_of(opened).add(account.id, settings, sign_in, by_itself=by_itself)
        return number, settings, ""

    number, settings, before = run_opened(options, work)
    told = {"number": number, "account": options.account, "name": settings.label}
    if options.paused:
        begins = f"'pillarbox collect resume {options.account} {number}' lets it begin."
    else:
        begins = "The running server begins now and goes on."
    return answer(
        options.json, told, f"Added {settings.label} as number {number}.{before} {begins}"
    )


def _settings(options: argparse.Namespace, place: Place) -> RemoteSettings:
    if not place.login:
        raise NotAllowed("Say who you are there: --login, or an address behind the account.")
    return RemoteSettings(
        kind=place.protocol,
        server=place.server,
        login=place.login,
        label=options.label or place.login,
        schedule_seconds=900 if options.every is None else options.every,
        idle=bool(options.idle),
        folders=folders_of(options),
        at_source=options.at_source or AtSource(),
        into=options.into,
        keyword=options.keyword,
        skip_spam=options.skip_spam,
        filtered=bool(options.filtered),
        two_way=bool(options.two_way),
        send_as=send_as_of(options),
        allow_private=options.allow_private,
    )


async def _try(
    opened: Opened, options: argparse.Namespace, settings: RemoteSettings, sign_in: SignIn
) -> None:
    """Sign in and list the folders; raises SourceFailure, and then nothing is stored."""
    source = await open_source(opened, options, settings, sign_in)
    try:
        with hinting(options):
            await source.folders()
    finally:
        await source.close()


def edit(options: argparse.Namespace) -> int:
    """`pillarbox collect edit`."""

    async def work(opened: Opened) -> Named:
        named = await find_remote(opened, options, once=False)
        settings = msgspec.structs.replace(
            named.remote.settings, **_changes(options, named.remote.settings)
        )
        if settings == named.remote.settings:
            raise NotAllowed("Say what to change; 'pillarbox collect edit --help' lists it.")
        await remotes_of(opened).change(named.remote.id, settings)
        return Named(await remotes_of(opened).get(named.remote.id), named.login)

    named = run_opened(options, work)
    told = {"number": named.remote.id, "settings": msgspec.to_builtins(named.remote.settings)}
    return answer(options.json, told, "\n".join(describe(named)))


def _changes(options: argparse.Namespace, old: RemoteSettings) -> dict[str, Any]:
    """What was given, by the names of RemoteSettings."""
    given = {
        "label": options.label,
        "schedule_seconds": options.every,
        "idle": options.idle,
        "at_source": options.at_source,
        "into": options.into,
        "keyword": options.keyword,
        "skip_spam": options.skip_spam,
        "filtered": options.filtered,
        "two_way": options.two_way,
        "send_as": send_as_of(options),
        "allow_private": options.allow_private or None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    folders = folders_of(options)
    if folders != FolderChoice():
        changes["folders"] = folders
    if options.login:
        raise NotAllowed("'pillarbox collect sign-in --login' changes who you are there.")
    if options.host or options.port or options.tls:
        assert old.server is not None
        host = options.host or old.server.host
        tls = options.tls or (old.server.tls if not options.port else None)
        port = options.port or (old.server.port if not options.host else None)
        changes["server"] = server_of(old.kind, host, port, tls)
    return changes


def sign_in(options: argparse.Namespace) -> int:
    """`pillarbox collect sign-in`."""

    async def work(opened: Opened) -> Named:
        named = await find_remote(opened, options, once=False)
        settings = named.remote.settings
        if options.login:
            settings = msgspec.structs.replace(settings, login=options.login)
        assert settings.server is not None
        preset = find_by_host(settings.server.host)
        given = await take_sign_in(opened, options, preset, settings)
        if not options.untested:
            await _try(opened, options, settings, given)
        await remotes_of(opened).set_sign_in(named.remote.id, given)
        return named

    named = run_opened(options, work)
    told = {"number": named.remote.id, "account": named.login, "signed_in": not options.untested}
    sentence = f"{plain(named.remote.label)} goes on with it."
    return answer(options.json, told, sentence)
