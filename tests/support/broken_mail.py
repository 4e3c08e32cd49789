"""Mail that breaks mail programs, made in code: each message opens as something readable.

`fixtures()` gives them by name, with a word that has to be seen ("" where there is none to see, and
a note has to say so). The three large ones are made only when they are asked for.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass

WORD = "harbour"  # what a reader has to see


@dataclass(frozen=True, slots=True)
class Broken:
    """One message."""

    name: str
    make: Callable[[], bytes]
    word: str = WORD  # in the body, or in what it says in its place
    is_large: bool = False

    @property
    def octets(self) -> bytes:
        return self.make()


def _mail(body: bytes | str, content_type: str = "", **fields: str) -> bytes:
    head = {
        "From": "Bob <bob@example.org>",
        "To": "alice@example.org",
        "Subject": "Broken",
        "Date": "Mon, 23 Nov 2026 08:00:00 +0000",
        "MIME-Version": "1.0",
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    if content_type:
        head["Content-Type"] = content_type
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    octets = body.encode() if isinstance(body, str) else body
    return lines.encode() + b"\r\n" + octets


def _html(body: bytes | str, charset: str = "utf-8", **fields: str) -> bytes:
    return _mail(body, f"text/html; charset={charset}", **fields)


def _parts(*parts: str, kind: str = "mixed", end: bool = True, boundary: str = "b1") -> bytes:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    body += f"--{boundary}--\r\n" if end else ""
    return _mail(body, f'multipart/{kind}; boundary="{boundary}"')


def _part(content: str, kind: str = "text/plain", **fields: str) -> str:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"Content-Type: {kind}\r\n{more}\r\n{content}"


def _nested_messages(levels: int) -> bytes:
    inner = _mail(f"The {WORD} is below.", "text/plain")
    for level in range(levels):
        inner = _mail(inner, "message/rfc822", Subject=f"Level {level}")
    return _parts(_part(f"A {WORD} above them."), _part(inner.decode(), "message/rfc822"))


def _nested_multiparts(levels: int) -> bytes:
    body = _part(f"The {WORD} is within.")
    for level in range(levels):
        body = (
            f'Content-Type: multipart/mixed; boundary="n{level}"\r\n\r\n'
            f"--n{level}\r\n{body}\r\n--n{level}--\r\n"
        )
    return b"From: bob@example.org\r\nSubject: Deep\r\nMIME-Version: 1.0\r\n" + body.encode()


_TEXT = f"The {WORD} lies still. "
_GB = "港口 harbour 很安静".encode("gb18030")
_CASES: tuple[Broken, ...] = (
    # Structure
    Broken("no-boundary", lambda: _mail(f"--x\r\n\r\n{_TEXT}\r\n--x--", "multipart/mixed")),
    Broken("wrong-boundary", lambda: _mail(f"--x\r\n\r\n{_TEXT}", 'multipart/mixed; boundary="y"')),
    Broken("no-last-boundary", lambda: _parts(_part(_TEXT), end=False)),
    Broken(
        "boundary-twice",
        lambda: _mail(f"--a\r\n\r\n{_TEXT}\r\n--a--", "multipart/mixed; boundary=a; boundary=b"),
    ),
    Broken("empty-boundary", lambda: _mail(_TEXT, 'multipart/mixed; boundary=""')),
    Broken(
        "same-boundary-inside",
        lambda: _parts(
            _part(f"--b1\r\n\r\n{_TEXT}\r\n--b1--", 'multipart/alternative; boundary="b1"')
        ),
    ),
    Broken("header-only", lambda: b"From: bob@example.org\r\nSubject: None\r\n\r\n", ""),
    Broken("no-header", lambda: b"\r\n" + _TEXT.encode()),
    Broken("nothing", lambda: b"", ""),
    Broken("bare-line-feeds", lambda: _html(f"<p>{_TEXT}").replace(b"\r\n", b"\n")),
    Broken("bare-returns", lambda: _mail(f"One\rTwo {WORD}\rThree", "text/plain")),
    Broken("no-mime-version", lambda: _html(f"<b>{_TEXT}</b>", MIME_Version="")),
    Broken("type-twice", lambda: _html(f"<p>{_TEXT}").replace(b"MIME", b"Content-Type: x\r\nM")),
    Broken("type-nonsense", lambda: _mail(_TEXT, ";;;///")),
    Broken("unknown-text-type", lambda: _mail(_TEXT, "text/x-unheard-of")),
    Broken("hundred-messages-deep", lambda: _nested_messages(100)),
    Broken("hundred-multiparts-deep", lambda: _nested_multiparts(99)),
    Broken(
        "only-attachments",
        lambda: _parts(
            _part(
                "%PDF-1.4", "application/pdf", Content_Disposition="attachment; filename=plan.pdf"
            ),
            _part("x", "application/zip", Content_Disposition="attachment; filename=sums.zip"),
        ),
        "plan.pdf",
    ),
    Broken(
        "empty-html-and-files",
        lambda: _parts(
            _part("<html><body> &nbsp; </body></html>", "text/html"),
            _part("x", "application/zip", Content_Disposition="attachment; filename=sums.zip"),
        ),
        "sums.zip",
    ),
    Broken(
        "alternative-without-text",
        lambda: _parts(_part("BEGIN:VCALENDAR", "text/calendar"), kind="alternative"),
        "VCALENDAR",
    ),
    Broken(
        "related-loop",
        lambda: _parts(
            _part(f'<img src="cid:a@x"><p>{_TEXT}', "text/html", Content_ID="<a@x>"), kind="related"
        ),
    ),
    # Encodings and charsets
    Broken("nul-octets", lambda: _html(f"<p>\0{_TEXT}\0<b\0>x".encode())),
    Broken("gb-called-ascii", lambda: _mail(_GB, "text/plain; charset=us-ascii")),
    Broken(
        "utf-16-html",
        lambda: _html(
            base64.encodebytes(f"<p>{_TEXT}</p>".encode("utf-16")),
            "utf-16",
            Content_Transfer_Encoding="base64",
        ),
    ),
    Broken("utf-16-raw", lambda: _html(f"<p>{_TEXT}".encode("utf-16-le"), "utf-16le")),
    Broken(
        "utf-7-hidden-tag",
        lambda: _html(f"<p>{_TEXT}+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "utf-7"),
    ),
    Broken("unknown-charset", lambda: _html(f"<p>{_TEXT}", "x-made-up")),
    Broken("module-as-charset", lambda: _html(f"<p>{_TEXT}", "encodings.idna")),
    Broken("endless-charset", lambda: _html(f"<p>{_TEXT}", "x" * 5000)),
    Broken(
        "bad-utf-8", lambda: _mail(_TEXT.encode() + b"\xff\xfe\xc3(", "text/plain; charset=utf-8")
    ),
    Broken(
        "bad-base64",
        lambda: _html(
            "PHA+VGhlIGhhcmJvdXIg*bGllcyBzdGlsbC48L3A+===\r\n!!Zm9v",
            Content_Transfer_Encoding="base64",
        ),
    ),
    Broken(
        "bad-quoted",
        lambda: _html(f"<p>=ZZ {_TEXT}=3D=\r\n=E", Content_Transfer_Encoding="quoted-printable"),
    ),
    Broken("unknown-encoding", lambda: _html(f"<p>{_TEXT}", Content_Transfer_Encoding="x-rot13")),
    Broken(
        "uuencoded",
        lambda: _mail(
            "begin 644 note.txt\r\n" + _uu("The harbour\n") + "`\r\nend\r\n",
            "text/plain",
            Content_Transfer_Encoding="x-uuencode",
        ),
    ),
    # Sealed and packed
    Broken(
        "winmail",
        lambda: _parts(
            _part(
                "eJ8+Ig==",
                "application/ms-tnef; name=winmail.dat",
                Content_Transfer_Encoding="base64",
            )
        ),
        "winmail.dat",
    ),
    Broken(
        "smime-opaque",
        lambda: _mail(
            "MIAGCSqGSIb3DQEHAqCAMIACAQE=",
            "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
            Content_Transfer_Encoding="base64",
        ),
        "S/MIME",
    ),
    Broken(
        "smime-sealed",
        lambda: _mail(
            "MIAGCSqGSIb3DQEHA6CAMIACAQA=",
            "application/pkcs7-mime; smime-type=enveloped-data",
            Content_Transfer_Encoding="base64",
        ),
        "encrypted",
    ),
    Broken(
        "pgp-mime",
        lambda: _parts(
            _part("Version: 1", "application/pgp-encrypted"),
            _part("-----BEGIN PGP MESSAGE-----", "application/octet-stream"),
            kind="encrypted",
        ),
        "encrypted",
    ),
    Broken(
        "pgp-inline",
        lambda: _mail(
            "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n-----END PGP MESSAGE-----", "text/plain"
        ),
        "encrypted",
    ),
    # Headers
    Broken("header-of-a-megabyte", lambda: _mail(_TEXT, X_Long="x " * 524_288)),
    Broken(
        "five-thousand-recipients",
        lambda: _mail(_TEXT, To=",\r\n ".join(f"p{n}@example.org" for n in range(5000))),
    ),
    Broken("ten-thousand-fields", lambda: b"X-A: b\r\n" * 10_000 + _mail(_TEXT)),
    Broken("impossible-date", lambda: _mail(_TEXT, Date="Tue, 99 Foo 20266 77:88:99 +9999")),
    Broken("turned-name", lambda: _mail(_TEXT, From="\u202eelgoog <bob@example.org>")),
    Broken("invisible-subject", lambda: _mail(_TEXT, Subject="\u200b\u200d\u2060")),
    Broken("broken-encoded-word", lambda: _mail(_TEXT, Subject="=?utf-8?b?////?= =?x?q?=ZZ?=")),
    Broken(
        "header-in-8-bit", lambda: _mail(_TEXT, "text/plain").replace(b"Broken", b"\xff\xfe\x80")
    ),
    # HTML
    Broken(
        "unclosed-everything",
        lambda: _html(
            f"<table><tr><td><a href='x><b><i><p>{_TEXT}</a href='y'><p title=\"><p>{_TEXT}"
        ),
    ),
    Broken("a-million-letters", lambda: _html(f"<p>{WORD}" + "a" * 1_000_000)),
    Broken("unclosed-comment", lambda: _html(f"<p>{_TEXT}<!-- and no more <p>")),
    Broken("nested-tables", lambda: _html(f"<table><tr><td>{WORD} " * 300)),
    Broken(
        "nested-fonts",
        lambda: _html(
            "".join(f"<font color='#{n:06x}'>" for n in range(450)) + f"<p>{WORD} </p>" * 2000
        ),
    ),
    Broken(
        "css-flood",
        lambda: _html("<style>" + "@media screen{p{color:red}}" * 9000 + f"</style><p>{_TEXT}"),
    ),
    Broken(
        "css-nesting",
        lambda: _html(
            "<style>p{color:" + "calc(" * 20_000 + f"</style><p style='color:{'(' * 4000}'>{_TEXT}"
        ),
    ),
    Broken(
        "many-attributes",
        lambda: _html("<p " + " ".join(f"a{n}=1" for n in range(20_000)) + f">{_TEXT}"),
    ),
    Broken("references-flood", lambda: _html(f"<p>{_TEXT}" + "&#" * 300_000)),
    Broken(
        "quotation-flood",
        lambda: _mail(
            f"{WORD}\r\n" + "".join(">" * (n % 400) + " x\r\n" for n in range(20_000)), "text/plain"
        ),
    ),
    Broken("link-flood", lambda: _mail(f"{WORD} " + "http://a.b/(" * 60_000, "text/plain")),
    # Large ones
    Broken("hundred-thousand-divs", lambda: _html("<div>" * 100_000 + _TEXT), is_large=True),
    Broken(
        "one-line-of-25-mebibytes",
        lambda: _html(f"<p>{WORD} " + "<b>line</b> " * (25 * 1024 * 1024 // 12)),
        is_large=True,
    ),
    Broken(
        "ten-thousand-parts",
        lambda: _parts(*(_part(f"{WORD} {n}") for n in range(10_000))),
        is_large=True,
    ),
)


def _uu(text: str) -> str:
    return binascii.b2a_uu(text.encode()).decode().replace("\n", "\r\n")


def fixtures(*, large: bool = True) -> Iterator[Broken]:
    """All of them."""
    return (case for case in _CASES if large or not case.is_large)
