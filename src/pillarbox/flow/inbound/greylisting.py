"""Strangers are asked to come again: most programs that send spam do not (RFC 6647)."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from pillarbox.clock import unix_seconds
from pillarbox.errors import Unavailable
from pillarbox.flow.delivery.verdict import Reason, Refused
from pillarbox.net.networks import network_prefix
from pillarbox.store.sql import greylist
from pillarbox.telemetry.metrics import CHECKS

if TYPE_CHECKING:
    from pillarbox.clock import Clock
    from pillarbox.config.trust import GreylistSettings
    from pillarbox.store import Store

_DAY = 86_400
_PRUNED_AT_ONCE = 2000  # rows in one transaction: some milliseconds
_KEY_OCTETS = 16
_PASSED = CHECKS.labels("greylist", "pass")
_DELAYED = CHECKS.labels("greylist", "delay")
_FULL = CHECKS.labels("greylist", "full")


class Greylist:
    """Client network, sender and recipient: together they are known or strange."""

    def __init__(self, store: Store, settings: GreylistSettings, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._rows = 0  # as of the last look, and what was added since

    async def check(self, ip: str, reverse_path: str, forward_path: str) -> Refused | None:
        """None: it has been here before. A store that fails lets everybody in."""
        settings = self._settings
        key = self._key(ip, reverse_path, forward_path)
        now = unix_seconds(self._clock.now())
        try:
            seen = await self._store.read(partial(greylist.find, key=key))
            if seen is not None and seen.passed_at is not None:
                if seen.passed_at < now - settings.keep_days * _DAY:
                    return await self._begin(key)
                if seen.passed_at < now - _DAY:
                    await self._store.write(partial(greylist.let_pass, key=key), short=True)
                _PASSED.inc()
                return None
            if seen is None or seen.first_at < now - settings.window_seconds:
                return await self._begin(key)
            if seen.first_at > now - settings.delay_seconds:
                _DELAYED.inc()
                return Refused(Reason.GREYLISTED)
            await self._store.write(partial(greylist.let_pass, key=key), short=True)
        except Unavailable:
            return None
        _PASSED.inc()
        return None

    async def maintain(self) -> None:
        """Forget those whose time is over, one bounded round."""
        now, settings = unix_seconds(self._clock.now()), self._settings
        prune = partial(
            greylist.prune,
            strangers=now - settings.window_seconds,
            known=now - settings.keep_days * _DAY,
            limit=_PRUNED_AT_ONCE,
        )
        while await self._store.write(prune):
            pass
        self._rows = await self._store.scan(greylist.count)

    async def _begin(self, key: bytes) -> Refused | None:
        if self._rows >= self._settings.max_rows:
            _FULL.inc()
            return None
        self._rows += 1
        await self._store.write(partial(greylist.begin, key=key), short=True)
        _DELAYED.inc()
        return Refused(Reason.GREYLISTED)

    def _key(self, ip: str, reverse_path: str, forward_path: str) -> bytes:
        network = network_prefix(ip, self._settings.ipv4_prefix, self._settings.ipv6_prefix)
        triple = "\0".join((network, reverse_path.lower(), forward_path.lower()))
        return hashlib.blake2b(triple.encode(), digest_size=_KEY_OCTETS).digest()
