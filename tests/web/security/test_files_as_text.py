"""Attached pages and drawings: their source may be read, under no type that a browser would run.

Both words that a sender has for a file are tried: the part's type, and the type that the address
asks for, which is the part's where our own page asks.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from pillarbox.jmap.http.door import JmapDoor
from pillarbox.jmap.ids import account_id, message_blob_id
from support.asgi import Answered
from support.store_box import letter
from support.web_bench import WebBox

PAGE = "<!doctype html><title>ä</title><script>alert(1)</script>"
DRAWING = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
XML = "<?xml-stylesheet href='data:text/xsl,x'?><a xmlns='http://www.w3.org/1999/xhtml'/>"
MARKUP = (
    ("text/html", PAGE),
    ("application/xhtml+xml", PAGE),
    ("image/svg+xml", DRAWING),
    ("text/xml", XML),
    ("application/xml", XML),
    ("application/atom+xml", XML),
    ("application/mathml+xml", XML),
    ("application/xslt+xml", XML),
    ("text/xsl", XML),
)
ALIVE = ("html", "xml", "svg", "script")


class FilesBox(WebBox):
    """Letters with one file each, and the door by which it is had."""

    async def open(self) -> None:
        await super().open()
        services = self.services
        self.serve(
            lambda _: JmapDoor(services.jmap, services.authenticator, services.sessions).routes
        )

    async def attach(self, content: bytes, kind: str) -> str:
        """A letter with this file; the address of the file."""
        raw = letter(
            body=b64encode(content).decode(),
            MIME_Version="1.0",
            Content_Type=kind,
            Content_Disposition='attachment; filename="x.html"',
            Content_Transfer_Encoding="base64",
        )
        blob = message_blob_id((await self.append(raw)).message)
        return f"/jmap/download/{account_id(self.alice.id)}/{blob}_1/x.html"


@pytest.fixture
def box(tmp_path: Path) -> FilesBox:
    return FilesBox(tmp_path)


def check_dead(answer: Answered, content: bytes) -> None:
    """Nothing that a browser would make a page of, in a sandbox all the same."""
    assert (answer.status, answer.body) == (200, content)
    kind = answer.headers["content-type"].partition(";")[0]
    assert not [word for word in ALIVE if word in kind], kind
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';") and policy.endswith("; sandbox")


@pytest.mark.parametrize(("kind", "text"), MARKUP)
async def test_markup_is_shown_as_text(box: FilesBox, kind: str, text: str) -> None:
    path = await box.attach(text.encode(), f"{kind}; charset=utf-8")
    for asked in (f"type={quote(kind)}&inline=1", "inline=1"):
        answer = await box.ask(f"{path}?{asked}")
        check_dead(answer, text.encode())
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-disposition"].startswith("inline;")
    saved = await box.ask(f"{path}?type={quote(kind)}")
    check_dead(saved, text.encode())
    assert saved.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    "kind",
    ["image/png", "application/pdf", "application/octet-stream", "audio/mpeg", "text/plain", "x"],
)
async def test_pages_under_a_wrong_name(box: FilesBox, kind: str) -> None:
    """Whatever the part or the address calls them: text, or a file to be saved."""
    path = await box.attach(PAGE.encode(), kind)
    for asked in (kind, "text/html", "image/svg+xml", "image/png", "multipart/related"):
        answer = await box.ask(f"{path}?type={quote(asked)}&inline=1")
        check_dead(answer, PAGE.encode())
        is_text = answer.headers["content-type"].startswith("text/plain;")
        is_shown = answer.headers["content-disposition"].startswith("inline;")
        assert is_text == is_shown, (asked, answer.headers)


@pytest.mark.parametrize(
    ("given", "content", "served"),
    [
        ("; charset=iso-8859-1", "ä".encode("latin-1"), "iso-8859-1"),
        ("; charset=utf-7", b"+ADw-script+AD4-", "utf-8"),
        ("; charset=utf-16", "\ufeffä".encode("utf-16-le"), "utf-16"),
        ("; charset=koi8-r", b'<meta charset="big5">', "koi8-r"),
        ("", b'<meta charset="big5">', "big5"),
        ("", b"<meta charset=x-user-defined>", "utf-8"),
    ],
)
async def test_the_charset(box: FilesBox, given: str, content: bytes, served: str) -> None:
    """The letter's word, then that of the markup; never one in which "<" is written otherwise."""
    path = await box.attach(content, f"text/html{given}")
    answer = await box.ask(f"{path}?type=text/html&inline=1")
    check_dead(answer, content)
    assert answer.headers["content-type"] == f"text/plain; charset={served}"
