"""Pictures of other servers, fetched by us: a sender learns neither who looks, nor with what."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from pillarbox.clock import Clock
from pillarbox.config.bodies import PictureSettings
from pillarbox.errors import NotAllowed, NotFound, Throttled
from pillarbox.ids import AccountId
from pillarbox.message.raster import MOST_SNIFFED, raster_type
from pillarbox.net.address_policy import AddressPolicy
from pillarbox.net.https import Fetched, FetchFailed, Resolve, fetch
from pillarbox.net.secret import Secret
from pillarbox.web.bodies.minutes import Minutes
from pillarbox.web.bodies.picture_store import Picture, PictureStore
from pillarbox.web.services import WebServices

_PURPOSE = b"pillarbox picture proxy 1"
_MARK_OCTETS = 18
_SPARE_SHARE = 2  # of an account's pictures in a minute, half are for who looks
_LONGEST_URL = 2048  # as `net.https` takes
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_HERE = "That picture cannot be shown."
_OFF = "This server does not fetch pictures. Whoever runs it can allow it: web.pictures.enabled."


class PicturePolicy(AddressPolicy, frozen=True):
    """Public addresses only, and none of this computer."""

    def allows(self, address: str, port: int) -> bool:
        """Whether to connect there."""
        return super().allows(address, port) and (self.private or not is_own(address))


class Fetching(Protocol):
    """One request, no redirects followed."""

    async def __call__(self, url: str, seconds: float) -> Fetched:
        """Raises FetchFailed."""


class Pictures:
    """One for a worker."""

    def __init__(
        self,
        settings: PictureSettings,
        key: Secret,
        clock: Clock,
        store: PictureStore,
        fetching: Fetching,
        own_hosts: Iterable[str] = (),
    ) -> None:
        self._settings = settings
        self._key = hashlib.sha256(_PURPOSE + key.reveal()).digest()
        self._clock = clock
        self._store = store
        self._fetching = fetching
        self._own_hosts = frozenset(host.lower().rstrip(".") for host in own_hosts)
        self._places = asyncio.Semaphore(settings.at_once)
        self._minutes = Minutes(store.folder.with_suffix(".counts"), clock)

    @classmethod
    def of(cls, services: WebServices) -> Pictures:
        """Of this server."""
        settings = services.settings.web.pictures
        folder = Path(services.settings.store.data_dir) / "cache" / "pictures"
        store = PictureStore(folder, settings, services.clock)
        own = (services.hostname, *services.settings.web.hosts)
        return cls(settings, services.server_key, services.clock, store, Fetcher(settings), own)

    @property
    def enabled(self) -> bool:
        """Whether any is fetched."""
        return self._settings.enabled

    def address(self, account: AccountId, url: str) -> str:
        """Where the account's person gets it."""
        target = base64.urlsafe_b64encode(url.encode()).rstrip(b"=").decode()
        return f"/imgproxy/{self._mark(account, url)}/{target}"

    async def get(self, account: AccountId, mark: str, target: str) -> Picture:
        """Raises NotAllowed, NotFound, Throttled."""
        if not self.enabled:
            raise NotAllowed(_OFF)
        url = _url_of(target)
        if url is None or not hmac.compare_digest(mark.encode(), self._mark(account, url).encode()):
            raise NotFound(_NOT_HERE)
        return await self._find(account, url, 0)

    async def get_ahead(self, account: AccountId, url: str) -> None:
        """Before anybody asks for it. Raises NotFound; Throttled, so that enough is left for who
        looks."""
        await self._find(account, url, self._settings.per_minute // _SPARE_SHARE)

    async def _find(self, account: AccountId, url: str, spare: int) -> Picture:
        """`spare`: so many of an account's in a minute are not for this."""
        key = hashlib.sha256(f"{account} {url}".encode()).hexdigest()
        kept = await asyncio.to_thread(self._store.find, key)
        if kept is not None:
            return kept
        self._count(account, spare)
        async with self._places:
            picture = await self._fetch(url)
        await asyncio.to_thread(self._store.keep, key, picture)
        return picture

    def _mark(self, account: AccountId, url: str) -> str:
        octets = hmac.digest(self._key, f"{account} {url}".encode(), "sha256")[:_MARK_OCTETS]
        return base64.urlsafe_b64encode(octets).decode()

    async def _fetch(self, url: str) -> Picture:
        ends_at = self._clock.monotonic() + self._settings.seconds
        for _ in range(self._settings.redirects + 1):
            self._check_host(url)
            left = ends_at - self._clock.monotonic()
            try:
                if left <= 0:
                    break
                fetched = await self._fetching(url, left)
                if fetched.status not in _REDIRECTS or not fetched.location:
                    return _picture(fetched)
                url = urljoin(url, fetched.location)
            except (FetchFailed, ValueError):
                break
        raise NotFound(_NOT_HERE)

    def _check_host(self, url: str) -> None:
        try:
            host = (urlsplit(url).hostname or "").lower().rstrip(".")
        except ValueError:
            host = ""
        if not host or host in self._own_hosts:
            raise NotFound(_NOT_HERE)

    def _count(self, account: AccountId, spare: int) -> None:
        most = self._settings.per_minute
        # What was held back for others is not counted: it must not take their places.
        is_held_back = bool(spare) and self._minutes.count(account) >= most - spare
        if is_held_back or self._minutes.add(account) > most:
            raise Throttled("Too many pictures in a minute. Wait for the next one.")


class Fetcher:
    """Over the network."""

    def __init__(
        self,
        settings: PictureSettings,
        policy: AddressPolicy | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._settings = settings
        self._policy = policy or PicturePolicy(ports=(80, 443))
        self._resolve = resolve

    async def __call__(self, url: str, seconds: float) -> Fetched:
        """Raises FetchFailed."""
        return await fetch(
            url,
            address_policy=self._policy,
            max_octets=self._settings.octets,
            seconds=seconds,
            resolve=self._resolve,
            plain=True,
        )


def is_own(address: str) -> bool:
    """Whether packets for it would not leave this computer; none is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return bool(probe.getsockname()[0] == address)
    except OSError:
        return False  # no way there at all


def _picture(fetched: Fetched) -> Picture:
    kind = raster_type(fetched.body[:MOST_SNIFFED])
    if fetched.status != 200 or kind is None:
        raise NotFound(_NOT_HERE)
    return Picture(kind, fetched.body)


def _url_of(target: str) -> str | None:
    try:
        octets = base64.urlsafe_b64decode(target + "=" * (-len(target) % 4))
        return octets.decode()
    except (binascii.Error, ValueError):
        return None
