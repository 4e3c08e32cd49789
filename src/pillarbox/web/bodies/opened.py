"""A message that somebody opens: its parts, which of them are shown, and what is odd about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from pillarbox.config.bodies import BodySettings
from pillarbox.ids import AccountId
from pillarbox.jmap.blobs import MESSAGE_TYPE, find_blob, take_apart
from pillarbox.jmap.email.bodies import Bodies, bodies_of
from pillarbox.jmap.email.octets import Held, Source
from pillarbox.jmap.email.parts import BodyPart, body_part, find, walk
from pillarbox.message.part import Part
from pillarbox.message.text import param
from pillarbox.store import Store
from pillarbox.web.bodies.job import Piece

_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_MOST_NAMES = 20
_MOST_INLINE = 1000


class Oddity(Enum):
    """What a person is told above the text."""

    NO_BOUNDARY = auto()
    CUT_OFF = auto()
    UNREADABLE = auto()
    NOT_SHOWN_AS_HTML = auto()
    TRUNCATED = auto()
    EMPTY = auto()
    TNEF = auto()
    SMIME_SEALED = auto()
    SMIME_SIGNED = auto()
    ENCRYPTED = auto()


@dataclass(frozen=True, slots=True)
class Opened:
    """One message, and which of its parts are its text."""

    source: Source
    root: BodyPart
    bodies: Bodies
    oddities: tuple[Oddity, ...]
    names: tuple[str, ...]  # of files

    @property
    def has_html(self) -> bool:
        """Whether there is more than plain text."""
        return any(part.type == "text/html" for part in self.bodies.html)

    @property
    def inline(self) -> dict[str, str]:
        """How its HTML may name its parts."""
        found: dict[str, str] = {}
        for part in walk(self.root):
            if part.is_multipart or len(found) >= _MOST_INLINE:
                continue
            for name in (part.location, part.cid):
                if name:
                    found.setdefault(name, part.number)
        return found


@dataclass(slots=True)
class Pieces:
    """What is shown of it."""

    pieces: list[Piece] = field(default_factory=list)
    is_truncated: bool = False


async def open_message(store: Store, account: AccountId, blob_id: str) -> Opened | None:
    """None: there is no such message. Raises Damaged."""
    blob = await find_blob(store, account, blob_id)
    if blob is None or blob.type not in (MESSAGE_TYPE, "message/global"):
        return None
    source, root = blob.source, blob.source.root
    if blob.part is not None and blob.part.children:
        root = blob.part.children[0]
    elif blob.part is not None or root is None:
        octets = await blob.read()
        root = (await take_apart(store, octets)).root
        source = Source(Held(octets), root)
    shown = body_part(root)
    bodies = bodies_of(shown)
    if not bodies.html:  # a text of a kind that nobody knows is a text all the same
        bodies.text.extend(part for part in walk(shown) if _is_other_text(part))
        bodies.html.extend(bodies.text)
    names = [part.name for part in bodies.attachments if part.name]
    return Opened(source, shown, bodies, _oddities(shown), tuple(names[:_MOST_NAMES]))


def _is_other_text(part: BodyPart) -> bool:
    return part.part.type == "text" and part.part.disposition != "attachment"


async def pieces_of(
    opened: Opened, parts: list[BodyPart], most: int, settings: BodySettings
) -> Pieces:
    """The octets of the parts that are shown, no more than `most` of all. Raises Damaged."""
    found = Pieces(is_truncated=len(parts) > settings.parts)
    left = most
    for part in parts[: settings.parts]:
        if part.part.type == "image":
            found.pieces.append(Piece("image", b"", number=part.number))
        if part.part.type != "text":
            continue
        octets, is_whole = await _beginning(opened.source, part.part, left)
        left -= len(octets)
        found.is_truncated = found.is_truncated or not is_whole
        found.pieces.append(_text_piece(part, octets))
    return found


def _text_piece(part: BodyPart, octets: bytes) -> Piece:
    return Piece(
        "html" if part.type == "text/html" else "text",
        octets,
        param(part.part, "charset"),
        flowed=(param(part.part, "format") or "").lower() == "flowed",
        delete_space=(param(part.part, "delsp") or "").lower() == "yes",
    )


async def _beginning(source: Source, part: Part, most: int) -> tuple[bytes, bool]:
    """The first octets of a part's content, and whether they are all."""
    pieces: list[bytes] = []
    size = 0
    async for chunk in source.chunks(part):
        pieces.append(chunk)
        size += len(chunk)
        if size > most:
            return b"".join(pieces)[:most], False
    return b"".join(pieces), True


def _oddities(root: BodyPart) -> tuple[Oddity, ...]:
    found: dict[Oddity, None] = {}
    for part in walk(root):
        odd = _of_multipart(part, root) if part.is_multipart else _of_leaf(part)
        if odd is not None:
            found[odd] = None
    return tuple(found)


def _of_multipart(part: BodyPart, root: BodyPart) -> Oddity | None:
    own = part.part
    if own.subtype == "encrypted":
        return Oddity.ENCRYPTED
    children = own.children
    if len(children) == 1 and children[0].body_start == own.body_start:
        return Oddity.NO_BOUNDARY  # its only part has no header, not even an empty line
    if part is root and (not children or children[-1].body_end == own.body_end):
        return Oddity.CUT_OFF
    return None


def _of_leaf(part: BodyPart) -> Oddity | None:
    if part.type in _TNEF or (part.name or "").lower() == "winmail.dat":
        return Oddity.TNEF
    if part.type in _SMIME:
        kind = (find(part.part.params, "smime-type") or "enveloped-data").lower()
        return Oddity.SMIME_SIGNED if kind == "signed-data" else Oddity.SMIME_SEALED
    return None
