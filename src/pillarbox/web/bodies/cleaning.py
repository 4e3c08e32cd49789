"""A job done: all shown parts of a message, cleaned and put one behind another."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

from pillarbox.message import charset, html_text
from pillarbox.web.bodies.job import Cleaned, Facts, Job, Piece
from pillarbox.web.bodies.links import mismatched_links
from pillarbox.web.bodies.markup import Cleaner, TooDeep
from pillarbox.web.bodies.plain import plain_markup, tidied
from pillarbox.web.bodies.policy import TRACKING_HOSTS, TRACKING_PATHS

_IMAGE = re.compile(r'<img((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_TINY = re.compile(r"\s*0*[0-2](?:\.\d*)?\s*(?:px)?\s*")
_TINY_STYLE = re.compile(
    r"(?:^|;)\s*(?:max-)?(?:width|height):0*[0-2](?:px)?(?:!important)?(?=;|$)"
)
_HIDDEN_STYLE = re.compile(r"(?:^|;)\s*(?:display:none|visibility:hidden)")
_VISIBLE = re.compile(r"<(?:img|hr)[ >]")
_BLANK = "\0\ufeff\u200b\u200c\u200d\xa0 \t\r\n"
_PGP = "-----BEGIN PGP MESSAGE-----"


def clean_message(job: Job) -> Cleaned:
    """Never raises for what a stranger wrote; may take more time or memory than there is."""
    if not job.as_text:
        try:
            return _Message(job).cleaned(as_text=False)
        except TooDeep:
            return _Message(job).cleaned(as_text=True, gave_up=True)
    return _Message(job).cleaned(as_text=True)


class _Message:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._cleaner = Cleaner(job.bounds, job.marker, job.part_path, job.inline)
        self._styles: list[str] = []
        self._body_attributes = ""
        self._unreadable = 0
        self._trackers = 0
        self._images: set[int] = set()
        self._forms = self._dark = self._coloured = self._pgp = False
        self._has_words = self._has_html = False

    def cleaned(self, *, as_text: bool, gave_up: bool = False) -> Cleaned:
        pieces = [self._piece(piece, as_text=as_text) for piece in self._job.pieces]
        markup = "\n".join(filter(None, pieces))
        markup = self._remote_images(markup)
        facts = Facts(
            trackers=self._trackers,
            mismatched=mismatched_links(markup) if self._has_html else (),
            forms_removed=self._forms,
            text_only=gave_up,
            dark_aware=self._dark or not self._coloured,
            is_coloured=self._coloured,
            unreadable=self._unreadable,
            is_empty=not self._has_words and _VISIBLE.search(markup) is None,
            pgp=self._pgp,
            images=len(self._images),
        )
        styles = "\n".join(filter(None, self._styles))
        return Cleaned(markup, styles, self._body_attributes, tuple(self._cleaner.remote), facts)

    def _piece(self, piece: Piece, *, as_text: bool) -> str:
        if piece.kind == "image":
            if as_text:
                return ""
            return f'<p><img class="pb-part" src="{self._job.part_path}{piece.number}" alt=""></p>'
        text = charset.decode(piece.octets, piece.charset, thorough=True)
        self._unreadable += text.count("\ufffd")
        if piece.kind == "html":
            markup = "" if as_text else self._html(text)
            if markup:
                return markup
            # As text, or so broken that a browser would show nothing of it.
            text = tidied(html_text.to_text(text))
        self._pgp = self._pgp or _PGP in text
        if not text.strip(_BLANK):
            return ""
        self._has_words = True
        return plain_markup(text, flowed=piece.flowed, delete_space=piece.delete_space)

    def _html(self, text: str) -> str:
        found = self._cleaner.clean(text)
        self._has_html = True
        self._styles.append(found.styles)
        self._body_attributes = self._body_attributes or found.body_attributes
        self._forms = self._forms or found.scanned.has_forms
        self._dark = self._dark or found.scanned.dark_aware
        self._coloured = self._coloured or found.is_coloured
        words = html_text.to_text(found.markup).strip(_BLANK)
        self._has_words = self._has_words or bool(words)
        self._pgp = self._pgp or _PGP in words
        return found.markup if words or _VISIBLE.search(found.markup) is not None else ""

    def _remote_images(self, markup: str) -> str:
        """Pixels that only tell of the opening go; the others wait for the reader's word."""
        if not self._cleaner.remote:
            return markup
        return _IMAGE.sub(self._remote_image, markup)

    def _remote_image(self, image: re.Match[str]) -> str:
        marker = self._job.marker
        given = dict(_ATTRIBUTE.findall(image[1]))
        source = given.get("src", "")
        if not source.startswith(marker):
            return image.group()
        number = int(source.removeprefix(marker).rstrip("-"))
        if _is_tracker(given, self._cleaner.remote[number]):
            self._trackers += 1
            return ""
        self._images.add(number)
        return image.group()


def _is_tracker(given: dict[str, str], url: str) -> bool:
    if "width" in given and "height" in given:
        tiny = all(_TINY.fullmatch(unescape(given[name])) for name in ("width", "height"))
    else:
        tiny = any(
            _TINY.fullmatch(unescape(given[name])) for name in ("width", "height") if name in given
        )
    style = unescape(given.get("style", ""))
    if tiny or len(_TINY_STYLE.findall(style)) > 1 or _HIDDEN_STYLE.search(style):
        return True
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    known = any(host == one or host.endswith("." + one) for one in TRACKING_HOSTS)
    return known and any(path in parts.path.lower() for path in TRACKING_PATHS)
