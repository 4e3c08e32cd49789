"""Forms with several fields of a name, and with files (RFC 7578)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import Request

from pillarbox.errors import TooLarge
from pillarbox.jmap.http.files import given_type
from pillarbox.web.basic.desk import Refused

_MOST_LIST_OCTETS = 65_536  # a page of ticked messages
_MOST_FIELDS = 200
_NAME = re.compile(rb'(?i)\bname="((?:[^"\\]|\\.)*)"')
_FILE_NAME = re.compile(rb'(?i)\bfilename="((?:[^"\\]|\\.)*)"')
_TYPE = re.compile(rb"(?im)^content-type:[ \t]*([^\r\n]+)")
_BOUNDARY = re.compile(r'(?i)\bboundary="?([A-Za-z0-9\'()+_,./:=? -]{1,70})"?')


@dataclass(frozen=True, slots=True)
class Given:
    """A file that was chosen."""

    name: str
    type: str
    octets: bytes


@dataclass(slots=True)
class Form:
    """What was sent."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[Given] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        """The first field of a name."""
        return self.fields.get(name, [default])[0]

    def every(self, name: str) -> list[str]:
        """All of a name."""
        return self.fields.get(name, [])


async def read_fields(request: Request) -> Form:
    """A form without files. Raises TooLarge."""
    octets = await _body(request, _MOST_LIST_OCTETS)
    try:
        pairs = parse_qsl(octets.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        pairs = []
    form = Form()
    for name, value in pairs:
        form.fields.setdefault(name, []).append(value)
    return form


async def read_with_files(request: Request, most_octets: int) -> Form:
    """A form of type multipart/form-data. Raises TooLarge, Refused for what is none."""
    kind = request.headers.get("content-type", "")
    found = _BOUNDARY.search(kind)
    if not kind.lower().startswith("multipart/form-data") or found is None:
        raise Refused("The form did not come as a form with files.")
    octets = await _body(request, most_octets)
    form = Form()
    mark = b"\r\n--" + found[1].rstrip().encode()
    parts = (b"\r\n" + octets).split(mark, _MOST_FIELDS + 1)
    for part in parts[1:]:
        if part.startswith(b"--"):
            break
        head, gap, body = part.partition(b"\r\n\r\n")
        if gap:
            _take(form, head, body)
    return form


def _take(form: Form, head: bytes, body: bytes) -> None:
    named = _NAME.search(head)
    if named is None:
        return
    file = _FILE_NAME.search(head)
    if file is None:
        form.fields.setdefault(_text(named[1]), []).append(body.decode("utf-8", "replace"))
    elif file[1] or body:
        told = _TYPE.search(head)
        media_type = given_type(told[1].decode("ascii", "replace")) if told else given_type("")
        form.files.append(Given(_text(file[1]) or "file", media_type, body))


def _text(raw: bytes) -> str:
    """Browsers write `"` as %22 and line ends as %0D%0A (RFC 7578 §4.2), and nothing else so."""
    text = raw.decode("utf-8", "replace").replace("%22", '"')
    return text.replace("%0D", " ").replace("%0A", " ")


async def _body(request: Request, most: int) -> bytes:
    octets = bytearray()
    async for piece in request.stream():
        octets += piece
        if len(octets) > most:
            raise TooLarge(f"That is more than {most >> 20} MB in one form. Attach less.")
    return bytes(octets)
