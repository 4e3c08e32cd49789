"""JMAP's part of the model test: a random walk's steps by Email/set, Mailbox/set and so on."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from support.email_places import Change, Emails, keywords
from support.imap_client import ImapClient
from support.imap_mirror import format_set
from support.jmap_client import CORE, MAIL, JmapClient, JmapDesk, basic
from support.jmap_compare import compare
from support.jmap_mirror import JmapMirror, wishes
from support.mail_oracle import Box, Oracle

if TYPE_CHECKING:
    from support.server import Account, MailServer

SUBMISSION = "urn:ietf:params:jmap:submission"
BULK = "urn:pillarbox:jmap:bulk"
RECOVERY = "urn:pillarbox:jmap:recovery"
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "blue", "Green")
FULL = 60  # messages a mailbox, above which nothing is put there
MOST_BOXES = 9
Patch = dict[str, Any]


class JmapWalk:
    """The JMAP clients of one account and what they do."""

    def __init__(
        self, server: MailServer, account: Account, rng: random.Random, oracle: Oracle
    ) -> None:
        client = JmapClient(
            server.ports.https, server.certificate, basic(account.login, account.password)
        )
        self.desk = JmapDesk(client, (CORE, MAIL, SUBMISSION, BULK, RECOVERY))
        self.address = account.address
        self.rng = rng
        self.oracle = oracle
        self.emails = Emails(oracle)
        self.mirrors: list[JmapMirror] = []
        self._server = server
        self._account = account
        self._teller: ImapClient | None = None
        self._boxes = 0

    async def begin(self) -> None:
        """Two clients: one of them falls behind more often."""
        self._teller = await ImapClient.connect(self._server.host, self._server.ports.imap)
        login = f'LOGIN "{self._account.login}" "{self._account.password}"'
        assert (await self._teller.command(login)).ok
        ids = {name: box.mailbox_id for name, box in self.oracle.boxes.items()}
        for _ in range(2):
            mirror = JmapMirror(self.desk, self.rng, wishes(ids))
            mirror.begin()
            self.mirrors.append(mirror)

    async def end(self) -> None:
        """Hang up."""
        if self._teller is not None:
            await self._teller.close()
        self.desk.close()

    # What is known

    async def learn(self) -> None:
        """IMAP tells the ids of what came by other doors (RFC 8474)."""
        for name, box in self.oracle.boxes.items():
            unknown = [uid for uid, one in box.kept.items() if one.number not in self.emails.sizes]
            for uid, items in (await self._told(name, unknown)).items():
                number = box.kept[uid].number
                self.emails.learn(number, items["EMAILID"][0].decode())
                self.emails.threads[number] = items["THREADID"][0].decode()
                self.emails.sizes[number] = int(items["RFC822.SIZE"])

    async def settle(self) -> None:
        """IMAP tells the UIDs of new places."""
        for name, box in self.oracle.boxes.items():
            if box.coming:
                uids = range(box.uid_next, box.uid_next + 2 * len(box.coming) + 50)
                told = await self._told(name, list(uids))
                self.emails.settle(
                    name, {uid: items["EMAILID"][0].decode() for uid, items in told.items()}
                )

    async def whole(self, name: str) -> dict[int, tuple[str, frozenset[str]]]:
        """A mailbox as IMAP shows it: UID → Email id, flags."""
        told = await self._told(name, None, "(EMAILID FLAGS)")
        return {
            uid: (items["EMAILID"][0].decode(), _flags(items["FLAGS"]))
            for uid, items in told.items()
        }

    async def _told(
        self, name: str, uids: list[int] | None, items: str = "(EMAILID THREADID RFC822.SIZE)"
    ) -> dict[int, dict[str, Any]]:
        if uids is not None and not uids:
            return {}
        assert self._teller is not None
        assert (await self._teller.command(f'EXAMINE "{name}"')).ok
        numbers = "1:*" if uids is None else format_set(sorted(uids))
        answer = await self._teller.command(f"UID FETCH {numbers} {items}")
        assert answer.ok, answer
        # Who has a mailbox open is cut off when it is deleted.
        assert (await self._teller.command("UNSELECT")).ok
        return {int(items["UID"]): items for items in answer.fetched.values()}

    async def compare(self, mirror: JmapMirror | None = None) -> None:
        """All that a client knows after it asked what changed."""
        await self.learn()
        chosen = mirror or self.rng.choices(self.mirrors, (5, 1))[0]
        chosen.sync()
        compare(self.desk, chosen, self.emails)

    def some(self, most: int = 5) -> list[str]:
        """Ids as a client knows them, which may be gone; now and then one that is long gone."""
        known = list(self.rng.choice(self.mirrors).emails)
        some = self.rng.sample(known, min(len(known), self.rng.randint(1, most)))
        if self.emails.numbers and self.rng.random() < 0.05:
            some.append(self.rng.choice(list(self.emails.numbers)))
        return list(dict.fromkeys(some))

    def roomy(self) -> list[str]:
        """Mailboxes that are not full."""
        return [name for name, box in self.oracle.boxes.items() if len(box.kept) <= FULL]

    def id_of(self, name: str) -> str:
        """A mailbox's."""
        return self.oracle.boxes[name].mailbox_id

    # Email/set

    async def update(self) -> None:
        """Keywords and mailboxes of some, in one call."""
        await self.learn()
        wanted = {email: self._change() for email in self.some()}
        destroyed = [one for one in wanted if self.rng.random() < 0.05]
        patches = {email: self._patch(change) for email, change in wanted.items()}
        answer = self.desk.one("Email/set", update=patches, destroy=destroyed)
        done = {
            email
            for email, change in wanted.items()
            if email not in destroyed and self.emails.update(self.emails.numbers[email], change)
        }
        gone = {email for email in destroyed if self.emails.destroy(self.emails.numbers[email])}
        assert set(answer["updated"] or ()) == done, (patches, answer)
        assert set(answer["notUpdated"] or ()) == wanted.keys() - done, (patches, answer)
        assert set(answer["destroyed"] or ()) == gone, (destroyed, answer)
        await self.settle()

    async def destroy(self) -> None:
        """Some, wherever they are."""
        await self.learn()
        asked = self.some(3)
        answer = self.desk.one("Email/set", destroy=asked)
        gone = {email for email in asked if self.emails.destroy(self.emails.numbers[email])}
        assert set(answer["destroyed"] or ()) == gone, (asked, answer)
        assert set(answer["notDestroyed"] or ()) == set(asked) - gone

    def _change(self) -> Change:
        """Of keywords, of mailboxes, or of both; a mailbox that is full is not added."""
        rng, change = self.rng, {}
        what = rng.choice(["keywords", "keywords", "boxes", "boxes", "both"])
        if what != "boxes":
            some = frozenset(rng.sample(FLAGS, rng.randint(1, 3)))
            few = frozenset(flag for flag in some if rng.random() < 0.4)
            change |= rng.choice([{"flags": some}, {"more_flags": some - few, "fewer_flags": few}])
        if what != "keywords":
            roomy = self.roomy() or ["INBOX"]
            some = frozenset(rng.sample(roomy, min(len(roomy), rng.choice([1, 1, 1, 2]))))
            away = frozenset(rng.sample(list(self.oracle.boxes), 2)) - some
            change |= rng.choice([{"boxes": some}, {"more_boxes": some, "fewer_boxes": away}])
        return Change(**change)

    def _patch(self, change: Change) -> Patch:
        patch: Patch = {}
        if change.flags is not None:
            patch["keywords"] = dict.fromkeys(keywords(change.flags), True)
        if change.boxes is not None:
            patch["mailboxIds"] = dict.fromkeys(map(self.id_of, change.boxes), True)
        for names, value in ((change.more_flags, True), (change.fewer_flags, None)):
            patch |= {f"keywords/{name}": value for name in keywords(names)}
        for boxes, value in ((change.more_boxes, True), (change.fewer_boxes, None)):
            patch |= {f"mailboxIds/{self.id_of(box)}": value for box in boxes}
        return patch

    # New messages

    def _targets(self) -> list[str]:
        roomy = self.roomy()
        return self.rng.sample(roomy, min(len(roomy), self.rng.choice([1, 1, 2])))

    async def arrived(
        self, number: int, made: dict[str, Any], boxes: Iterable[str], flags: Any
    ) -> None:
        """What Email/set or Email/import says that it made."""
        self.emails.learn(number, made["id"])
        self.emails.threads[number] = made["threadId"]
        self.emails.sizes[number] = made["size"]
        for box in boxes:
            self.emails.place(box, number, flags)
        await self.settle()

    async def draft(self, number: int) -> None:
        """One that the server composes."""
        if not (boxes := self._targets()):
            return
        flags = {"\\Draft", *self.rng.sample(FLAGS, 1)}
        answer = self.desk.one("Email/set", create={"new": self._written(number, boxes, flags)})
        await self.arrived(number, answer["created"]["new"], boxes, flags)
        self.emails.drafts.add(number)

    def _written(self, number: int, boxes: list[str], flags: Iterable[str]) -> Patch:
        plan = self.emails.plan(number)
        return {
            "mailboxIds": dict.fromkeys(map(self.id_of, boxes), True),
            "keywords": dict.fromkeys(keywords(flags), True),
            "from": [{"email": self.address}],
            "to": [{"email": self.address}],
            "messageId": [f"sample-{number}@example.net"],
            "references": [f"{plan.replace(' ', '-')}@example.net"] if plan else None,
            "subject": plan or f"sample {number}",
            "bodyValues": {"1": {"value": f"Draft {number}.\n"}},
            "textBody": [{"partId": "1", "type": "text/plain"}],
        }

    async def bring(self, number: int, octets: bytes) -> None:
        """Email/import; the same octets are not taken while a message of them is shown."""
        if not (boxes := self._targets()):
            return
        await self.learn()
        flags = self.rng.sample(FLAGS, self.rng.randint(0, 2))
        email = {
            "blobId": self.desk.upload(octets),
            "mailboxIds": dict.fromkeys(map(self.id_of, boxes), True),
            "keywords": dict.fromkeys(keywords(flags), True),
        }
        twice = self.rng.random() < 0.3
        emails = {"a": email, "b": email} if twice else {"a": email}
        answer = self.desk.one("Email/import", emails=emails)
        made = answer["created"]["a"]
        if twice:
            refused = answer["notCreated"]["b"]
            assert (refused["type"], refused["existingId"]) == ("alreadyExists", made["id"])
        await self.arrived(number, made, boxes, flags)

    async def submit(self, number: int) -> None:
        """A draft is sent to its own writer, and goes to Sent."""
        await self.learn()
        shown = self.emails.shown()
        drafts = sorted(self.emails.drafts & shown.keys())
        if not drafts or {"INBOX", "Sent"} - set(self.roomy()):
            return
        draft = self.rng.choice(drafts)
        identity = self.desk.one("Identity/get", ids=None)["list"][0]["id"]
        patch = {"mailboxIds": {self.id_of("Sent"): True}, "keywords/$draft": None}
        made = {"identityId": identity, "emailId": self.emails.ids[draft]}
        answers = self.desk.all(
            (
                "EmailSubmission/set",
                {"create": {"new": made}, "onSuccessUpdateEmail": {"#new": patch}},
            )
        )
        assert answers[0]["created"], answers
        assert list(answers[1]["updated"]) == [self.emails.ids[draft]], answers
        change = Change(boxes=frozenset({"Sent"}), fewer_flags=frozenset({"\\Draft"}))
        assert self.emails.update(draft, change)
        self.emails.drafts.discard(draft)  # nothing is sent twice
        self.emails.letters[number] = self.emails.letter(draft)
        self.emails.place("INBOX", number, ())
        await self.settle()

    # Mailbox/set

    def new_name(self) -> str:
        """One that was never used."""
        self._boxes += 1
        return f"Box{self._boxes}"

    def own_boxes(self) -> list[str]:
        """Those that may be renamed and destroyed."""
        return [name for name in self.oracle.boxes if name.startswith("Box")]

    async def make(self) -> None:
        """A mailbox, perhaps inside another."""
        own = self.own_boxes()
        if len(own) >= MOST_BOXES:
            return
        name = self.new_name()
        above = self.rng.choice(own) if own and self.rng.random() < 0.4 else None
        new = {"name": name, "parentId": above and self.id_of(above)}
        answer = self.desk.one("Mailbox/set", create={"new": new})
        path = f"{above}/{name}" if above else name
        await self.found(path, answer["created"]["new"]["id"])

    async def found(self, path: str, mailbox: str) -> None:
        """A new mailbox; IMAP tells its UIDVALIDITY."""
        assert self._teller is not None
        answer = await self._teller.command(f'STATUS "{path}" (UIDVALIDITY UIDNEXT MAILBOXID)')
        (values,) = answer.named("STATUS")
        told = dict(zip(values[1][::2], values[1][1::2], strict=True))
        assert told[b"MAILBOXID"][0].decode() == mailbox
        self.oracle.boxes[path] = Box(
            int(told[b"UIDVALIDITY"]), int(told[b"UIDNEXT"]), mailbox_id=mailbox
        )

    def rename(self) -> tuple[str, str] | None:
        """A new name, perhaps elsewhere; (old path, new path)."""
        own = self.own_boxes()
        if not own:
            return None
        old = self.rng.choice(own)
        outside = [one for one in own if one != old and not one.startswith(f"{old}/")]
        above = self.rng.choice(outside) if outside and self.rng.random() < 0.4 else None
        name = self.new_name()
        patch = {"name": name, "parentId": above and self.id_of(above)}
        answer = self.desk.one("Mailbox/set", update={self.id_of(old): patch})
        assert list(answer["updated"]) == [self.id_of(old)], answer
        return old, f"{above}/{name}" if above else name

    def drop(self, may_go: Iterable[str]) -> str | None:
        """Destroy a mailbox: refused with mailboxes in it, and with mail unless that may go."""
        choice = sorted(may_go)
        if not choice:
            return None
        name, removes = self.rng.choice(choice), self.rng.random() < 0.6
        mailbox = self.id_of(name)
        answer = self.desk.one("Mailbox/set", destroy=[mailbox], onDestroyRemoveEmails=removes)
        shown = any(name in email.mailboxes for email in self.emails.shown().values())
        if any(one.startswith(f"{name}/") for one in self.oracle.boxes):
            assert answer["notDestroyed"][mailbox]["type"] == "mailboxHasChild", answer
        elif shown and not removes:
            assert answer["notDestroyed"][mailbox]["type"] == "mailboxHasEmail", answer
        else:
            assert answer["destroyed"] == [mailbox], answer
            return name
        return None


def _flags(values: list[bytes]) -> frozenset[str]:
    return frozenset(flag.decode() for flag in values) - {"\\Recent"}
