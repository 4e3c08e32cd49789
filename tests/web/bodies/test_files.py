"""A message's files: inline pictures, its source, and all attachments in one archive."""

from __future__ import annotations

import base64
import io
import zipfile

import pytest

from pillarbox.web.bodies.attachments import unique_names
from support.body_pages import PagesBox
from support.store_box import letter

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()
SVG = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


def mixed(*parts: str, kind: str = "mixed") -> bytes:
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--"
    return letter(body=body, Content_Type=f"multipart/{kind}; boundary=b", MIME_Version="1.0")


def file(name: str, content: str = "x", kind: str = "application/octet-stream") -> str:
    given = f'; filename="{name}"' if name else ""
    return f"Content-Type: {kind}\r\nContent-Disposition: attachment{given}\r\n\r\n{content}"


RELATED = mixed(
    'Content-Type: text/html\r\n\r\n<p>a<img src="cid:p@x"><img src="cid:s@x"><img src="cid:no@x">',
    "Content-Type: image/png\r\nContent-ID: <p@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + PNG,
    f"Content-Type: image/png\r\nContent-ID: <s@x>\r\n\r\n{SVG}",
    kind="related",
)


async def test_inline_pictures(pages: PagesBox) -> None:
    blob = await pages.deliver(RELATED)
    path = f"/m/A{pages.alice.id}/{blob}/part"
    text = (await pages.ask("body", blob)).body.decode()
    assert f'<img src="{path}/2"><img src="{path}/3"><img>' in text
    found = await pages.ask("part/2", blob, Sec_Fetch_Dest="image", Sec_Fetch_Site="same-origin")
    assert (found.status, found.headers["content-type"]) == (200, "image/png")
    assert found.body.startswith(b"\x89PNG")
    assert found.headers["content-security-policy"].endswith("sandbox")
    assert (await pages.ask("part/3", blob)).status == 404  # it says PNG and is SVG
    assert (await pages.ask("part/1", blob)).status == 404
    assert (await pages.ask("part/9", blob)).status == 404
    assert (await pages.ask("part/..%2F", blob)).status == 404
    wrong = await pages.ask("part/2", blob, Sec_Fetch_Dest="script", Sec_Fetch_Site="same-origin")
    assert wrong.status == 403


async def test_the_source(pages: PagesBox) -> None:
    raw = letter(body="<script>alert(1)</script>\r\n" + "x" * (1 << 20))
    blob = await pages.deliver(raw)
    found = await pages.ask("source", blob)
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    assert found.headers["content-security-policy"].endswith("sandbox")
    assert len(found.body) == 1 << 20 and found.headers["x-pillarbox-truncated"] == "1"
    assert raw.startswith(found.body)
    whole = await pages.ask("source?download=1", blob)
    assert whole.body == raw
    assert whole.headers["content-type"] == "message/rfc822"
    assert whole.headers["content-disposition"].startswith("attachment;")


async def test_all_files_in_one(pages: PagesBox) -> None:
    names = [
        "a.txt",
        "A.txt",
        "../../etc/passwd",
        "..\\x.exe",
        "",
        "a.txt",
        "con.txt",
        "photo\u202egpj.exe",
    ]
    raw = mixed("\r\nwords", *(file(name, f"<{number}>") for number, name in enumerate(names)))
    blob = await pages.deliver(raw)
    found = await pages.ask("attachments.zip", blob)
    assert found.headers["content-type"] == "application/zip"
    assert found.headers["content-disposition"].startswith("attachment;")
    with zipfile.ZipFile(io.BytesIO(found.body)) as archive:
        assert archive.testzip() is None
        told = archive.namelist()
        assert [archive.read(name) for name in told] == [f"<{n}>".encode() for n in range(8)]
    assert told[:3] == ["a.txt", "A (2).txt", "_.._etc_passwd"]
    assert told[4:7] == ["part-6.bin", "a (3).txt", "_con.txt"]
    assert told[7] == "photo_gpj.exe"
    for name in told:
        assert "/" not in name and "\\" not in name and not name.startswith(".")


async def test_a_message_within(pages: PagesBox) -> None:
    inner = letter("Inside", "Words within.").decode()
    blob = await pages.deliver(mixed("\r\nabove", f"Content-Type: message/rfc822\r\n\r\n{inner}"))
    found = await pages.ask("body", f"{blob}_2")
    assert found.status == 200 and "Words within." in found.body.decode()
    assert (await pages.ask("body", f"{blob}_1")).status == 404  # a text is no message
    archive = await pages.ask("attachments.zip", blob)
    with zipfile.ZipFile(io.BytesIO(archive.body)) as opened:
        assert opened.namelist() == ["part-2.eml"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["a", "a", "a"], ["a", "a (2)", "a (3)"]),
        (["a.b", "A.B", "a (2).b"], ["a.b", "A (2).B", "a (2) (2).b"]),
        ([".x", ".x"], [".x", ".x (2)"]),
        (["ß", "SS"], ["ß", "SS (2)"]),
    ],
)
def test_no_name_twice(given: list[str], found: list[str]) -> None:
    assert unique_names(given) == found


def test_ten_thousand_of_one_name_are_numbered_quickly() -> None:
    assert len(set(unique_names(["a.txt"] * 10_000))) == 10_000
