"""A domain's DKIM keys over time: made, published, used, retired."""

from __future__ import annotations

from datetime import datetime

from pillarbox.accounts.names import fold_domain
from pillarbox.clock import Clock
from pillarbox.dns.errors import DnsFailure
from pillarbox.dns.resolver import Resolver
from pillarbox.errors import AlreadyExists, NoSuchDomain, NotAllowed, NotFound
from pillarbox.net.secret import Secret
from pillarbox.store import Store, Transaction
from pillarbox.store.sql import accounts, dkim_keys
from pillarbox.store.sql.dkim_keys import DkimKeyRow, KeyState
from pillarbox.trust.dkim import SigningKey, dns_record, generate_key
from pillarbox.trust.dkim.key_record import read_key_record
from pillarbox.trust.dkim.keys import Algorithm
from pillarbox.trust.dkim.result import Unverified

# Both side by side: every receiver knows RSA, and Ed25519's signatures are short (RFC 8463 §1).
_ALGORITHMS: tuple[tuple[str, Algorithm], ...] = (("r", "rsa-sha256"), ("e", "ed25519-sha256"))

_LONGEST_RECORD = 4096  # octets of a record that is compared with ours, of 400


class DkimKeys:
    """What `pillarbox dkim` does."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def make(self, domain: str) -> list[DkimKeyRow]:
        """A pair of keys. The first pair of a domain signs at once, a later one waits.

        Raises NoSuchDomain, and AlreadyExists while a pair waits.
        """
        folded = fold_domain(domain)
        old = await self._store.read(lambda db: dkim_keys.list_keys(db, folded))
        if any(key.state is KeyState.WAITING for key in old):
            raise AlreadyExists(
                f"New keys of {folded} wait to be used. Publish their records, then say "
                f"'pillarbox dkim activate {folded}'."
            )
        state = KeyState.WAITING if old else KeyState.SIGNING
        selectors = _new_selectors(self._clock.now(), {key.selector for key in old})
        made = []
        for selector, algorithm in selectors:
            pem, _ = generate_key(algorithm)
            made.append(DkimKeyRow(folded, selector, algorithm, Secret(pem), state, 0, 0))

        async def keep(tx: Transaction) -> None:
            if not await accounts.has_domain(tx, folded):
                raise NoSuchDomain
            for key in made:
                await dkim_keys.add(tx, key)

        await self._store.write(keep)
        return made

    async def make_first(self, domain: str) -> list[DkimKeyRow]:
        """Those of a domain that has none yet. Raises NoSuchDomain, AlreadyExists."""
        folded = fold_domain(domain)
        if await self.list_keys(folded):
            raise AlreadyExists(
                f"{folded} has keys. 'pillarbox dkim list {folded}' shows them, "
                f"'pillarbox dkim rotate {folded}' makes the next ones."
            )
        return await self.make(folded)

    async def ensure(self, domain: str) -> None:
        """The same for a domain that is new, or has come back with its old keys."""
        if not await self.list_keys(domain):
            await self.make(domain)

    async def list_keys(self, domain: str = "") -> list[DkimKeyRow]:
        """All, or a domain's."""
        folded = fold_domain(domain) if domain else ""
        return await self._store.read(lambda db: dkim_keys.list_keys(db, folded))

    async def activate(self, domain: str, resolver: Resolver | None) -> list[DkimKeyRow]:
        """Sign with the keys that wait, no longer with the old ones, whose records must stay.

        With a resolver the new records must be seen first: raises NotAllowed when one is not, and
        NotFound when no keys wait.
        """
        folded = fold_domain(domain)
        keys = await self.list_keys(folded)
        waiting = [key for key in keys if key.state is KeyState.WAITING]
        if not waiting:
            raise NotFound(
                f"No keys of {folded} wait; 'pillarbox dkim rotate {folded}' makes some."
            )
        if resolver is not None:
            for key in waiting:
                await _check_published(key, resolver)

        async def change(tx: Transaction) -> None:
            for key in keys:
                if key.state is KeyState.SIGNING:
                    await dkim_keys.set_state(tx, folded, key.selector, KeyState.RETIRED)
            for key in waiting:
                await dkim_keys.set_state(tx, folded, key.selector, KeyState.SIGNING)

        await self._store.write(change)
        return waiting

    async def remove(self, domain: str, selector: str) -> None:
        """Forget a key for ever. Raises NotFound."""
        folded = fold_domain(domain)
        if not await self._store.write(lambda tx: dkim_keys.remove(tx, folded, selector)):
            raise NotFound(f"{folded} has no key with the selector {selector}.")


def record_name(key: DkimKeyRow) -> str:
    """Where the key's record belongs (RFC 6376 §3.6.2.1)."""
    return f"{key.selector}._domainkey.{key.domain}"


def record_value(key: DkimKeyRow) -> str:
    """What stands there, as one text."""
    algorithm: Algorithm = "rsa-sha256" if key.algorithm == "rsa-sha256" else "ed25519-sha256"
    return dns_record(SigningKey(key.domain, key.selector, algorithm, key.secret))


def is_same_key(record: str, found: bytes) -> bool:
    """Whether `found` holds the key of our record, however its tags and white space are written."""
    try:
        ours = read_key_record(record.encode(), _LONGEST_RECORD)
        theirs = read_key_record(found, _LONGEST_RECORD)
    except Unverified:
        return False
    return theirs.key == ours.key


async def _check_published(key: DkimKeyRow, resolver: Resolver) -> None:
    name, wanted = record_name(key), record_value(key)
    try:
        found = (await resolver.txt(name)).records
    except DnsFailure as failure:
        raise NotAllowed(
            f"The DNS could not be asked for {name} ({failure.why}). Try again, or use --unchecked."
        ) from failure
    if not any(is_same_key(wanted, record) for record in found):
        seen = "is another one" if found else "is not there"
        raise NotAllowed(
            f"The record of {name} {seen}, as the DNS tells here. Publish it, wait for the old "
            "answer's time to end, and try again; --unchecked does it all the same."
        )


def _new_selectors(now: datetime, used: set[str]) -> list[tuple[str, Algorithm]]:
    """Named by the month; a letter more when the month has had some."""
    for letter in ("", *"bcdefghijklmnopqrstuvwxyz"):
        stem = f"pb{now:%Y%m}{letter}"
        if not any(f"{stem}{mark}" in used for mark, _ in _ALGORITHMS):
            return [(f"{stem}{mark}", algorithm) for mark, algorithm in _ALGORITHMS]
    raise NotAllowed("There were too many new keys this month; remove some old ones first.")
