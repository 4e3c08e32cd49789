"""What everybody sees who has a link's address, and who has not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pillarbox.store.sql import accounts
from pillarbox.telemetry.log import JsonLines
from support.link_box import LinkBox

DAY = 86_400


async def test_the_page_tells_of_the_file_and_sets_no_cookie(box: LinkBox) -> None:
    app = await box.enter()
    made = await box.make(app, b"x" * 43_210, "Plan für Höfe.bin", "&days=7")
    for language in ("", "?lang=de"):
        page = await box.visit(made["path"] + language)
        assert page.status == 200
        assert page.set_cookies == []
        for text in ("Plan für Höfe.bin", "43.2 kB", "alice@example.org", made["expiresAt"][:10]):
            assert text in page.text
        assert f'href="{made["path"]}/file"' in page.text
        assert "noindex" in page.headers["x-robots-tag"]
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
    assert 'lang="de"' in page.text


async def test_unknown_ended_and_withdrawn_are_one_page(box: LinkBox) -> None:
    app = await box.enter()
    ended = await box.make(app, b"a", "a.txt", "&days=1")
    withdrawn = await box.make(app, b"b", "b.txt")
    locked = await box.make(app, b"c", "c.txt")
    await app.done("DELETE", f"links/{withdrawn['id']}")
    await box.clock.advance(DAY)
    word = "A" * 43
    paths = [ended["path"], withdrawn["path"], f"/links/{word}", "/links/x", f"/links/{word}=="]
    answers = [await box.visit(path) for path in paths]
    answers += [await box.visit(f"{path}/file") for path in paths]
    assert (await box.visit(locked["path"])).status == 200
    await box.store.write(lambda tx: accounts.set_enabled(tx, box.alice.id, False))
    answers.append(await box.visit(locked["path"]))
    for answer in answers:
        assert answer.status == 404
        assert answer.set_cookies == []
        assert (answer.text, answer.headers) == (answers[0].text, answers[0].headers)
    assert "leads nowhere" in answers[0].text


async def test_links_lead_nowhere_where_they_are_switched_off(box: LinkBox) -> None:
    app = await box.enter()
    made = await box.make(app, b"octets")
    box.change(enabled=False)
    assert (await box.visit(made["path"])).status == 404
    assert (await box.visit(f"{made['path']}/file")).status == 404
    refused = await box.send(app, b"more")
    assert (refused.status, "switched off" in refused.text) == (403, True)
    told = await app.get("links")
    assert (told["maxOctets"], len(told["list"])) == (None, 1)
    await app.done("DELETE", f"links/{made['id']}")  # its owner may still take it back


@pytest.mark.parametrize(
    "name", ["page.html", "picture.svg", "run.js", "data.xml", "page.xhtml", "plain.txt", "a.pdf"]
)
async def test_whatever_it_is_it_is_a_file_to_be_saved(box: LinkBox, name: str) -> None:
    octets = b"<html><script>alert(1)</script>"
    made = await box.make(await box.enter(), octets, name)
    answer = await box.visit(f"{made['path']}/file")
    assert (answer.status, answer.body) == (200, octets)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].endswith("sandbox")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-length"] == str(len(octets))
    assert answer.set_cookies == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Windows\\run.exe", "C__Windows_run.exe"),
        ('a"; filename="b.exe', "a_; filename=_b.exe"),
        ("line\r\nSet-Cookie: x=y", "line__Set-Cookie_ x=y"),
        ("gpj\u202etxe.exe", "gpj_txe.exe"),
        ("<b>bold</b>", "_b_bold__b_"),
        ("", "file"),
        ("...", "file"),
        ("x" * 5000, "x" * 180),
        ("Straße 文件.pdf", "Straße 文件.pdf"),
    ],
)
async def test_a_name_is_only_a_name(box: LinkBox, name: str, kept: str) -> None:
    made = await box.make(await box.enter(), b"octets", name)
    assert made["name"] == kept
    answer = await box.visit(f"{made['path']}/file")
    told = answer.headers["content-disposition"]
    assert told.isascii()
    assert re.fullmatch(r"attachment; filename=\"[^\"\\]*\"; filename\*=UTF-8''[^;\"\s]*", told)
    assert "set-cookie" not in answer.headers
    page = await box.visit(made["path"])
    assert "<b>" not in page.text


async def test_downloads_are_counted_when_all_of_it_went(box: LinkBox) -> None:
    app = await box.enter()
    made = await box.make(app, b"octets" * 1000)

    async def downloads() -> int:
        (one,) = (await app.get("links"))["list"]
        return int(one["downloads"])

    path = f"{made['path']}/file"
    await box.visit(made["path"])
    head = await box.visit(path, method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "6000")
    await box.visit(path, range="bytes=0-99")
    assert await downloads() == 0
    await box.visit(path)
    await box.visit(path, range="bytes=100-")
    assert await downloads() == 2


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=5-", 206, b"56789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=-99", 200, b"0123456789"),
        ("bytes=10-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=4-2", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("lines=0-1", 200, b"0123456789"),
        ("bytes=a-b", 200, b"0123456789"),
    ],
)
async def test_ranges(box: LinkBox, asked: str, status: int, body: bytes) -> None:
    """RFC 9110 §14.1.2, §14.2."""
    path = (await box.make(await box.enter(), b"0123456789"))["path"] + "/file"
    answer = await box.visit(path, range=asked)
    assert (answer.status, answer.body) == (status, body)
    if status == 206:
        assert answer.headers["content-range"].endswith("/10")
        assert answer.headers["content-length"] == str(len(body))
    if status == 416:
        assert answer.headers["content-range"] == "bytes */10"


async def test_no_range_of_a_file_without_octets(box: LinkBox) -> None:
    path = (await box.make(await box.enter(), b""))["path"] + "/file"
    for asked in ("bytes=0-", "bytes=5-", "bytes=5-9", "bytes=-1", "bytes=-0"):
        answer = await box.visit(path, range=asked)
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


async def test_who_goes_on_with_another_file_gets_all_of_it(box: LinkBox) -> None:
    path = (await box.make(await box.enter(), b"0123456789"))["path"] + "/file"
    tag = (await box.visit(path)).headers["etag"]
    assert (await box.visit(path, range="bytes=5-", if_range=tag)).body == b"56789"
    assert (await box.visit(path, range="bytes=5-", if_range='"old"')).body == b"0123456789"


async def test_a_network_that_asks_too_often_waits(tmp_path: Path) -> None:
    async with LinkBox(tmp_path, requests_per_minute=3) as box:
        made = await box.make(await box.enter(), b"octets")
        near = ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:9::"]
        for peer in near:
            assert (await box.visit(made["path"], peer=peer)).status == 200
        late = await box.visit(f"/links/{'A' * 43}/file", peer="2001:db8::77")
        assert (late.status, "retry-after" in late.headers) == (429, True)
        assert (await box.visit(made["path"], peer="2001:db8:0:1::1")).status == 200
        await box.clock.advance(60)
        assert (await box.visit(made["path"], peer="2001:db8::1")).status == 200


async def test_only_the_digest_is_stored_and_nothing_is_logged(
    box: LinkBox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    app = await box.enter()
    made = await box.make(app, b"octets")
    word = made["path"].rpartition("/")[2]
    assert len(word) == 43
    await box.visit(made["path"])
    await box.visit(f"{made['path']}/file")
    await app.done("DELETE", f"links/{made['id']}")
    await box.visit(made["path"])
    logged = [JsonLines().format(one) for one in caplog.records]
    assert any("web.link_made" in line for line in logged)
    assert not [line for line in logged if word in line]
    assert word not in str(await app.get("links"))
    for file in (box.folder / "data").rglob("*"):
        if file.is_file():
            assert word.encode() not in file.read_bytes(), file.name
