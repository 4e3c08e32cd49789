"""Writing: a new letter, an answer, one passed on, a draft; with small attachments."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.clock import unix_seconds
from pillarbox.errors import NotFound, PillarboxError
from pillarbox.jmap.ids import upload_blob_id
from pillarbox.message.address import mailboxes, parse_address_list
from pillarbox.store.sql import spent, uploads
from pillarbox.web.basic import quoting
from pillarbox.web.basic.desk import FOLDERS, Answer, Desk, Frame, Refused, list_path, read_frame
from pillarbox.web.basic.form import Form, Given, read_with_files
from pillarbox.web.basic.quoting import Letter
from pillarbox.web.basic.reading import TEXT_OCTETS
from pillarbox.web.session import check_csrf

MOST_OCTETS = 12 << 20  # of a form with its files: it is held in memory; the app has no such bound
_MOST_ADDRESSES = 200  # in one field
_ONCE_SECONDS = 86_400  # how long a form that was sent is remembered, so that it is sent once
_PROPERTIES = [
    *("id", "messageId", "inReplyTo", "references", "subject", "from", "to", "cc", "bcc"),
    *("replyTo", "sentAt", "receivedAt", "bodyValues", "textBody", "attachments", "keywords"),
]
_IDENTITIES = ("Identity/get", {"ids": None}, "identities")


class Composing:
    """One for a worker."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get(self, request: Request) -> Response:
        """The form, empty or begun from another message."""
        session = await self._desk.enter(request)
        answers = await self._desk.call(session, _IDENTITIES, *FOLDERS)
        identities = answers["identities"]["list"]
        own = {one["email"].casefold() for one in identities}
        given, t = request.query_params, self._desk.pages.translate(request)
        letter, source = Letter(to=given.get("to", "")[:1000]), ""
        for kind in ("reply", "all", "forward", "draft"):
            if given.get(kind):
                source = given[kind][:40]
                letter = _begun(kind, await self._email(session, source), own, t)
                break
        values = {"kind": kind if source else "", "source": source}
        return self._form(request, session, read_frame(answers), identities, letter, values)

    async def post(self, request: Request) -> Response:
        """Send it, or keep it as a draft; what was wrong is told over the same form."""
        session = await self._desk.enter(request)
        form = await read_with_files(request, MOST_OCTETS)
        check_csrf(request, session, form.get("csrf"))
        answers = await self._desk.call(session, _IDENTITIES, *FOLDERS)
        frame, identities = read_frame(answers), answers["identities"]["list"]
        letter = _letter(form)
        try:
            identity = _identity(identities, form.get("from"))
            done = await self._keep(session, frame, form, letter, identity)
        except Refused as error:
            return self._form(
                request,
                session,
                frame,
                identities,
                letter,
                {"kind": form.get("kind"), "source": form.get("source")},
                problem=str(error),
                lost=bool(form.files),
            )
        folder = frame.with_role("drafts" if done == "saved" else "inbox")
        return RedirectResponse(list_path(folder.id if folder else "", told=done), 303)

    async def _keep(
        self,
        session: BrowserSession,
        frame: Frame,
        form: Form,
        letter: Letter,
        identity: Answer,
    ) -> str:
        """What is told afterwards. Raises Refused."""
        email = _email(letter, identity)
        drafts, sent = frame.with_role("drafts"), frame.with_role("sent")
        if drafts is None:
            raise NotFound("There is no folder for drafts.")
        is_sent = form.get("action") != "save"
        if is_sent and not (email["to"] or email["cc"] or email["bcc"]):
            raise Refused("Say who is to get the message.")
        once = form.get("once")
        if is_sent and not await self._is_first(session, once):
            return "sent"  # a second press of the button
        try:
            email["attachments"] = [*_kept(form), *await self._uploaded(session, form.files)]
            email |= {"mailboxIds": {drafts.id: True}, "keywords": {"$draft": True, "$seen": True}}
            await self._create(session, form, email, identity, sent.id if sent else "", is_sent)
        except PillarboxError:
            if is_sent:
                await self._forget(session, once)
            raise
        return "sent" if is_sent else "saved"

    async def _create(
        self,
        session: BrowserSession,
        form: Form,
        email: Answer,
        identity: Answer,
        sent: str,
        is_sent: bool,
    ) -> None:
        drafts = next(iter(email["mailboxIds"]))
        calls: list[tuple[str, Answer, str]] = [("Email/set", {"create": {"new": email}}, "made")]
        if is_sent:
            moved: Answer = {"keywords/$draft": None}
            if sent:
                moved |= {f"mailboxIds/{drafts}": None, f"mailboxIds/{sent}": True}
            submission = {
                "create": {"go": {"emailId": "#new", "identityId": identity["id"]}},
                "onSuccessUpdateEmail": {"#go": moved},
            }
            calls.append(("EmailSubmission/set", submission, "sent"))
        answers = await self._desk.call(session, *calls)
        _check_created(answers["made"], "new")
        made = answers["made"]["created"]["new"]["id"]
        if is_sent:
            try:
                _check_created(answers["sent"], "go")
            except Refused:
                await self._desk.call(session, ("Email/set", {"destroy": [made]}, "undone"))
                raise
        await self._finish(session, form.get("kind"), form.get("source")[:40], is_sent)

    async def _finish(self, session: BrowserSession, kind: str, source: str, is_sent: bool) -> None:
        """The draft that it was goes; what it answers is marked."""
        keyword = {"reply": "$answered", "all": "$answered", "forward": "$forwarded"}.get(kind, "")
        change: Answer = {}
        if kind == "draft" and source:
            change = {"destroy": [source]}
        elif is_sent and keyword and source:
            change = {"update": {source: {f"keywords/{keyword}": True}}}
        if change:
            await self._desk.call(session, ("Email/set", change, "finished"))

    async def _is_first(self, session: BrowserSession, once: str) -> bool:
        digest = _digest(session, once)
        until = unix_seconds(self._desk.services.clock.now()) + _ONCE_SECONDS
        return await self._desk.services.store.write(lambda tx: spent.spend(tx, digest, until))

    async def _forget(self, session: BrowserSession, once: str) -> None:
        digest = _digest(session, once)
        await self._desk.services.store.write(lambda tx: spent.give_back(tx, digest))

    async def _email(self, session: BrowserSession, wanted: str) -> Answer:
        get = {
            "ids": [wanted],
            "properties": _PROPERTIES,
            "fetchTextBodyValues": True,
            "maxBodyValueBytes": TEXT_OCTETS,
        }
        found = (await self._desk.call(session, ("Email/get", get, "email")))["email"]["list"]
        if not found:
            raise NotFound("There is no such message. It may have been deleted.")
        email: Answer = found[0]
        return email

    async def _uploaded(self, session: BrowserSession, files: list[Given]) -> list[Answer]:
        store, settings = self._desk.services.store, self._desk.services.settings.jmap
        parts: list[Answer] = []
        for file in files:
            with store.spool(settings.max_upload_octets) as spool:
                spool.write(file.octets)
                sealed = await spool.seal()
                await store.write(
                    partial(
                        uploads.add,
                        account=session.account,
                        blob=sealed,
                        media_type=file.type,
                        most_files=settings.uploaded_files,
                        most_octets=settings.uploaded_octets,
                    )
                )
            parts.append(
                {"blobId": upload_blob_id(sealed.id), "type": file.type} | _named(file.name)
            )
        return parts

    def _form(
        self,
        request: Request,
        session: BrowserSession,
        frame: Frame,
        identities: list[Answer],
        letter: Letter,
        values: dict[str, str],
        *,
        problem: str = "",
        lost: bool = False,
    ) -> Response:
        return self._desk.show(
            request,
            "compose.html",
            session,
            frame,
            status=409 if problem else 200,
            letter=letter,
            identities=identities,
            problem=problem,
            lost=lost,
            once=secrets.token_urlsafe(16),
            most=MOST_OCTETS,
            encoded=lambda part: msgspec.json.encode(part).decode(),
            **values,
        )


def _begun(kind: str, email: Answer, own: set[str], t: Callable[..., str]) -> Letter:
    if kind == "forward":
        return quoting.passed_on(email, t)
    if kind == "draft":
        return quoting.gone_on_with(email)
    return quoting.answer_to(email, own, t, is_to_all=kind == "all")


def _letter(form: Form) -> Letter:
    return Letter(
        to=form.get("to"),
        cc=form.get("cc"),
        bcc=form.get("bcc"),
        subject=" ".join(form.get("subject").split()),
        text=form.get("text").replace("\r\n", "\n"),
        in_reply_to=form.every("in_reply_to"),
        references=form.every("references"),
        kept=_kept(form),
    )


class _Kept(msgspec.Struct, rename="camel", omit_defaults=True):
    """An attachment of another message, as the form carries it."""

    blob_id: str
    type: str
    name: str | None = None
    size: int = 0


def _kept(form: Form) -> list[Answer]:
    try:
        kept = [msgspec.json.decode(one, type=_Kept) for one in form.every("keep")]
    except msgspec.DecodeError:
        raise Refused("The list of attachments is damaged. Open the message again.") from None
    return [{"blobId": one.blob_id, "type": one.type} | _named(one.name) for one in kept]


def _named(name: str | None) -> Answer:
    return {"name": name, "disposition": "attachment"}


def _identity(identities: list[Answer], wanted: str) -> Answer:
    for one in identities:
        if one["id"] == wanted:
            return one
    if not identities:
        raise Refused("This account has no address to write from.")
    return identities[0]


def _email(letter: Letter, identity: Answer) -> Answer:
    """As Email/set takes it (RFC 8621 §4.6)."""
    return {
        "from": [{"name": identity["name"] or None, "email": identity["email"]}],
        "to": addresses(letter.to),
        "cc": addresses(letter.cc),
        "bcc": addresses(letter.bcc),
        "subject": letter.subject,
        "inReplyTo": letter.in_reply_to or None,
        "references": letter.references or None,
        "bodyValues": {"text": {"value": letter.text}},
        "textBody": [{"partId": "text", "type": "text/plain"}],
    }


def addresses(text: str) -> list[Answer] | None:
    """What somebody wrote into a field; None for nothing. Raises Refused, naming what is wrong."""
    found = mailboxes(parse_address_list(text.replace(";", ",").encode()))
    if len(found) > _MOST_ADDRESSES:
        raise Refused(f"At most {_MOST_ADDRESSES} addresses fit into one field.")
    for one in found:
        if not one.local or not one.domain:
            raise Refused(f"{one.addr_spec or text} is no e-mail address.")
    return [{"name": one.display_name or None, "email": one.addr_spec} for one in found] or None


def _check_created(answer: Answer, name: str) -> None:
    refused = (answer["notCreated"] or {}).get(name)
    if refused is not None:
        sentence: Any = refused.get("description") or refused["type"]
        raise Refused(f"The message could not be sent: {sentence}")


def _digest(session: BrowserSession, once: str) -> bytes:
    return hashlib.sha256(f"compose\0{session.account}\0{once}".encode()).digest()
