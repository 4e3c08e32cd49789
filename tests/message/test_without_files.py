"""Attached files are taken out of messages; everything else stays as it came."""

from __future__ import annotations

import email
import email.policy
from base64 import encodebytes

import pytest

from pillarbox.message.digest import digest
from pillarbox.message.without_files import without_files

PDF = encodebytes(b"%PDF" + bytes(6000)).decode().replace("\n", "\r\n")
PNG = encodebytes(b"\x89PNG" + bytes(3000)).decode().replace("\n", "\r\n")


def part(head: str, body: str) -> str:
    return f"{head}\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}"


def multi(subtype: str, boundary: str, *parts: str) -> str:
    inside = "".join(f"--{boundary}\r\n{one}\r\n" for one in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n{inside}--{boundary}--'


TEXT = "Content-Type: text/plain; charset=utf-8\r\n\r\nThe text.\r\n"
ATTACHED = part('Content-Type: application/pdf\r\nContent-Disposition: attachment; '
                "filename*=utf-8''gr%C3%BC%C3%9Fe.pdf", PDF)  # fmt: skip
INLINE = part("Content-Type: image/png\r\nContent-ID: <a@b>\r\nContent-Disposition: inline", PNG)
HTML = "Content-Type: text/html\r\n\r\n<img src=cid:a@b>\r\n"


def whole(body: str) -> bytes:
    return f"From: carol@example.net\r\nSubject: Files\r\nMIME-Version: 1.0\r\n{body}\r\n".encode()


def stripped(octets: bytes) -> bytes | None:
    return without_files(octets, digest(octets).root, "2026-11-23")


def types(octets: bytes) -> list[str]:
    """As the standard library reads them."""
    read = email.message_from_bytes(octets, policy=email.policy.default)
    return [one.get_content_type() for one in read.walk() if not one.is_multipart()]


def test_the_text_stays_and_a_line_says_what_was_there() -> None:
    octets = whole(multi("mixed", "=x", TEXT, ATTACHED))
    made = stripped(octets)
    assert made is not None and len(made) < 1000
    read = email.message_from_bytes(made, policy=email.policy.default)
    text, line = read.iter_parts()
    assert text.get_content() == "The text.\r\n"
    assert line.get_content().strip() == "[grüße.pdf, 6.0 KB: removed on 2026-11-23]"
    assert made.startswith(octets[: octets.index(b"Content-Type: application/pdf")])
    assert stripped(made) is None  # once is enough
    assert digest(made).root.children[1].disposition == "inline"


def test_pictures_of_the_text_stay() -> None:
    related = multi("related", "=r", HTML, INLINE)
    made = stripped(whole(multi("mixed", "=m", related, ATTACHED, ATTACHED)))
    assert made is not None
    assert types(made) == ["text/html", "image/png", "text/plain", "text/plain"]
    assert PNG[:40].encode() in made


def test_a_message_that_is_nothing_but_a_file() -> None:
    made = stripped(whole(ATTACHED))
    assert made is not None
    assert types(made) == ["text/plain"]
    assert made.startswith(b"From: carol@example.net\r\nSubject: Files\r\n")
    assert made.count(b"Content-Type") == 1


@pytest.mark.parametrize(
    "body",
    [
        TEXT,
        multi("mixed", "=x", TEXT, part("Content-Type: application/pdf", "JVBERg==")),  # small
        multi("signed", "=x", TEXT, ATTACHED),
        multi("encrypted", "=x", ATTACHED),
        multi("related", "=r", HTML, INLINE),
        multi("mixed", "=x", TEXT, f"Content-Type: message/rfc822\r\n\r\n{TEXT}" + "x" * 2000),
        "Content-Type: multipart/mixed; boundary=none\r\n\r\nno part at all",
    ],
)
def test_nothing_to_take_out(body: str) -> None:
    assert stripped(whole(body)) is None


def test_a_name_cannot_write_lines() -> None:
    name = "Content-Type: application/pdf; name*=utf-8''a%0D%0AX-Evil:%201%0A"
    made = stripped(whole(multi("mixed", "=x", TEXT, part(name, PDF))))
    assert made is not None and b"X-Evil" not in made
