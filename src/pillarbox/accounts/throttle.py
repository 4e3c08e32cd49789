"""How guessing passwords is made slow without locking out whoever owns the account.

A *network* is an IPv4 address or an IPv6 /64. A *pair* is an account name and a network. Names that
nobody has are treated exactly like others.

- Only *different* wrong passwords count. A telephone that tries its stale password every minute
  tells an attacker nothing, and so never slows its owner's other devices behind the same address.
- Pair: after `free_failures` each further failure doubles a pause, up to a minute, in which this
  pair is turned away unheard. A success ends it.
- Network: after `free_network_failures` over all names, likewise, for pairs that are not known.
- A pair is *known* for some weeks after a success. Known pairs answer for their own failures only:
  neither a botnet nor a bad neighbour behind the same address stands in the owner's way.
- Account: after `free_account_failures` from unknown networks, sign-ins from unknown networks are
  not refused but held back some seconds, few at a time. So a botnet of any size gets some 0.5
  guesses a second for an account, and its owner on a new network still gets in, with patience.
  Of one network only the free failures count here.
- A quarter of an hour without failures forgets everything. All tables are bounded.

Each worker has its own tables and tells the others what it writes into them (`News`), so that they
hold the same some milliseconds later; an attacker gains nothing by many connections.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from pillarbox.clock import Clock
from pillarbox.config.auth import ThrottleSettings
from pillarbox.errors import Throttled
from pillarbox.net.limits import network_of

K = TypeVar("K")
V = TypeVar("V")
_DAY = 86_400.0
_LONGEST_DOUBLING = 20  # keeps 2**n small; the settings cap the result anyway
_UNCOUNTED_NETWORKS = frozenset({"local", "127.0.0.1", "::/64"})  # proxies and webmail of our own


class News(msgspec.Struct, frozen=True, tag="news"):
    """A sign-in that was wrong, or right, at one worker: for the tables of the others."""

    right: bool
    login: str
    network: str
    mark: bytes = b""


class _Failures:
    """Failures of one pair, network or account."""

    __slots__ = ("count", "last", "marks", "pause_until")

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0
        self.pause_until = 0.0
        self.marks: tuple[bytes, ...] = ()


class _Table(OrderedDict[K, V], Generic[K, V]):
    """A dict that forgets what was longest untouched."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def put(self, key: K, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)


class Throttle:
    """Ask `before` an attempt is heard; tell `failed` or `succeeded` after it."""

    def __init__(
        self,
        clock: Clock,
        settings: ThrottleSettings,
        tell: Callable[[News], None] = lambda news: None,
    ) -> None:
        """`tell` takes what the other workers should hear."""
        self._clock = clock
        self._settings = settings
        self._tell = tell
        entries = settings.table_entries
        self._pairs: _Table[tuple[str, str], _Failures] = _Table(entries)
        self._networks: _Table[str, _Failures] = _Table(entries)
        self._accounts: _Table[str, _Failures] = _Table(entries)
        self._known: _Table[tuple[str, str], float] = _Table(entries)
        self._held_back: dict[str, int] = {}

    async def before(self, login: str, peer: str) -> None:
        """Return when the attempt may be heard; raises Throttled when it may not."""
        self.look_again(login, peer)
        if self._is_known((login, network_of(peer))):
            return
        seconds = self._hold_back_seconds(login)
        if seconds:
            await self._hold_back(login, seconds)

    def look_again(self, login: str, peer: str) -> None:
        """Raise Throttled if a pause began since: before an answer is told, right or wrong.

        Else a hundred guesses sent at the same instant would all be answered.
        """
        network = network_of(peer)
        pair = (login, network)
        self._refuse_in_pause(self._pairs.get(pair))
        if not self._is_known(pair):
            self._refuse_in_pause(self._networks.get(network))

    def failed(self, login: str, peer: str, mark: bytes = b"") -> None:
        """A wrong password. `mark` stands for it; b"" where it cannot be told from others."""
        news = News(False, login, network_of(peer), mark)
        if self._fail(news):
            self._tell(news)

    def heard(self, news: News) -> None:
        """What another worker told."""
        if news.right:
            self._succeed(news)
        else:
            self._fail(news)

    def _fail(self, news: News) -> bool:
        """Count a wrong password; False: it is known already."""
        login, network, mark = news.login, news.network, news.mark
        pair = (login, network)
        mine = self._fresh(self._pairs, pair)
        if mark and mark in mine.marks:
            return False
        if mark:
            mine.marks = (mark, *mine.marks[: self._settings.remembered_passwords - 1])
        self._count(mine, self._settings.free_failures)
        if self._is_known(pair):
            return True
        if network not in _UNCOUNTED_NETWORKS:
            everyone = self._fresh(self._networks, network)
            self._count(everyone, self._settings.free_network_failures)
        if mine.count <= self._settings.free_failures:  # one network alone fills nothing
            self._count(self._fresh(self._accounts, login), 0, pauses=False)
        return True

    def succeeded(self, login: str, peer: str) -> None:
        """The right password: this network is the account's own from now on."""
        pair = (login, network_of(peer))
        is_news = pair in self._pairs or self._known_until() - self._known.get(pair, 0.0) > _DAY
        self._succeed(news := News(True, *pair))
        if is_news:  # not at each of a program's sign-ins
            self._tell(news)

    def _succeed(self, news: News) -> None:
        pair = (news.login, news.network)
        self._pairs.pop(pair, None)
        self._known.put(pair, self._known_until())

    def _known_until(self) -> float:
        return self._clock.monotonic() + self._settings.known_network_days * _DAY

    def is_known_wrong(self, login: str, peer: str, mark: bytes) -> bool:
        """Whether just this password was wrong just now, so that it need not be hashed again."""
        found = self._pairs.get((login, network_of(peer)))
        return found is not None and mark in found.marks and not self._is_stale(found)

    def _is_known(self, pair: tuple[str, str]) -> bool:
        until = self._known.get(pair)
        return until is not None and until > self._clock.monotonic()

    def _refuse_in_pause(self, failures: _Failures | None) -> None:
        if failures is None:
            return
        seconds = failures.pause_until - self._clock.monotonic()
        if seconds > 0:
            raise Throttled(seconds=seconds)

    def _hold_back_seconds(self, login: str) -> float:
        failures = self._accounts.get(login)
        if failures is None or self._is_stale(failures):
            return 0.0
        over = failures.count - self._settings.free_account_failures
        if over <= 0:
            return 0.0
        return min(2.0 ** min(over - 1, _LONGEST_DOUBLING), self._settings.longest_wait_seconds)

    async def _hold_back(self, login: str, seconds: float) -> None:
        held = self._held_back.get(login, 0)
        if held >= self._settings.waiting_per_account:
            raise Throttled(seconds=self._settings.longest_wait_seconds)
        self._held_back[login] = held + 1
        try:
            await self._clock.sleep(seconds)
        finally:
            left = self._held_back[login] - 1
            if left:
                self._held_back[login] = left
            else:
                del self._held_back[login]

    def _count(self, failures: _Failures, free: int, *, pauses: bool = True) -> None:
        now = self._clock.monotonic()
        failures.count += 1
        failures.last = now
        over = failures.count - free
        if pauses and over > 0:
            pause = 2.0 ** min(over - 1, _LONGEST_DOUBLING)
            failures.pause_until = now + min(pause, self._settings.longest_pause_seconds)

    def _fresh(self, table: _Table[K, _Failures], key: K) -> _Failures:
        """The entry to count in, a new one if the old is forgotten."""
        found = table.get(key)
        if found is None or self._is_stale(found):
            found = _Failures()
        table.put(key, found)
        return found

    def _is_stale(self, failures: _Failures) -> bool:
        return failures.last + self._settings.forget_seconds < self._clock.monotonic()
