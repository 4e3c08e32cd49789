"""One HTTPS request to somebody else's server: bounded in octets and time, verified, no redirects.

The address that was checked is the one that is connected to: names are resolved once, and every
socket's address is looked at again when it is opened.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from pillarbox.errors import PillarboxError
from pillarbox.net.address_policy import PUBLIC, AddressPolicy

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from aiohttp.abc import AbstractResolver, ResolveResult

Resolve = Callable[[str], Awaitable[Sequence[str]]]  # a host name's addresses
Why = Literal["url", "address", "unreachable", "certificate", "timeout", "too large", "protocol"]

MAX_URL = 2048
MAX_ADDRESSES = 8  # of one host; the first that answers is taken
USER_AGENT = "Pillarbox"


class Fetched(Struct, frozen=True):
    """An answer, whatever its status."""

    status: int
    content_type: str
    body: bytes
    location: str = ""  # of a redirect, which is never followed here


class FetchFailed(PillarboxError):
    """No whole answer came. `why` is for the program, the sentence for the log."""

    def __init__(self, why: Why, sentence: str) -> None:
        super().__init__(sentence)
        self.why: Why = why


class Limits(Struct, frozen=True):
    """Of one request."""

    max_octets: int  # of the answer's body
    seconds: float  # from the question about the name to the last octet


async def fetch(
    url: str,
    *,
    address_policy: AddressPolicy = PUBLIC,
    max_octets: int,
    seconds: float,
    resolve: Resolve | None = None,
    context: ssl.SSLContext | None = None,
    plain: bool = False,
) -> Fetched:
    """GET. Raises FetchFailed. Without `resolve` the system is asked for addresses; `context` is
    one of `client_context`, for other authorities than the system's; `plain`: http, too."""
    caller = _Caller(address_policy, Limits(max_octets, seconds), resolve, context)
    caller.schemes = ("https", "http") if plain else ("https",)
    return await caller.request("GET", url, None, {})


async def post(
    url: str,
    body: bytes,
    content_type: str,
    *,
    address_policy: AddressPolicy = PUBLIC,
    limits: Limits,
    resolve: Resolve | None = None,
    context: ssl.SSLContext | None = None,
) -> Fetched:
    """POST. Raises FetchFailed. Whether the status means success is the caller's to know."""
    caller = _Caller(address_policy, limits, resolve, context)
    return await caller.request("POST", url, body, {"Content-Type": content_type})


class _Caller:
    def __init__(
        self,
        policy: AddressPolicy,
        limits: Limits,
        resolve: Resolve | None,
        context: ssl.SSLContext | None,
    ) -> None:
        self._policy = policy
        self._limits = limits
        self._resolve = resolve or _system_resolve
        self._context = context
        self._refused = False  # an address was there, and not allowed
        self.schemes: tuple[str, ...] = ("https",)

    async def request(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> Fetched:
        import aiohttp  # 0.2 s, and only few servers' few moments need it

        _check_url(url, self.schemes)
        context = self._context or client_context()
        try:
            async with asyncio.timeout(self._limits.seconds), self._session(context) as session:
                return await self._exchange(session, method, url, body, headers)
        except FetchFailed:
            raise
        except (ssl.SSLCertVerificationError, ssl.CertificateError) as error:
            raise FetchFailed("certificate", "The certificate is not valid there.") from error
        except TimeoutError as error:
            raise FetchFailed("timeout", "The server did not answer in time.") from error
        except (OSError, aiohttp.ClientConnectionError) as error:
            if self._refused:
                raise FetchFailed("address", "The host's addresses are not public.") from error
            raise FetchFailed("unreachable", "The server cannot be reached.") from error
        except aiohttp.InvalidURL as error:
            raise FetchFailed("url", "That is not a URL.") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise FetchFailed("protocol", "The server's answer is not HTTP.") from error

    def _session(self, context: ssl.SSLContext) -> ClientSession:
        import aiohttp

        connector = aiohttp.TCPConnector(
            ssl=context,
            resolver=_guarded(self._addresses),
            use_dns_cache=False,
            force_close=True,
            socket_factory=self._socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # none is asked for; what comes packed is not our format
            timeout=aiohttp.ClientTimeout(total=None),  # the one around all is enough
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )

    async def _exchange(
        self,
        session: ClientSession,
        method: str,
        url: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> Fetched:
        async with session.request(
            method, url, data=body, headers=headers, allow_redirects=False
        ) as response:
            pieces, octets = [], 0
            async for piece in response.content.iter_any():
                octets += len(piece)
                if octets > self._limits.max_octets:
                    raise FetchFailed("too large", "The server's answer is too large.")
                pieces.append(piece)
            content_type = response.headers.get("Content-Type", "")
            location = response.headers.get("Location", "")
            return Fetched(response.status, content_type, b"".join(pieces), location)

    async def _addresses(self, host: str, port: int) -> list[str]:
        found = await self._resolve(host)
        allowed = [address for address in found if self._policy.allows(address, port)]
        self._refused = bool(found) and not allowed
        if not allowed:
            raise OSError("no address to go to")
        return allowed[:MAX_ADDRESSES]

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Called for each address, also those that stand in the URL itself."""
        family, kind, protocol, _, address = info
        if not self._policy.allows(str(address[0]), int(address[1])):
            self._refused = True
            raise OSError("not an address to go to")
        return socket.socket(family, kind, protocol)


def client_context(authorities: str | None = None) -> ssl.SSLContext:
    """Verifies servers by the system's authorities, or by those in this PEM text.

    A host's name stands where names belong (RFC 8461 §3.3), and not in free text. Raises
    ssl.SSLError where the text holds no certificate.
    """
    if authorities is not None and not authorities.strip():
        # An empty text would be taken for none, and all that the system trusts with it.
        raise ssl.SSLError("there is no certificate in it")
    context = ssl.create_default_context(cadata=authorities)
    context.hostname_checks_common_name = False
    return context


def _check_url(url: str, schemes: tuple[str, ...]) -> None:
    """Raises FetchFailed unless this is https://host…, and nothing else than printable ASCII."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in schemes and bool(parts.hostname) and parts.username is None
        _ = parts.port  # ValueError when it is no number
    except ValueError:
        sound = False
    if not sound or len(url) > MAX_URL or not url.isascii() or not url.isprintable():
        raise FetchFailed("url", "Only https URLs are fetched, without a user name.")


async def _system_resolve(host: str) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _guarded(addresses: Callable[[str, int], Awaitable[list[str]]]) -> AbstractResolver:
    """A resolver for aiohttp, whose base class is there only once it is imported."""
    from aiohttp.abc import AbstractResolver

    class Guarded(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [_result(host, address, port) for address in await addresses(host, port)]

        async def close(self) -> None:
            pass

    return Guarded()


def _result(host: str, address: str, port: int) -> ResolveResult:
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
        "proto": 0,
        "flags": socket.AI_NUMERICHOST,
    }
