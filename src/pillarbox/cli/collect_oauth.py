"""Signing in elsewhere: with a password, or by OAuth, with a person and a browser."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from pillarbox.cli.collect_secrets import read_secret, take_secret
from pillarbox.cli.opened import Opened
from pillarbox.cli.output import plain
from pillarbox.clock import SystemClock
from pillarbox.errors import NotAllowed
from pillarbox.flow.collect.oauth import OAuth
from pillarbox.flow.collect.oauth_messages import Registration
from pillarbox.flow.collect.oauth_offered import endpoints_of, has_own
from pillarbox.flow.collect.oauth_redirect import loopback_redirect
from pillarbox.flow.collect.presets import OAuthEndpoints, Preset
from pillarbox.flow.collect.settings import OAuthGrant, RemoteSettings, SignIn
from pillarbox.net.secret import Secret

_LONGEST_LINE = 16_384  # characters of a pasted address


def wants_oauth(options: argparse.Namespace, preset: Preset | None) -> bool:
    """Whether it is signed in by OAuth and not by a password."""
    if options.client_id or options.device or options.token_url:
        return True
    if options.password_stdin or options.password_file:
        return False
    return preset is not None and preset.proof == "oauth" and preset.oauth is not None


async def take_sign_in(
    opened: Opened, options: argparse.Namespace, preset: Preset | None, settings: RemoteSettings
) -> SignIn:
    """By OAuth or by a password, whichever is right there. Raises NotAllowed, SourceFailure."""
    assert settings.server is not None
    if wants_oauth(options, preset):
        return await sign_in_there(opened, options, preset, settings.login)
    if preset is not None and preset.sign_in and sys.stdin.isatty():
        _say(f"{preset.title}: {preset.sign_in}")
    who = f"{settings.login} at {settings.server.host}"
    return SignIn(settings.login, take_secret(options, who))


async def sign_in_there(
    opened: Opened, options: argparse.Namespace, preset: Preset | None, login: str
) -> SignIn:
    """Lead a person through it. Raises SourceFailure, NotAllowed."""
    registration = registration_of(opened, options, preset)
    oauth = OAuth(SystemClock(), limits=opened.settings.collect.oauth_limits)
    if options.device:
        grant = await _by_device(oauth, registration)
    else:
        seconds = opened.settings.collect.oauth_limits.sign_in_seconds
        grant = await _by_browser(oauth, registration, login, seconds)
    return SignIn(login, grant)


def registration_of(
    opened: Opened, options: argparse.Namespace, preset: Preset | None
) -> Registration:
    """What the provider knows this server as: from the command line or `collect.oauth`."""
    if options.token_url:
        return _registration_given(options)
    if preset is None or preset.oauth is None:
        raise NotAllowed(
            "OAuth is known by name for Gmail and Outlook only. Sign in with a password, or give "
            "--token-url and its like, as that provider says."
        )
    client_id, secret = options.client_id, options.client_secret_file or None
    provider, endpoints = preset.name, preset.oauth
    if not client_id:
        for known in opened.settings.collect.oauth:
            if known.provider == preset.name:
                folder = Path(opened.settings.store.data_dir)
                if known.client_secret_file:
                    secret = read_secret(folder / known.client_secret_file, "client secret")
                elif known.client_secret:
                    secret = Secret(known.client_secret)
                client_id = known.client_id
                if has_own(known):
                    provider, endpoints = "", endpoints_of(known) or endpoints
    if not client_id:
        raise NotAllowed(
            f"{preset.title} must know this server first: register an application there, and give "
            "its client id with --client-id, or for all accounts in [[collect.oauth]]. "
            f"{preset.sign_in}"
        )
    return Registration(
        provider=provider, endpoints=endpoints, client_id=client_id, client_secret=secret
    )


def _registration_given(options: argparse.Namespace) -> Registration:
    """At any provider, by its endpoints (RFC 6749 §3). Raises NotAllowed."""
    begin = options.device_url if options.device else options.authorization_url
    if not (begin and options.client_id and options.scope):
        raise NotAllowed(
            "With --token-url also give --client-id, --scope and --authorization-url (with "
            "--device: --device-url)."
        )
    endpoints = OAuthEndpoints(
        authorization=options.authorization_url,
        token=options.token_url,
        device=options.device_url,
        scope=options.scope,
    )
    secret = options.client_secret_file or None
    return Registration(
        provider="", endpoints=endpoints, client_id=options.client_id, client_secret=secret
    )


async def _by_device(oauth: OAuth, registration: Registration) -> OAuthGrant:
    asked = await oauth.begin_device(registration)
    _say(
        f"On any device, open\n\n  {plain(asked.verification_uri)}\n\nand type the code\n\n"
        f"  {plain(asked.user_code)}\n\nWaiting until you have signed in there …"
    )
    return await oauth.await_device(asked)


async def _by_browser(
    oauth: OAuth, registration: Registration, login: str, seconds: float
) -> OAuthGrant:
    """The browser comes back to this computer; from another one the person brings the answer."""
    if not sys.stdin.isatty():
        raise NotAllowed("Signing in by OAuth needs a person at a terminal; --device needs none.")
    async with loopback_redirect() as redirect:
        asked = oauth.begin(registration, redirect.uri, login)
        _say(
            f"Open this address in a browser and sign in:\n\n  {asked.url}\n\n"
            "With a browser on this computer, that is all. With one on another computer, the last "
            f"page cannot be loaded: copy its address (it begins with {redirect.uri}) and paste it "
            "here:"
        )
        answers = [
            asyncio.ensure_future(redirect.answer(asked, seconds)),
            asyncio.ensure_future(_typed()),
        ]
        try:
            done, _ = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
            return await oauth.redeem(asked, done.pop().result())
        finally:
            for answer in answers:
                answer.cancel()
            await asyncio.gather(*answers, return_exceptions=True)


async def _typed() -> str:
    """A line of the terminal, while the loop goes on."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline(_LONGEST_LINE).strip()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
