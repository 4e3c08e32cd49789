"""Files that a browser may show instead of saving: pictures, PDF, and any text as plain text.

What a file is, its first octets say; its sender's word for it is never believed. What is shown is
in a sandbox of its own, where nothing runs. Pages and drawings (HTML, SVG, XML) are shown as they
are written: never under a type that a browser would make a page of.
"""

from __future__ import annotations

import re

from pillarbox.jmap.blobs import Blob
from pillarbox.message.charset import find_codec
from pillarbox.message.raster import raster_type
from pillarbox.message.text import param

_LOOKED_AT = 4096  # octets
_TEXTS = re.compile(
    r"text/.*|message/.*|application/(?:.*\+)?(?:json|xml)|image/svg\+xml"
    r"|application/(?:javascript|x-javascript|ecmascript|x-sh|sql|x-yaml|yaml|toml|pgp-signature)"
)
_MARKUP = re.compile(r"text/(?:html|xml|xsl)|image/svg\+xml|application/(?:.*\+)?xml")
# Markup names its charset itself where the message does not: XML's declaration, HTML's meta.
_NAMED = re.compile(rb"(?:encoding|charset)\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_-]{1,40})")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # byte order marks, which browsers obey, too
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Those that browsers know and in which "<" is what it is in ASCII.
_CHARSET = re.compile(
    r"utf-8|us-ascii|iso-8859-(?:[2-8]|1[03-6])|windows-(?:125[0-8]|874)|koi8-[ru]|gb18030|gbk|big5"
    r"|gb2312|euc-(?:jp|kr)|shift_jis|iso-8859-1"
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox",
    "X-Frame-Options": "SAMEORIGIN",
    # With a sandbox it would be an error to open the file in a tab of its own.
    "Cross-Origin-Opener-Policy": "unsafe-none",
}


async def find_preview(blob: Blob, kind: str) -> str | None:
    """The type to show it as. `kind`: what it is said to be. None: it can only be saved.

    Raises Damaged.
    """
    first = b""
    async for chunk in blob.chunks():
        first += chunk[:_LOOKED_AT]
        if len(first) >= _LOOKED_AT:
            break
    raster = raster_type(first)
    if raster is not None:
        return raster
    if kind == "application/pdf":
        return kind if first.startswith(b"%PDF-") else None
    if _TEXTS.fullmatch(kind) is None:
        return None
    charset = "utf-16" if first.startswith(_UTF_16) else _charset(blob, kind, first)
    seen = first.decode("utf-16", "replace").encode() if charset == "utf-16" else first
    return None if _CONTROLS.search(seen) is not None else f"text/plain; charset={charset}"


def _charset(blob: Blob, kind: str, first: bytes) -> str:
    name = (param(blob.part, "charset") or "") if blob.part is not None else ""
    named = _NAMED.search(first) if not name and _MARKUP.fullmatch(kind) is not None else None
    if named is not None:
        name = named[1].decode("ascii")
    name = name.strip().lower()
    return name if _CHARSET.fullmatch(name) and find_codec(name) is not None else "utf-8"
