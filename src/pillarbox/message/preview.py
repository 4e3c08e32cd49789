"""The beginning of a message's text, for lists of messages (RFC 8970)."""

from __future__ import annotations

import re

from pillarbox.message import charset, html_text
from pillarbox.message.part import Octets, Part
from pillarbox.message.text import first_octets, leaves, param

LENGTH = 200  # characters (RFC 8970 §3.1 allows 256 at most and asks for 200)
_FEW_OCTETS = 640  # of plain text, which nearly always hold as many characters
_PLAIN_OCTETS = 8 * 1024
_HTML_OCTETS = 64 * 1024  # style sheets come first and are long
_QUOTED = re.compile(r"^>.*+$", re.MULTILINE)
_MOST_PARTS = 50


def preview(octets: Octets, root: Part) -> str:
    """At most 200 characters of the first text that has any, as one line."""
    left = _HTML_OCTETS  # for all parts together
    for number, part in enumerate(leaves(root)):
        if number == _MOST_PARTS or left <= 0:
            break
        if part.type != "text" or part.disposition == "attachment":
            continue
        if part.subtype == "html":
            line = shorten(html_text.to_text(_beginning(octets, part, left)))
            left -= part.body_end - part.body_start
        elif part.subtype == "plain" or part.subtype == "enriched":
            line = _without_quotations(_beginning(octets, part, _FEW_OCTETS))
            if len(line) < LENGTH // 2 and part.body_end - part.body_start > _FEW_OCTETS:
                line = _without_quotations(_beginning(octets, part, _PLAIN_OCTETS))
        else:
            continue
        if line:
            return line
    return ""


def _beginning(octets: Octets, part: Part, most: int) -> str:
    return charset.decode(first_octets(octets, part, most), param(part, "charset"))


def _without_quotations(text: str) -> str:
    if ">" in text:
        return shorten(_QUOTED.sub("", text)) or shorten(text)
    return shorten(text)


def shorten(text: str) -> str:
    """The first characters with all white space and controls made single spaces."""
    line = " ".join(text[: 2 * LENGTH].split())
    if len(line) < LENGTH and len(text) > 2 * LENGTH:
        line = " ".join(text.split())
    if not line.isprintable():
        line = "".join([c if c.isprintable() else " " for c in line[: 4 * LENGTH]])
        line = " ".join(line.split())
    return line[:LENGTH].rstrip()
