"""The beginning of a message's text, for lists of messages (RFC 8970)."""

from __future__ import annotations

import re

from pillarbox.message import charset, html_text
from pillarbox.message.part import Octets, Part
from pillarbox.message.text import first_octets, leaves, param

LENGTH = 200  # characters (RFC 8970 §3.1 allows 256 at most and asks for 200)
_PLAIN_OCTETS = 2048  # some lines may be quotations
_HTML_OCTETS = 64 * 1024  # style sheets come first and are long
_QUOTED = re.compile(r"^>.*+$", re.MULTILINE)
_MOST_PARTS = 50


def preview(octets: Octets, root: Part) -> str:
    """At most 200 characters of the first text that has any, as one line."""
    for number, part in enumerate(leaves(root)):
        if number == _MOST_PARTS:
            break
        if part.type != "text" or part.disposition == "attachment":
            continue
        if part.subtype == "html":
            raw = first_octets(octets, part, _HTML_OCTETS)
            text = html_text.to_text(charset.decode(raw, param(part, "charset")))
        elif part.subtype in ("plain", "enriched"):
            text = charset.decode(first_octets(octets, part, _PLAIN_OCTETS), param(part, "charset"))
            if "\n>" in text or text.startswith(">"):
                text = _QUOTED.sub("", text).strip() or text
        else:
            continue
        line = shorten(text)
        if line:
            return line
    return ""


def shorten(text: str) -> str:
    """The first characters with all white space and controls made single spaces."""
    text = text[: 20 * LENGTH]
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join([c if c.isprintable() else " " for c in line])
        line = " ".join(line.split())
    return line[:LENGTH].rstrip()
