"""JMAP method calls against a real store, without HTTP."""

from __future__ import annotations

from typing import Any

import msgspec

from pillarbox.accounts.identity import Identity
from pillarbox.config.jmap import JmapSettings
from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.dispatch import run_request
from pillarbox.jmap.ids import account_id
from pillarbox.jmap.references import Response
from pillarbox.jmap.registry import KNOWN
from pillarbox.jmap.request import Request
from support.store_box import Box


class JmapBox(Box):
    """`async with JmapBox(folder) as box`, then `await box.call("Mailbox/get", ids=None)`."""

    limits = JmapSettings()

    def context(self, **more: Any) -> Context:
        """Of a request of alice's with every capability; `more` goes to Services."""
        services = Services(self.store, self.clock, self.limits, "mail.example.org", **more)
        identity = Identity(self.alice.id, self.alice.login, "password")
        return Context(services, identity, KNOWN)

    async def request(self, *calls: tuple[str, dict[str, Any], str]) -> list[Response]:
        """The responses to several calls of one request; all know the account."""
        known = {"accountId": account_id(self.alice.id)}
        given = [[name, known | arguments, call] for name, arguments, call in calls]
        request = msgspec.convert({"using": sorted(KNOWN), "methodCalls": given}, Request)
        return await run_request(request, self.context())

    async def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """One call's answer, which may be an error."""
        ((_, answer, _),) = await self.request((name, arguments, "c"))
        return answer
