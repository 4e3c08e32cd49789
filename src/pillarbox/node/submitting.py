"""Joins the way on which JMAP sends: the same that SMTP submission takes."""

from __future__ import annotations

from pillarbox.accounts.directory import Directory
from pillarbox.clock import Clock
from pillarbox.config.loading import hostname_of
from pillarbox.config.settings import Settings
from pillarbox.flow.delivery.expand import RecipientPolicy
from pillarbox.flow.delivery.local import Deliverer
from pillarbox.flow.delivery.signing import Signer, SigningKeys
from pillarbox.flow.inbound.local_policy import LocalserveRecipients
from pillarbox.flow.submission.reception import Rules, Submission
from pillarbox.jmap.sending import Sending
from pillarbox.node.localserve import LocalserveDirectory, local_account
from pillarbox.store import Store


async def make_jmap_sending(
    settings: Settings, store: Store, clock: Clock, local_login: str
) -> Sending:
    """`local_login`: the one account of `pillarbox localserve`; "" for none."""
    hostname = hostname_of(settings)
    directory = Directory(store)
    recipients: RecipientPolicy | None = None
    if local_login:
        account = await local_account(store, local_login)
        directory = LocalserveDirectory(store, account)
        recipients = LocalserveRecipients(account.id, account.login, clock)
    rules = Rules(settings.smtp, settings.submission)
    way = Submission(
        store,
        Deliverer(store, directory, hostname=hostname, clock=clock),
        directory,
        rules,
        signer=Signer(SigningKeys(store), clock, hostname),
        clock=clock,
        recipients=recipients,
    )
    return Sending(way, directory, rules)
