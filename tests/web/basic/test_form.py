"""Forms with files, as browsers send them (RFC 7578)."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from starlette.requests import Request

from pillarbox.errors import TooLarge
from pillarbox.web.basic.desk import Refused
from pillarbox.web.basic.form import Form, read_fields, read_with_files

MARK = "----WebKitFormBoundaryAbC123"


def posted(body: bytes, kind: str, most: int = 1 << 20, step: int = 1000) -> Form:
    pieces = [body[at : at + step] for at in range(0, len(body), step)] or [b""]

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}
    request = Request(scope, receive)
    if kind.startswith("application"):
        return asyncio.run(read_fields(request))
    return asyncio.run(read_with_files(request, most))


def part(head: str, body: bytes) -> bytes:
    return f"--{MARK}\r\n{head}\r\n\r\n".encode() + body + b"\r\n"


def sent(*parts: bytes, **more: Any) -> Form:
    body = b"".join(parts) + f"--{MARK}--\r\n".encode()
    return posted(body, f"multipart/form-data; boundary={MARK}", **more)


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_files_come_octet_by_octet(step: int) -> None:
    octets = os.urandom(2000) + b"\r\n--\r\n\r\n" + f"--{MARK}".encode()[:-1] + b"\r\n"
    form = sent(
        part('Content-Disposition: form-data; name="text"', "Grüße\r\nzweite Zeile".encode()),
        part(
            'Content-Disposition: form-data; name="file"; filename="a %22b%22 ü.bin"\r\n'
            "Content-Type: application/x-thing",
            octets,
        ),
        step=step,
    )
    assert form.get("text") == "Grüße\r\nzweite Zeile"
    (file,) = form.files
    assert (file.name, file.type, file.octets) == ('a "b" ü.bin', "application/x-thing", octets)


def test_no_file_chosen_is_no_file() -> None:
    head = 'Content-Disposition: form-data; name="file"; filename=""'
    assert sent(part(f"{head}\r\nContent-Type: application/octet-stream", b"")).files == []


def test_equal_names_are_all_kept() -> None:
    form = posted(b"id=M1&id=M2&csrf=x&q=", "application/x-www-form-urlencoded")
    assert form.every("id") == ["M1", "M2"]
    assert (form.get("csrf"), form.get("q", "-"), form.get("none", "-")) == ("x", "", "-")


def test_what_is_too_large_is_not_read_on() -> None:
    with pytest.raises(TooLarge):
        sent(part('Content-Disposition: form-data; name="f"; filename="f"', b"x" * 5000), most=4000)
    with pytest.raises(TooLarge):
        posted(b"id=" + b"x" * 70_000, "application/x-www-form-urlencoded")


@pytest.mark.parametrize("kind", ["multipart/form-data", "text/plain; boundary=x", "multipart/x"])
def test_what_is_no_form(kind: str) -> None:
    with pytest.raises(Refused):
        posted(b"anything", kind)


@pytest.mark.parametrize(
    "body",
    [b"", b"--", f"--{MARK}".encode(), f"--{MARK}\r\n\r\n".encode(), b"\xff" * 50, b"\r\n" * 99],
)
def test_damaged_forms_have_no_fields(body: bytes) -> None:
    form = posted(body, f"multipart/form-data; boundary={MARK}")
    assert (form.fields, form.files) == ({}, [])


def test_no_end_of_fields() -> None:
    many = b"&".join(b"id=1" for _ in range(500))
    assert posted(many, "application/x-www-form-urlencoded").fields == {}
