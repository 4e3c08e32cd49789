"""Files shown in the browser: only by what their octets are, and where nothing can run."""

from __future__ import annotations

from typing import Any

import pytest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
PDF = b"%PDF-1.7\n1 0 obj"


@pytest.mark.parametrize(
    ("octets", "kind", "served"),
    [
        (PNG, "image/png", "image/png"),
        (PNG, "image/jpeg", "image/png"),
        (PNG, "text/html", "image/png"),
        (b"GIF89a" + bytes(40), "image/gif", "image/gif"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "image/jpeg", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", "image/webp"),
        (b"\0\0\0\x20ftypavif" + bytes(20), "image/avif", "image/avif"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "image/bmp", "image/bmp"),
        (PDF, "application/pdf", "application/pdf"),
        (b"words", "text/plain", "text/plain; charset=utf-8"),
        (b"<script>alert(1)</script>", "text/html", "text/plain; charset=utf-8"),
        (b"<svg onload='x'/>", "image/svg+xml", "text/plain; charset=utf-8"),
        (b"<a/>", "application/xml", "text/plain; charset=utf-8"),
        (b"<a/>", "application/xhtml+xml", "text/plain; charset=utf-8"),
        (b"alert(1)", "text/javascript", "text/plain; charset=utf-8"),
        (b"From: a@example.org\r\n\r\nx", "message/rfc822", "text/plain; charset=utf-8"),
        (b"", "text/plain", "text/plain; charset=utf-8"),
        (b"\xff\xfe<\0a\0/\0>\0", "text/xml", "text/plain; charset=utf-16"),
        (b"\xfe\xff\0<\0p\0>", "text/html", "text/plain; charset=utf-16"),
        (
            b'<?xml version="1.0" encoding="ISO-8859-1"?>\xfc',
            "text/xml",
            "text/plain; charset=iso-8859-1",
        ),
        (b"<meta charset=windows-1252>\x80", "text/html", "text/plain; charset=windows-1252"),
        (b"<meta charset=utf-7>+ADw-", "text/html", "text/plain; charset=utf-8"),
        (b"charset=koi8-r", "text/plain", "text/plain; charset=utf-8"),
    ],
)
def test_what_is_shown(person: Any, octets: bytes, kind: str, served: str) -> None:
    found = ask(person, octets, kind, "&inline=1")
    assert (found.status, found.body) == (200, octets)
    assert found.headers["content-type"] == served
    assert found.headers["content-disposition"].startswith('inline; filename="a_b.x"')
    policy = found.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';") and policy.endswith("; sandbox")
    assert "frame-ancestors 'self'" in policy
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cross-origin-opener-policy"] == "unsafe-none"


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (b"<html>", "application/pdf"),
        (b"<html>", "image/png"),
        (b"<html>", "application/octet-stream"),
        (b"a\0b", "text/plain"),
        (b"\xff\xfea\0\0\0", "text/html"),
        (b"MZ\x90\0\x03", "text/plain"),
        (b"PK\x03\x04", "application/zip"),
        (b"CWS", "application/x-shockwave-flash"),
    ],
)
def test_what_is_only_saved(person: Any, octets: bytes, kind: str) -> None:
    found = ask(person, octets, kind, "&inline=1")
    assert found.headers["content-disposition"].startswith("attachment;")
    assert found.headers["content-security-policy"].endswith("sandbox")


def test_nothing_is_shown_unasked(person: Any) -> None:
    for more in ("", "&inline=0", "&inline=true"):
        found = ask(person, PNG, "image/png", more)
        assert found.headers["content-disposition"].startswith("attachment;")


def ask(person: Any, octets: bytes, kind: str, more: str) -> Any:
    with person.client() as client:
        told = client.ask("POST", f"/jmap/upload/{person.id}/", octets, Content_Type=kind).json
        path = f"/jmap/download/{person.id}/{told['blobId']}/a%2Fb.x"
        return client.ask("GET", f"{path}?type={kind.replace('+', '%2B')}{more}")
