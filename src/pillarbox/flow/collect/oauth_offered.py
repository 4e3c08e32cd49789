"""Where people can sign in by OAuth: providers that know this server, by their mail servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pillarbox.config.collect import OAuthProviderSettings
from pillarbox.errors import NotAllowed
from pillarbox.flow.collect.oauth_messages import Registration
from pillarbox.flow.collect.presets import OAuthEndpoints, Preset, find_named
from pillarbox.flow.collect.settings import BadRemote, RemoteSettings
from pillarbox.net.secret import Secret

_MAX_SECRET = 4096  # octets of a file's first line


class Offers:
    """What the administrator has registered."""

    def __init__(self, registered: tuple[OAuthProviderSettings, ...], data_dir: Path) -> None:
        self._registered = registered
        self._data_dir = data_dir

    def hosts(self) -> list[str]:
        """Mail servers that take the tokens of one of them."""
        return [host for one in self._registered if endpoints_of(one) for host in _hosts(one)]

    def find(self, host: str) -> Registration | None:
        """The one whose tokens a mail server takes: no other server ever sees them.

        Raises NotAllowed where the secret cannot be read.
        """
        wanted = _folded(host)
        for one in self._registered:
            endpoints = endpoints_of(one)
            if endpoints is not None and wanted in _hosts(one):
                return Registration(
                    provider="" if has_own(one) else one.provider,
                    endpoints=endpoints,
                    client_id=one.client_id,
                    client_secret=self._secret(one),
                )
        return None

    def check_sending(self, settings: RemoteSettings) -> None:
        """Whether a permission for a place may be shown where is written from it.

        Raises BadRemote.
        """
        if settings.server is None or settings.send_as is None:
            return
        pair = {_folded(settings.server.host), _folded(settings.send_as.server.host)}
        if len(pair) > 1 and not any(pair.issubset(_hosts(one)) for one in self._registered):
            raise BadRemote(
                f"{settings.send_as.server.host} is no server of the provider where you signed in: "
                "what you were permitted there is not shown to it."
            )

    def _secret(self, one: OAuthProviderSettings) -> Secret | None:
        if not one.client_secret_file:
            return Secret(one.client_secret) if one.client_secret else None
        try:
            with (self._data_dir / one.client_secret_file).open("rb") as file:
                line = file.readline(_MAX_SECRET).strip()
        except OSError as error:
            raise NotAllowed(
                f"This server's secret for {one.provider} cannot be read. Whoever runs it should "
                "look at collect.oauth."
            ) from error
        return Secret(line)


def has_own(one: OAuthProviderSettings) -> bool:
    """Whether the settings name addresses: a grant must remember them then."""
    return bool(one.authorization_url or one.token_url)


def endpoints_of(one: OAuthProviderSettings) -> OAuthEndpoints | None:
    """The provider's, unless the settings name others: a company's own sign-in, say."""
    preset = find_named(one.provider)
    known = preset.oauth if preset is not None else None
    authorization = one.authorization_url or (known.authorization if known is not None else "")
    token = one.token_url or (known.token if known is not None else "")
    scope = one.scope or (known.scope if known is not None else "")
    if not (authorization and token and scope):
        return None
    more = known.more if known is not None else ()
    return OAuthEndpoints(authorization=authorization, token=token, scope=scope, more=more)


def _folded(host: str) -> str:
    return host.strip().lower().removesuffix(".")


def _hosts(one: OAuthProviderSettings) -> tuple[str, ...]:
    preset = find_named(one.provider)
    if one.hosts or preset is None:
        return tuple(host.lower() for host in one.hosts)
    return tuple(dict.fromkeys(_servers_of(preset)))


def _servers_of(preset: Preset) -> Iterator[str]:
    servers = preset.servers
    for spec in (servers.imap, servers.pop3, servers.smtp):
        if spec is not None:
            yield spec.host
