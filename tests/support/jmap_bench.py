"""JMAP method calls against a real store, without HTTP."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from pillarbox.accounts.directory import Directory
from pillarbox.accounts.identity import Identity
from pillarbox.clock import Clock
from pillarbox.config.jmap import JmapSettings
from pillarbox.config.smtp import SmtpSettings
from pillarbox.config.submission import SubmissionSettings
from pillarbox.flow.delivery.local import Deliverer
from pillarbox.flow.delivery.signing import Signer, SigningKeys
from pillarbox.flow.submission.reception import Rules, Submission
from pillarbox.jmap.context import Context, Services
from pillarbox.jmap.dispatch import run_request
from pillarbox.jmap.email_lists import EmailLists
from pillarbox.jmap.ids import account_id
from pillarbox.jmap.references import Response
from pillarbox.jmap.registry import KNOWN
from pillarbox.jmap.request import Request
from pillarbox.jmap.sending import Sending
from pillarbox.store import Store
from support.store_box import Box


def make_sending(store: Store, clock: Clock, rules: Rules) -> Sending:
    """The way on which mail is sent; what goes elsewhere stays in the queue."""
    directory = Directory(store)
    way = Submission(
        store,
        Deliverer(store, directory, hostname="mail.example.org", clock=clock),
        directory,
        rules,
        signer=Signer(SigningKeys(store), clock, "mail.example.org"),
        clock=clock,
    )
    return Sending(way, directory, rules)


class JmapBox(Box):
    """`async with JmapBox(folder) as box`, then `await box.call("Mailbox/get", ids=None)`."""

    limits = JmapSettings()
    rules = Rules(SmtpSettings(), SubmissionSettings())  # of sending

    @cached_property
    def lists(self) -> EmailLists:
        """As a worker keeps them from one request to the next."""
        return EmailLists()

    def context(self, **more: Any) -> Context:
        """Of a request of alice's with every capability; `more` goes to Services."""
        sending = make_sending(self.store, self.clock, self.rules)
        more.setdefault("email_lists", self.lists)
        services = Services(
            self.store, self.clock, self.limits, "mail.example.org", sending, **more
        )
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
