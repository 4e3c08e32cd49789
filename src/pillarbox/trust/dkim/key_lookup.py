"""The key of a signature: asked of the DNS, read, and held against what it may do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.trust.dkim.key_record import KeyRecord, read_key_record
from pillarbox.trust.dkim.result import Unverified
from pillarbox.trust.dkim.signature import ALGORITHMS, Sealed

if TYPE_CHECKING:
    from pillarbox.config.trust import TrustSettings
    from pillarbox.dns.resolver import Resolver

_RECORDS_TRIED = 3  # RFC 6376 §6.1.2 lets us try all of several records; one is what there may be


class Keys(Struct, frozen=True):
    """The keys that stand at a signature's name, at least one."""

    records: tuple[KeyRecord, ...]
    authentic: bool

    def verifying(self, signature: bytes, digest: bytes) -> KeyRecord | None:
        """The key with which this SHA-256 was signed."""
        return next((key for key in self.records if key.verifies(signature, digest)), None)


class KeyRing:
    """The keys of all of a message's signatures, or why there is none."""

    def __init__(self, found: dict[tuple[str, str], Keys | Unverified]) -> None:
        self._found = found

    def keys(self, sealed: Sealed) -> Keys:
        """The keys of one that was looked up. Raises Unverified."""
        found = self._found[sealed.key_name, sealed.algorithm]
        if isinstance(found, Unverified):
            raise found
        return found


async def look_up(wanted: Iterable[Sealed], resolver: Resolver, settings: TrustSettings) -> KeyRing:
    """The keys of some signatures, asked for all at the same time; each name once."""
    names = {(sealed.key_name, sealed.algorithm): sealed for sealed in wanted}

    async def one(sealed: Sealed) -> Keys | Unverified:
        try:
            async with asyncio.timeout(settings.dkim_seconds):
                return await _find_keys(sealed, resolver, settings)
        except Unverified as error:
            return error
        except TimeoutError:
            return Unverified("temperror", "the DNS took too long")

    if len(names) == 1:  # as nearly always: no task is needed
        return KeyRing({name: await one(sealed) for name, sealed in names.items()})
    found = await asyncio.gather(*map(one, names.values()))
    return KeyRing(dict(zip(names, found, strict=True)))


async def _find_keys(sealed: Sealed, resolver: Resolver, settings: TrustSettings) -> Keys:
    """Raises Unverified: no key, none that may be used for this, or no answer now."""
    try:
        answer = await resolver.txt(sealed.key_name)
    except DnsFailure as error:
        raise Unverified(
            "temperror", f"the DNS gave no answer about the key: {error.why}"
        ) from error
    except BadDnsName as error:
        raise Unverified("permerror", "s= and d= together are not a name") from error
    if not answer.records:
        raise Unverified("permerror", "there is no key at s= and d=")
    usable: list[KeyRecord] = []
    refused: list[Unverified] = []
    for record in answer.records[:_RECORDS_TRIED]:
        try:
            key = read_key_record(record, settings.dkim_max_key_record_octets)
            _check_use(key, sealed, settings)
            usable.append(key)
        except Unverified as error:
            refused.append(error)
    if not usable:
        raise refused[0]
    return Keys(tuple(usable), answer.authentic)


def _check_use(key: KeyRecord, sealed: Sealed, settings: TrustSettings) -> None:
    """Raises Unverified (RFC 6376 §6.1.2; for the size of keys RFC 8301 §3.2)."""
    if key.kind != ALGORITHMS[sealed.algorithm]:
        raise Unverified("permerror", "the key is for another algorithm than a=")
    if key.hashes and "sha256" not in key.hashes:
        raise Unverified("permerror", "the key is not for sha256")
    if "*" not in key.services and "email" not in key.services:
        raise Unverified("permerror", "the key is not for mail")
    if key.kind != "rsa":
        return
    if key.bits < settings.dkim_min_rsa_bits:
        raise Unverified("policy", f"the key has only {key.bits} bits")
    if key.bits > settings.dkim_max_rsa_bits:
        raise Unverified("policy", f"the key has {key.bits} bits: too costly to try")
