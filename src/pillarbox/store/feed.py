"""Commit, then wake, then pull: who watches an account hears that its modseq has grown.

A wake-up carries only the account and the number. In this process it is a call, to the other
processes of the machine a datagram to the socket of each. A lost one is repaired by the slow poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pillarbox.ids import AccountId, ModSeq
from pillarbox.telemetry.log import get_logger

log = get_logger("store")

OnChange = Callable[[ModSeq], None]
_WAKE = struct.Struct("<QQ")
_DATAGRAM = 64 * _WAKE.size  # wake-ups in one datagram
_BURST = 256  # datagrams read before the loop gets to others
SUFFIX = ".feed"


class Subscription:
    """Cancel it when nobody watches any more."""

    __slots__ = ("_feed", "account", "on_change")

    def __init__(self, feed: Feed, account: AccountId, on_change: OnChange) -> None:
        self._feed = feed
        self.account = account
        self.on_change = on_change

    def cancel(self) -> None:
        """Idempotent."""
        self._feed.forget(self)


class Feed:
    """The watchers of this process."""

    def __init__(self) -> None:
        self._watchers: dict[AccountId, dict[Subscription, None]] = {}
        self._known: dict[AccountId, ModSeq] = {}  # of watched accounts

    def subscribe(self, account: AccountId, on_change: OnChange) -> Subscription:
        """`on_change` is called on the loop's thread after each commit that changed the account."""
        subscription = Subscription(self, account, on_change)
        self._watchers.setdefault(account, {})[subscription] = None
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Call no more."""
        watchers = self._watchers.get(subscription.account)
        if watchers is not None:
            watchers.pop(subscription, None)
            if not watchers:
                del self._watchers[subscription.account]
                self._known.pop(subscription.account, None)

    def wake(self, account: AccountId, modseq: ModSeq) -> None:
        """Tell the watchers, unless they heard of this or a later change.

        0 is no account but the queue (`sql.queue.QUEUE`), whose numbers need not grow.
        """
        watchers = self._watchers.get(account)
        if not watchers or (account and self._known.get(account, 0) >= modseq):
            return
        self._known[account] = modseq
        for subscription in tuple(watchers):
            if subscription not in watchers:
                continue
            try:
                subscription.on_change(modseq)
            except Exception:  # one watcher's bug must not leave the others asleep
                log.error_event("store.watcher_failed", exc=True, account=account)

    def watched(self) -> list[AccountId]:
        """The accounts that someone watches."""
        return list(self._watchers)


class Neighbours:
    """Datagram sockets of the processes that share the data folder, one each, in `run/`."""

    def __init__(self, folder: Path, on_wake: Callable[[AccountId, ModSeq], None]) -> None:
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._on_wake = on_wake
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(self._path(self._name))
        self._names: list[str] = []
        self._seen = -1
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear the others on this loop."""
        self._loop = loop
        loop.add_reader(self._socket.fileno(), self._receive)

    def close(self) -> None:
        """Leave the folder."""
        if self._folder < 0:
            return
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket.fileno())
        with contextlib.suppress(OSError):
            os.unlink(self._name, dir_fd=self._folder)
        self._socket.close()
        os.close(self._folder)
        self._folder = -1

    def send(self, wakes: Mapping[AccountId, ModSeq]) -> None:
        """Tell the others; called from the writer's thread. What is lost their polls repair."""
        try:
            names = self._others()
        except OSError:  # no descriptor left to list the folder with
            return
        if not names:
            return
        octets = b"".join(_WAKE.pack(account, modseq) for account, modseq in wakes.items())
        for name in names:
            for start in range(0, len(octets), _DATAGRAM):
                if not self._send(name, octets[start : start + _DATAGRAM]):
                    break

    def _send(self, name: str, octets: bytes) -> bool:
        try:
            self._socket.sendto(octets, self._path(name))
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:  # its process is gone
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=self._folder)
            return False
        return True

    def _others(self) -> list[str]:
        changed = os.fstat(self._folder).st_mtime_ns
        if changed != self._seen:
            self._seen = changed
            self._names = [
                name
                for name in os.listdir(self._folder)  # noqa: PTH208 - by descriptor
                if name.endswith(SUFFIX) and name != self._name
            ]
        return self._names

    def _path(self, name: str) -> str:
        # A socket's path has at most 108 octets; a data folder's may have more.
        return f"/proc/self/fd/{self._folder}/{name}"

    def _receive(self) -> None:
        for octets in self._datagrams():
            whole = len(octets) - len(octets) % _WAKE.size
            for account, modseq in _WAKE.iter_unpack(octets[:whole]):
                self._on_wake(AccountId(account), ModSeq(modseq))

    def _datagrams(self) -> Iterable[bytes]:
        for _ in range(_BURST):
            try:
                yield self._socket.recv(_DATAGRAM)
            except OSError:
                return
