"""Which parts are a message's text and which are its attachments (RFC 8621 §4.1.4).

The algorithm is the one of the RFC, step by step, so that clients which know it are not surprised.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pillarbox.jmap.email.parts import BodyPart

_MEDIA = frozenset({"image", "audio", "video"})
_TEXTS = frozenset({"text/plain", "text/html"})


@dataclass(frozen=True, slots=True)
class Bodies:
    """The three lists."""

    text: list[BodyPart] = field(default_factory=list)
    html: list[BodyPart] = field(default_factory=list)
    attachments: list[BodyPart] = field(default_factory=list)


@dataclass(slots=True)
class _Lists:
    """Where parts go at one level; None: that list has what it needs from elsewhere."""

    text: list[BodyPart] | None
    html: list[BodyPart] | None
    attachments: list[BodyPart]


def bodies_of(root: BodyPart) -> Bodies:
    """Text, HTML and attachments of a message."""
    found = Bodies()
    lists = _Lists(found.text, found.html, found.attachments)
    _sort((root,), "mixed", False, lists)
    return found


def _sort(parts: tuple[BodyPart, ...], kind: str, in_alternative: bool, lists: _Lists) -> None:
    """`kind`: the subtype of the multipart that the parts stand in."""
    text_before = len(lists.text) if lists.text is not None else -1
    html_before = len(lists.html) if lists.html is not None else -1
    for place, part in enumerate(parts):
        if part.is_multipart:
            inner = part.part.subtype
            # A copy: what ends a list within a part does not end it beside that part.
            below = _Lists(lists.text, lists.html, lists.attachments)
            _sort(part.sub_parts, inner, in_alternative or inner == "alternative", below)
        elif not _is_inline(part, place, kind):
            lists.attachments.append(part)
        elif kind == "alternative":
            _add_alternative(part, lists)
        else:
            _add(part, in_alternative, lists)
    if kind == "alternative" and lists.text is not None and lists.html is not None:
        # Only one of the two was there: it stands for both.
        if len(lists.text) == text_before and len(lists.html) != html_before:
            lists.text.extend(lists.html[html_before:])
        elif len(lists.html) == html_before and len(lists.text) != text_before:
            lists.html.extend(lists.text[text_before:])


def _is_inline(part: BodyPart, place: int, kind: str) -> bool:
    is_media = part.part.type in _MEDIA
    if part.part.disposition == "attachment" or not (is_media or part.type in _TEXTS):
        return False
    return place == 0 or (kind != "related" and (is_media or not part.name))


def _add_alternative(part: BodyPart, lists: _Lists) -> None:
    wanted = {"text/plain": lists.text, "text/html": lists.html}.get(part.type)
    # Where its list has ended outside of this multipart, the RFC's sketch breaks off; what is in
    # neither list is an attachment.
    (lists.attachments if wanted is None else wanted).append(part)


def _add(part: BodyPart, in_alternative: bool, lists: _Lists) -> None:
    if in_alternative:
        if part.type == "text/plain":
            lists.html = None
        if part.type == "text/html":
            lists.text = None
    if lists.text is not None:
        lists.text.append(part)
    if lists.html is not None:
        lists.html.append(part)
    if (lists.text is None or lists.html is None) and part.part.type in _MEDIA:
        lists.attachments.append(part)
