"""HTML of a stranger to HTML that may be shown: the sanitiser with our rules around it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

import nh3

from pillarbox.web.bodies.css import clean_sheet, clean_style, is_colouring
from pillarbox.web.bodies.job import Bounds
from pillarbox.web.bodies.links import MAY_LINK, scheme_of
from pillarbox.web.bodies.policy import (
    ATTRIBUTES,
    COLOURING,
    CONTENT_GOES,
    PREFIX,
    PROXIED_SCHEMES,
    SANITISER_SCHEMES,
    SET_ATTRIBUTES,
    TAGS,
)
from pillarbox.web.bodies.prescan import Scanned, prescan

_RASTER_DATA = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif|bmp);base64,[A-Za-z0-9+/=\s]*")
# They turn what is written around; a file "gpj.exe" reads as "exe.jpg" behind one.
BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LONGEST = 2000  # characters of an id, a class or a title
_LONGEST_URL = 8192
_BODY_COLOUR = re.compile(r"#?[A-Za-z0-9]{1,30}")


class TooDeep(Exception):
    """The parser would need very long for it."""


@dataclass(frozen=True, slots=True)
class CleanMarkup:
    """One HTML part."""

    markup: str
    styles: str
    body_attributes: str
    scanned: Scanned
    is_coloured: bool


@dataclass(slots=True)
class Cleaner:
    """Of one message; numbers its remote pictures."""

    bounds: Bounds
    marker: str
    part_path: str = ""
    inline: dict[str, str] = field(default_factory=dict)
    remote: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _coloured: bool = False

    def clean(self, markup: str) -> CleanMarkup:
        """Raises TooDeep."""
        scanned = prescan(markup, self.bounds.nesting)
        if scanned.depth > self.bounds.nesting:
            raise TooDeep
        self._coloured = False
        body = BIDI_CONTROLS.sub("", self._sanitise(markup))
        left = self.bounds.style_octets
        sheets: list[str] = []
        for sheet in scanned.sheets:
            sheets.append(clean_sheet(sheet[:left]))
            left -= len(sheet[:left])
        styles = BIDI_CONTROLS.sub("", "\n".join(filter(None, sheets)))
        attributes = self._body_attributes(scanned.body_tag)
        coloured = self._coloured or is_colouring(styles) or is_colouring(attributes)
        return CleanMarkup(body, styles, attributes, scanned, coloured)

    def _sanitise(self, markup: str) -> str:
        return nh3.clean(
            markup,
            tags=set(TAGS),
            clean_content_tags=set(CONTENT_GOES),
            attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
            attribute_filter=self._filtered,
            set_tag_attribute_values=SET_ATTRIBUTES,
            url_schemes=SANITISER_SCHEMES,
            link_rel="noopener noreferrer",
        )

    def _filtered(self, tag: str, name: str, value: str) -> str | None:
        """An attribute's value as it may stay; None: it goes."""
        if name == "style":
            style = clean_style(value)
            self._coloured = self._coloured or is_colouring(style)
            return style or None
        if name == "href":
            return self._link(value)
        if name == "src":
            return self._picture(value)
        if name in ("id", "name"):
            return _prefixed(value)
        if name == "usemap":
            return "#" + _prefixed(value[1:]) if value.startswith("#") else None
        if name in COLOURING:
            self._coloured = True
        return value if len(value) <= _LONGEST or name == "alt" else None

    def _link(self, value: str) -> str | None:
        # A place within the page would open the page once more.
        return value if len(value) <= _LONGEST_URL and scheme_of(value) in MAY_LINK else None

    def _picture(self, value: str) -> str | None:
        if value[:5].lower() == "data:":
            return value if _RASTER_DATA.fullmatch(value) else None
        scheme = scheme_of(value)
        if scheme == "cid":
            number = self.inline.get(value.strip()[4:])
            return self.part_path + number if number is not None else None
        if scheme in PROXIED_SCHEMES and len(value) <= _LONGEST_URL:
            url = value.strip()
            place = self._numbers.setdefault(url, len(self.remote))
            if place == len(self.remote):
                self.remote.append(url)
            return f"{self.marker}{place}-"
        number = self.inline.get(value.strip())  # Content-Location
        return self.part_path + number if number is not None else None

    def _body_attributes(self, written: str) -> str:
        """Of our own body element, as those of theirs were."""
        if not written:
            return ""
        found: dict[str, str] = {}

        def note(tag: str, name: str, value: str) -> str | None:
            if tag == "div":
                found.setdefault(name, value)
            return value

        names = {"bgcolor", "class", "dir", "id", "lang", "style", "text"}
        nh3.clean(
            f"<div {written}>", tags={"div"}, attributes={"div": names}, attribute_filter=note
        )
        styles = [
            f"{name}:{found[given]}"
            for given, name in (("bgcolor", "background-color"), ("text", "color"))
            if _BODY_COLOUR.fullmatch(found.get(given, ""))
        ]
        styles.append(clean_style(found.get("style", "")))
        kept: dict[str, str] = {}
        for name in ("class", "dir", "lang"):
            if name in found:
                kept[name] = found[name]
        if "id" in found:
            kept["id"] = _prefixed(found["id"])
        kept["style"] = ";".join(filter(None, styles))
        return "".join(
            f' {name}="{html.escape(BIDI_CONTROLS.sub("", value))}"'
            for name, value in kept.items()
            if value and len(value) <= _LONGEST
        )


def _prefixed(value: str) -> str:
    return value[:_LONGEST] if value.startswith(PREFIX) else PREFIX + value[:_LONGEST]
