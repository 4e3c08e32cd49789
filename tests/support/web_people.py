"""The sign-in pages over a real store, and somebody who can use them."""

from __future__ import annotations

from pillarbox.net.secret import Secret
from pillarbox.store.sql import accounts
from pillarbox.web import account, pages, sign_in
from support.web_bench import WebBox

PASSWORD = "nineteen-harbour-lamps"
ALICE = "alice@example.org"


class PeopleBox(WebBox):
    """With a password, and one domain."""

    async def open(self) -> None:
        await super().open()
        await self.store.write(lambda tx: accounts.add_domain(tx, "example.org"))
        await self.admin.set_password(ALICE, Secret(PASSWORD), keep_session=self.session.id)
        self.serve(pages.routes, sign_in.routes, account.routes)

    async def __aexit__(self, *error: object) -> None:
        await self.authenticator.history.close()
        self.admin.close()
        self.authenticator.close()
        await super().__aexit__(*error)  # type: ignore[arg-type]
