"""A plan becomes one write: all copies and the queue's rows, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from pillarbox.flow.delivery import trace
from pillarbox.flow.delivery.envelope import AS_IT_CAME, Handling
from pillarbox.flow.delivery.keep import Kept, Sealed, keep, seal
from pillarbox.flow.delivery.notice import wanted_notices
from pillarbox.flow.delivery.plan import Plan, plan_delivery
from pillarbox.flow.delivery.report import Report, Reported, Reporter, keep_report
from pillarbox.flow.delivery.rules import Rules, keep_answers
from pillarbox.flow.delivery.signing import Signer, SigningKeys
from pillarbox.store import SHORT_WRITE
from pillarbox.store.journeys import Note, Step
from pillarbox.telemetry.metrics import DELIVERIES

if TYPE_CHECKING:
    from pillarbox.accounts.directory import Directory
    from pillarbox.clock import Clock
    from pillarbox.flow.delivery.envelope import Envelope
    from pillarbox.flow.delivery.verdict import Refused
    from pillarbox.ids import AccountId
    from pillarbox.store import Store, Transaction
    from pillarbox.store.blobs.spool import Spool

_SHOWN = 20  # addresses in a fact of a note
_DELIVERED = DELIVERIES.labels("smtp")


class Deliverer:
    """Puts messages into mailboxes and the queue."""

    def __init__(self, store: Store, directory: Directory, *, hostname: str, clock: Clock) -> None:
        self._store = store
        self._hostname = hostname
        self._clock = clock
        self._signer = Signer(SigningKeys(store), clock, hostname)
        self._reporter = Reporter(store, directory, hostname=hostname, clock=clock)
        self._rules = Rules(store, directory, hostname=hostname, clock=clock)

    async def deliver(
        self, envelope: Envelope, spool: Spool, handling: Handling = AS_IT_CAME
    ) -> list[Refused | None]:
        """Commit for all recipients; returns after the commit, an outcome for each.

        Unless the envelope is `split`, either all outcomes are None or OverQuota or NotFound was
        raised and nothing was kept. With one copy its quota is checked again in the transaction;
        with several the answers given at RCPT stand, since one full mailbox must not stop the
        others: it may end above its quota by a message.
        """
        ruled = await self._rules.applied(envelope, plan_delivery(envelope), spool, handling)
        plan = ruled.plan
        sealed = await seal(spool, for_mailbox=bool(plan.copies))
        notices = await self._notices(envelope, spool)
        handling = await self._sealed(plan, handling, spool)

        async def commit(tx: Transaction) -> Kept:
            if handling.along is not None:
                await handling.along(tx)
            received = trace.received(envelope, self._hostname, tx.now())
            single = len(plan.copies) == 1 and not plan.remote
            kept = await keep(
                tx, envelope, plan, sealed, received, check_quota=single, handling=handling
            )
            for number, report in notices:
                if _outcome(plan.accounts_of[number], kept.failed) is None:
                    await keep_report(tx, report)
            await keep_answers(tx, ruled, kept.failed)
            if handling.then is not None:
                await handling.then(tx, envelope, kept)
            return kept

        short = len(plan.copies) + len(plan.remote) <= SHORT_WRITE
        kept = await self._store.write(commit, short=short)
        _DELIVERED.inc(len(plan.copies) - len(kept.failed))
        self._note(envelope, plan, sealed, kept, handling)
        for account, message in kept.arrived:
            self._store.arrivals.tell(account, message)
        return [_outcome(behind, kept.failed) for behind in plan.accounts_of]

    async def _sealed(self, plan: Plan, handling: Handling, spool: Spool) -> Handling:
        """With our ARC seal, if the message was judged and an alias sends it on."""
        domain = next(filter(None, plan.via), "")
        if not domain or handling.chain is None:
            return handling
        made = await self._signer.seal(
            domain, spool.octets(), spool.size, handling.findings, handling.chain
        )
        return replace(handling, seal=made)

    async def _notices(self, envelope: Envelope, spool: Spool) -> list[tuple[int, Report]]:
        """Success reports; a recipient's number tells on whose outcome each depends.

        One for all, but of a split envelope one for each: there each has its own outcome.
        """
        wanted = wanted_notices(envelope)
        if not wanted:
            return []
        sender = envelope.sender
        about = Reported(
            journey=envelope.journey,
            reverse_path=sender.reverse_path,
            arrival=self._clock.now(),
            envid=sender.envid,
            ret=sender.ret,
            hold=sender.hold,
            requiretls=sender.requiretls,
        )
        groups = [[one] for one in wanted] if envelope.split else [wanted]
        found = []
        for group in groups:
            recipients = [one for _, one in group]
            octets = spool.octets()
            report = await self._reporter.write(about, recipients, octets, spool.size)
            if report is not None:
                found.append((group[0][0], report))
        return found

    def _note(
        self, envelope: Envelope, plan: Plan, sealed: Sealed, kept: Kept, handling: Handling
    ) -> None:
        """One note for all recipients: where the message went."""
        origin = envelope.origin
        into = [copy.address for copy in plan.copies if copy.account not in kept.failed]
        facts = {
            "helo": origin.helo,
            "protocol": origin.protocol,
            "octets": str(sealed.blob.size),
            "into": ", ".join(into[:_SHOWN]),
            "onward": ", ".join(one.forward_path for one in plan.remote[:_SHOWN]),
        }
        if origin.login:
            facts["login"] = origin.login
        if handling.why:
            facts["why"] = handling.why
        if handling.junk and into:
            facts["mailbox"] = "Junk"
        self._store.journeys.note(
            Note(
                step=Step.ACCEPTED,
                journey=envelope.journey,
                session=origin.session,
                peer=origin.peer,
                sender=envelope.sender.reverse_path,
                recipients=[one.forward_path for one in envelope.recipients],
                message_id=sealed.message_id.decode("utf-8", "replace"),
                queue_id=kept.queue_id,
                facts=facts,
            )
        )


def _outcome(behind: tuple[AccountId, ...], failed: dict[AccountId, Refused]) -> Refused | None:
    return next((failed[account] for account in behind if account in failed), None)
