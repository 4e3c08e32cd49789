"""XML of a stranger's making, read in pieces: no document types, no entities, all of it bounded.

Without a document type there is nothing to expand and nothing to fetch: what is not one of XML's
own five entities is an error of expat's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn
from xml.parsers import expat

from msgspec import Struct, field

from pillarbox.trust.dmarc_report.errors import BadReport

MAX_DEPTH = 16  # a report has 6
MAX_ELEMENTS = 800_000  # a row of a report has some 25
MAX_WITHIN = 500  # of them in one row, all of which are held at a time
MAX_TEXT = 1000  # characters of one element; what is longer is cut
_MAX_TOKEN = 256 * 1024  # octets of one tag or comment, which expat must hold whole


class Element(Struct):
    """One element with what is in it; attributes mean nothing in a report."""

    name: str  # without a prefix: some put the elements into a namespace
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def find(self, name: str) -> Element | None:
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def all(self, name: str) -> list[Element]:
        """All children of that name."""
        return [child for child in self.children if child.name == name]

    def word(self, name: str) -> str:
        """A child's text; "" where there is none."""
        child = self.find(name)
        return "" if child is None else child.text.strip()


class _Reader:
    """Builds elements; those on the second level are handed over and let go of."""

    def __init__(self, root: str, take: Callable[[Element], None]) -> None:
        self._root = root
        self._take = take
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._elements = 0
        self._within = 0
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        parser.ExternalEntityRefHandler = _refuse
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._elements += 1
        self._within = self._within + 1 if len(self._open) > 1 else 0
        if self._elements > MAX_ELEMENTS or self._within > MAX_WITHIN:
            raise BadReport("too many elements", "The report has too many elements.")
        if len(self._open) >= MAX_DEPTH:
            raise BadReport("too deep", "The report's elements are nested too deeply.")
        if not self._open and name != self._root:
            raise BadReport("not a report", "The report's XML is of something else.")
        element = Element(name)
        if len(self._open) > 1:  # what stands right below the root is handed over on its own
            self._open[-1].children.append(element)
        self._open.append(element)
        self._texts.append([])

    def _end(self, tag: str) -> None:
        element = self._open.pop()
        element.text = "".join(self._texts.pop())[:MAX_TEXT]
        if len(self._open) == 1:
            self._take(element)

    def _text(self, text: str) -> None:
        texts = self._texts[-1]
        if len(texts) < 8:  # pieces: expat joins what stands together
            texts.append(text[:MAX_TEXT])


def _refuse(*_: object) -> NoReturn:
    raise BadReport("entities", "The report declares a document type or entities.")


def read_elements(pieces: Iterable[bytes], root: str, take: Callable[[Element], None]) -> None:
    """`take(element)` for each child of the root, as it ends. Raises BadReport."""
    reader = _Reader(root, take)
    parser = reader.parser
    fed = 0
    try:
        for piece in pieces:
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - max(parser.CurrentByteIndex, 0) > _MAX_TOKEN:
                raise BadReport("not xml", "A tag or comment of the report has no end.")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise BadReport("not xml", f"The report is not XML: {error}.") from error
    except (ValueError, LookupError) as error:  # an encoding that Python does not know
        raise BadReport("not xml", "The report's encoding is not known.") from error
    finally:
        _let_go(parser)


def _let_go(parser: expat.XMLParserType) -> None:
    """The parser and its handlers hold one another: untie them, or they wait for the collector."""
    parser.StartElementHandler = None
    parser.EndElementHandler = None
    parser.CharacterDataHandler = None
