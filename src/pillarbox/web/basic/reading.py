"""One message: its text in the page, or as its sender designed it, in a frame without scripts."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from pillarbox.accounts.browser_sessions import BrowserSession
from pillarbox.errors import NotFound
from pillarbox.jmap.ids import account_id
from pillarbox.web.basic.desk import FOLDERS, Answer, Desk, Refused, list_path, read_frame
from pillarbox.web.basic.listing import SORT, filter_of, place_of
from pillarbox.web.bodies.links import shown_address

TEXT_OCTETS = 262_144  # of a text that is shown; the source has the rest
_PROPERTIES = [
    *("id", "blobId", "subject", "from", "to", "cc", "bcc", "replyTo", "receivedAt", "sentAt"),
    *("keywords", "mailboxIds", "bodyValues", "textBody", "htmlBody", "attachments"),
]
_PEOPLE = ("from", "to", "cc", "bcc")
_LINK = re.compile(r"https?://[^\s<>\"'\x00-\x20]{1,2000}")
_BEHIND_LINKS = ".,;:!?)]}"  # belongs to the sentence


class Reading:
    """One for a worker."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get(self, request: Request) -> Response:
        """The message, which counts as read from now on."""
        session = await self._desk.enter(request)
        wanted = request.path_params["id"][:40]
        place, words, page = place_of(request.query_params)
        seen = {"update": {wanted: {"keywords/$seen": True}}}
        get = {
            "ids": [wanted],
            "properties": _PROPERTIES,
            "fetchTextBodyValues": True,
            "maxBodyValueBytes": TEXT_OCTETS,
        }
        answers = await self._desk.call(
            session, ("Email/get", get, "email"), ("Email/set", seen, "seen"), *FOLDERS
        )
        if not answers["email"]["list"]:
            raise NotFound("There is no such message. It may have been deleted.")
        email: Answer = answers["email"]["list"][0]
        for one in (one for name in _PEOPLE for one in email[name] or ()):
            one["email"] = shown_address(one["email"])
        frame = read_frame(answers)
        before, after = await self._beside(session, wanted, place, words)
        account = account_id(session.account)
        text, is_cut = text_of(email)
        view = request.query_params.get("view", "")
        return self._desk.show(
            request,
            "message.html",
            session,
            frame,
            email=email,
            folder=frame.with_id(place),
            words=words,
            page=page,
            place=place,
            text=with_links(text) if text is not None and view != "html" else None,
            is_cut=is_cut,
            has_html=any(part["type"] == "text/html" for part in email["htmlBody"]),
            body_path=body_path(account, email["blobId"], request.query_params.get("img") == "1"),
            shows_images=request.query_params.get("img") == "1",
            source_path=f"/m/{account}/{email['blobId']}/source",
            files=[_file(account, part) for part in email["attachments"]],
            before=before,
            after=after,
            back=list_path(place, words, page),
        )

    async def _beside(
        self, session: BrowserSession, wanted: str, place: str, words: str
    ) -> tuple[str | None, str | None]:
        """The newer and the older message of the list that one came from."""
        if not place and not words:
            return None, None
        query = {
            "filter": filter_of(place, words),
            "sort": SORT,
            "anchor": wanted,
            "anchorOffset": -1,
            "limit": 3,
        }
        try:
            answer = await self._desk.call(session, ("Email/query", query, "list"))
        except (Refused, NotFound):  # it is not in that list any more
            return None, None
        ids = answer["list"]["ids"]
        at = ids.index(wanted) if wanted in ids else 0
        return (ids[at - 1] if at else None), (ids[at + 1] if at + 1 < len(ids) else None)


def text_of(email: Answer) -> tuple[str | None, bool]:
    """The plain text, and whether more of it was cut off; None where there is only HTML."""
    parts = [part for part in email["textBody"] if part["type"] == "text/plain"]
    if not parts or any(part["type"] == "text/html" for part in email["textBody"]):
        return None, False
    values = [email["bodyValues"][part["partId"]] for part in parts]
    return "\n".join(one["value"] for one in values), any(one["isTruncated"] for one in values)


def with_links(text: str) -> Markup:
    """Escaped; addresses of the web can be followed."""
    pieces: list[str] = []
    at = 0
    for found in _LINK.finditer(text):
        address = found[0].rstrip(_BEHIND_LINKS)
        pieces.append(escape(text[at : found.start()]))
        pieces.append(
            Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>').format(
                address
            )
        )
        at = found.start() + len(address)
    return Markup("").join([*pieces, escape(text[at:])])


def body_path(account: str, blob: str, shows_images: bool) -> str:
    """Where the message is, cleaned, in a document of its own."""
    return f"/m/{account}/{blob}/body?img={int(shows_images)}&all=1"


def _file(account: str, part: dict[str, Any]) -> dict[str, Any]:
    name = part["name"] or "file"
    path = f"/jmap/download/{account}/{part['blobId']}/{quote(name, safe='')}"
    return {
        "name": name,
        "size": part["size"],
        "path": f"{path}?type={quote(part['type'], safe='')}",
    }
