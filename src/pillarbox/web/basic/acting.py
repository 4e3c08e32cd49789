"""What is done to messages: those that were ticked, or everything in the list."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.errors import NotFound
from pillarbox.web.basic.desk import Answer, Desk, Frame, Refused, list_path
from pillarbox.web.basic.form import Form, read_fields
from pillarbox.web.basic.listing import ROWS, filter_of, place_of
from pillarbox.web.session import check_csrf

_SEEN, _FLAGGED = "$seen", "$flagged"
_KEYWORDS = {  # action: keyword, on or off, what is told
    "read": (_SEEN, True, "read"),
    "unread": (_SEEN, False, "unread"),
    "flag": (_FLAGGED, True, "flagged"),
    "unflag": (_FLAGGED, False, "unflagged"),
}
_TO_ROLE = {"delete": "trash", "junk": "junk", "archive": "archive", "inbox": "inbox"}


class Acting:
    """One for a worker."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def post(self, request: Request) -> Response:
        """Do it, and back to the list; what cannot be taken back is asked about first."""
        session = await self._desk.enter(request)
        form = await read_fields(request)
        check_csrf(request, session, form.get("csrf"))
        place, words, page = place_of(form)
        back = list_path(place, words, page)
        ids = [one for one in form.every("id") if len(one) <= 40][:ROWS]
        is_all = form.get("scope") == "all"
        if not ids and not is_all:
            return RedirectResponse(f"{back}{'&' if '?' in back else '?'}told=nothing", 303)
        frame = await self._desk.frame(session)
        action, done = _action(frame, place, form)
        if action["type"] == "destroy" and form.get("sure") != "yes":
            count = await self._count(session, place, words) if is_all else len(ids)
            return self._ask(request, session, frame, form, ids, count)
        if is_all:
            operation, count = await self._do_all(session, action, place, words, form)
            return _back(list_path(place, words, told=done, n=count, operation=operation))
        count = await self._do_some(session, action, ids)
        return _back(list_path(place, words, page, told=done, n=count))

    async def post_undo(self, request: Request) -> Response:
        """Take back an operation of the server's."""
        session = await self._desk.enter(request)
        form = await read_fields(request)
        check_csrf(request, session, form.get("csrf"))
        place, words, _ = place_of(form)
        operation = form.get("operation")[:40]
        change = {"update": {operation: {"undo": True}}}
        answer = (await self._desk.call(session, ("BulkOperation/set", change, "set")))["set"]
        if operation in (answer["notUpdated"] or {}):
            raise _refusal(answer["notUpdated"][operation])
        undone = answer["updated"][operation]["undoneBy"]
        return _back(list_path(place, words, told="undone", operation=undone))

    async def _do_some(self, session: BrowserSession, action: Answer, ids: list[str]) -> int:
        change: Answer = {"update": dict.fromkeys(ids, _patch(action))}
        if action["type"] == "destroy":
            change = {"destroy": ids}
        answer = (await self._desk.call(session, ("Email/set", change, "set")))["set"]
        done = answer["updated"] or answer["destroyed"] or ()
        problems = answer["notUpdated"] or answer["notDestroyed"] or {}
        for one in problems.values():
            if not done and one["type"] != "notFound":
                raise _refusal(one)
        return len(done)

    async def _do_all(
        self, session: BrowserSession, action: Answer, place: str, words: str, form: Form
    ) -> tuple[str, int]:
        """One operation over everything that was in the list when the page was made."""
        wanted = {
            "filter": filter_of(place, words),
            "upToState": form.get("state")[:40] or None,
            "action": action,
            "idempotencyKey": form.get("once")[:100] or None,
        }
        change = {"create": {"all": wanted}}
        answer = (await self._desk.call(session, ("BulkOperation/set", change, "set")))["set"]
        if "all" in (answer["notCreated"] or {}):
            raise _refusal(answer["notCreated"]["all"])
        made = answer["created"]["all"]
        return made["id"], made["total"]

    async def _count(self, session: BrowserSession, place: str, words: str) -> int:
        query = {"filter": filter_of(place, words), "limit": 0, "calculateTotal": True}
        answer = await self._desk.call(session, ("Email/query", query, "list"))
        return int(answer["list"]["total"])

    def _ask(
        self,
        request: Request,
        session: BrowserSession,
        frame: Frame,
        form: Form,
        ids: list[str],
        count: int,
    ) -> Response:
        place, words, page = place_of(form)
        return self._desk.show(
            request,
            "confirm.html",
            session,
            frame,
            folder=frame.with_id(place),
            words=words,
            page=page,
            ids=ids,
            count=count,
            action=form.get("action"),
            scope=form.get("scope"),
            once=form.get("once"),
            state=form.get("state"),
            back=list_path(place, words, page),
        )


def _action(frame: Frame, place: str, form: Form) -> tuple[Answer, str]:
    """As a BulkOperation names it, and what is told afterwards. Raises NotFound, Refused."""
    name = form.get("action")
    if name in _KEYWORDS:
        keyword, is_set, done = _KEYWORDS[name]
        kind = "setKeywords" if is_set else "unsetKeywords"
        return {"type": kind, "keywords": {keyword: True}}, done
    folder = frame.with_id(place)
    if name == "destroy" or (name == "delete" and folder is not None and folder.role == "trash"):
        return {"type": "destroy"}, "destroyed"
    if name in _TO_ROLE:
        target = frame.with_role(_TO_ROLE[name])
    elif name == "move":
        target = frame.with_id(form.get("to"))
    else:
        raise Refused("Choose what is to be done.")
    if target is None:
        raise NotFound("There is no such folder.")
    return {"type": "move", "toMailboxId": target.id}, "deleted" if name == "delete" else "moved"


def _patch(action: Answer) -> Answer:
    """The same for one message (RFC 8621 §4.6)."""
    if action["type"] == "move":
        return {"mailboxIds": {action["toMailboxId"]: True}}
    is_set = action["type"] == "setKeywords"
    return {f"keywords/{name}": True if is_set else None for name in action.get("keywords", ())}


def _refusal(error: Answer) -> Refused:
    sentence = error.get("description")
    return Refused(sentence) if sentence else Refused()


def _back(path: str) -> Response:
    return RedirectResponse(path, 303)
