"""The addresses of mail's content over a real store and real cleaning processes; no sockets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, cast

import msgspec

from pillarbox.accounts.browser_sessions import BrowserSessions
from pillarbox.accounts.identity import Identity
from pillarbox.config.auth import AuthSettings
from pillarbox.config.bodies import BodySettings, PictureSettings
from pillarbox.config.settings import Settings
from pillarbox.config.web import WebSettings
from pillarbox.jmap.ids import account_id, message_blob_id
from pillarbox.net.https import Fetched, FetchFailed
from pillarbox.net.secret import Secret
from pillarbox.web.application import make_application
from pillarbox.web.bodies.area import BodyPages
from pillarbox.web.bodies.picture_store import PictureStore
from pillarbox.web.bodies.pictures import Fetching, Pictures
from pillarbox.web.bodies.pool import Cleaning, Pool
from support.asgi import Answered, ask
from support.store_box import Box

KEY = Secret(b"k" * 32)


class NoNetwork:
    """Fetches nothing; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Fetched] = {}

    async def __call__(self, url: str, seconds: float) -> Fetched:
        self.asked.append(url)
        if url not in self.answers:
            raise FetchFailed("unreachable", "No network.")
        return self.answers[url]


class PagesBox(Box):
    """`async with PagesBox(folder) as pages`, then `await pages.ask("body", blob)`."""

    def __init__(
        self,
        folder: Path,
        *,
        bodies: BodySettings | None = None,
        pictures: PictureSettings | None = None,
        fetching: Fetching | None = None,
        cleaning: Cleaning | None = None,
        **more: Any,
    ) -> None:
        super().__init__(folder, **more)
        # A busy computer must not make a test fail; tests of the limits set their own.
        self.bodies = bodies or BodySettings(answer_seconds=20.0)
        self.picture_settings = pictures or PictureSettings()
        self.network = NoNetwork()
        self._fetching = fetching or self.network
        self._cleaning = cleaning

    async def open(self) -> None:
        await super().open()
        web = WebSettings(bodies=self.bodies, pictures=self.picture_settings)
        sessions = BrowserSessions(self.store, self.clock, AuthSettings().browser)
        services: Any = SimpleNamespace(
            settings=msgspec.structs.replace(Settings(), web=web, store=self.settings),
            store=self.store,
            clock=self.clock,
            sessions=sessions,
            arrived=lambda: None,
        )
        identity = Identity(self.alice.id, self.alice.login, "password")
        session, cookie = await sessions.begin(identity, peer="192.0.2.1", agent="test", stays=True)
        self.sessions, self.csrf = sessions, session.csrf
        self.cookie = "__Host-pillarbox=" + cookie.reveal().decode()
        self.pool = Pool(self.bodies)
        kept = PictureStore(self.folder / "pictures", self.picture_settings, self.clock)
        self.pictures = Pictures(
            self.picture_settings, KEY, self.clock, kept, self._fetching, ["mail.example.org"]
        )
        pages = BodyPages(services, self._cleaning or self.pool, self.pictures)
        application = make_application(
            pages.routes(),
            clock=self.clock,
            settings=web,
            hosts=("mail.example.org",),
            is_certified=lambda name: False,
        )

        async def no_watch(scope: Any, receive: Any, send: Any) -> None:
            # Of this version on, an answer that goes on does not wait for the peer's leaving.
            await application({**scope, "asgi": {"spec_version": "2.4"}}, receive, send)

        self.application = no_watch

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.pool.close()
        await super().__aexit__(kind, error, trace)

    async def deliver(self, raw: bytes) -> str:
        """A message into INBOX; its blob id."""
        return message_blob_id((await self.append(raw)).message)

    async def get(self, path: str, **headers: str) -> Answered:
        """A request by alice's browser."""
        fields = {"Cookie": self.cookie} | headers
        return await ask(cast(Any, self.application), path, **fields)

    async def ask(self, what: str, blob: str, **headers: str) -> Answered:
        """`what`: as in "body?img=1"."""
        return await self.get(f"/m/{account_id(self.alice.id)}/{blob}/{what}", **headers)
