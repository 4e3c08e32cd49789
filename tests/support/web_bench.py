"""Pages over a real store, with alice signed in, and no sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.routing import BaseRoute

from pillarbox.accounts.admin import AccountAdmin
from pillarbox.accounts.authenticator import Authenticator
from pillarbox.accounts.browser_sessions import BrowserSession, BrowserSessions
from pillarbox.accounts.directory import Directory
from pillarbox.accounts.passkeys import Passkeys
from pillarbox.accounts.recovery import Recovering
from pillarbox.accounts.second_factors import SecondFactors
from pillarbox.accounts.vault import Vault
from pillarbox.config.auth import AuthSettings
from pillarbox.config.settings import Settings
from pillarbox.flow.delivery.letters import Letters
from pillarbox.net.secret import Secret
from pillarbox.node.collecting_parts import make_elsewhere, make_parts
from pillarbox.web.application import make_application
from pillarbox.web.services import Elsewhere, WebServices
from support.asgi import Answered, ask
from support.fake_resolver import FakeResolver
from support.jmap_bench import JmapBox

HOST = "mail.example.org"
KEY = Secret("k" * 32)
QUICK = AuthSettings(argon2_passes=1, argon2_memory_kib=8, scram_iterations=4096)


class WebBox(JmapBox):
    """`async with WebBox(folder) as box`, then `box.serve(app.routes)` and `await box.ask("/")`."""

    web_settings = Settings(auth=QUICK)

    async def open(self) -> None:
        await super().open()
        sessions = BrowserSessions(self.store, self.clock, self.web_settings.auth.browser)
        self.authenticator = Authenticator(self.store, QUICK, self.clock, KEY)
        vault = Vault(self.folder / "data")
        self.admin = AccountAdmin(self.store, QUICK)
        self.recovering = Recovering(self.store, self.admin, self.clock, self.web_settings.recovery)
        self.second_factors = SecondFactors(
            self.store, vault, self.clock, QUICK.browser, self.recovering.use_code
        )
        directory = Directory(self.store)
        letters = Letters(self.store, directory, hostname=HOST, clock=self.clock)
        self.services = WebServices(
            settings=self.services_settings(),
            store=self.store,
            authenticator=self.authenticator,
            clock=self.clock,
            hostname=HOST,
            server_key=KEY,
            jmap=self.context().services,
            sessions=sessions,
            second_factors=self.second_factors,
            passkeys=Passkeys(self.store, self.clock, QUICK.browser, KEY),
            admin=self.admin,
            letters=letters,
            recovering=self.recovering,
            elsewhere=self.elsewhere(),
        )
        identity = self.context().identity
        self.session: BrowserSession
        self.session, cookie = await sessions.begin(
            identity, peer="192.0.2.1", agent="a browser", stays=False
        )
        self.cookie = f"__Host-pillarbox={cookie.reveal().decode()}"

    def elsewhere(self) -> Elsewhere:
        """Where no name leads anywhere."""
        resolver = FakeResolver()
        parts = make_parts(self.services_settings(), self.store, resolver, self.clock)
        return make_elsewhere(self.services_settings(), resolver, self.clock, parts)

    def services_settings(self) -> Settings:
        """With this box's store."""
        return msgspec.structs.replace(self.web_settings, store=self.settings)

    def serve(self, *areas: Callable[[WebServices], list[BaseRoute]]) -> None:
        """These pages and no others."""
        self.application = make_application(
            [route for area in areas for route in area(self.services)],
            clock=self.clock,
            settings=self.web_settings.web,
            hosts=(HOST,),
            is_certified=lambda name: False,
        )

    async def ask(self, path: str, *, signed_in: bool = True, **more: Any) -> Answered:
        """As alice's browser does, with her cookie."""
        given = {"accept": "text/html"} | more
        if signed_in:
            given["cookie"] = self.cookie
        return await ask(self.application, path, host=HOST, **given)
