"""The addresses of bodies: what is shown, with which header fields, to whom."""

from __future__ import annotations

import html
import json
import re
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from pillarbox.web.bodies.job import Cleaned, Job
from pillarbox.web.bodies.pool import GaveUp
from support.body_pages import PagesBox
from support.store_box import letter

HTML = """<html><body bgcolor="#eeeeee"><h1 onclick="x()">Hello</h1>
<script>alert(1)</script><p style="color:red;position:fixed">Words</p>
<a href="https://shop.example/x">shop</a><img src="https://t.example/a.png" width="40">
<img src="https://t.example/p.gif" width="1" height="1"></body></html>"""
FRAME = {"Sec_Fetch_Dest": "iframe", "Sec_Fetch_Site": "same-origin"}


def page(body: str = HTML) -> bytes:
    return letter(body=body, Content_Type="text/html; charset=utf-8", MIME_Version="1.0")


async def test_a_page_is_shown_without_what_could_act(pages: PagesBox) -> None:
    blob = await pages.deliver(page())
    found = await pages.ask("body?v=1", blob, **FRAME)
    text = found.body.decode()
    assert found.status == 200
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert "Hello" in text and "Words" in text
    assert 'style="color:red"' in text
    assert '<body style="background-color:#eeeeee">' in text
    assert 'href="https://shop.example/x" target="_blank" rel="noopener noreferrer"' in text
    for gone in ("script", "onclick", "alert", "fixed", "t.example", "<form"):
        assert gone not in text.replace("prefers", "").partition("<body")[2]
    assert text.count("data-remote") == 2  # in the style sheet, and the one picture


async def test_every_header_that_makes_it_harmless(pages: PagesBox) -> None:
    blob = await pages.deliver(page())
    for what in ("body?v=1&img=1", "body", "text?v=1"):
        headers = (await pages.ask(what, blob, **FRAME)).headers
        policy = dict(
            part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
        )
        pictures = f"data: https://mail.example.org/m/A{pages.alice.id}/{blob}/part/"
        if "img=1" in what:
            pictures += " https://mail.example.org/imgproxy/"
        assert policy == {
            "default-src": "'none'",
            "img-src": pictures,
            "style-src": "'unsafe-inline'",
            "form-action": "'none'",
            "base-uri": "'none'",
            "frame-ancestors": "'self'",
            "sandbox": "allow-same-origin allow-popups allow-popups-to-escape-sandbox",
        }
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-dns-prefetch-control"] == "off"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        if "v=1" in what:
            assert headers["cache-control"] == "private, max-age=31536000, immutable"
        else:
            assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Sec_Fetch_Dest": "iframe", "Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Dest": "document", "Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Dest": "empty", "Sec_Fetch_Site": "same-origin"}, 200),
        ({}, 200),
        ({"Sec_Fetch_Dest": "iframe", "Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Dest": "iframe", "Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Dest": "script", "Sec_Fetch_Site": "same-origin"}, 403),
        ({"Sec_Fetch_Dest": "style", "Sec_Fetch_Site": "same-origin"}, 403),
        ({"Sec_Fetch_Dest": "object", "Sec_Fetch_Site": "same-origin"}, 403),
        ({"Sec_Fetch_Dest": "serviceworker", "Sec_Fetch_Site": "same-origin"}, 403),
    ],
)
async def test_only_for_frames_and_tabs_of_ours(
    pages: PagesBox, fields: dict[str, str], status: int
) -> None:
    blob = await pages.deliver(page())
    for what in ("body", "text", "facts", "source"):
        assert (await pages.ask(what, blob, **fields)).status == status


async def test_only_for_whom_it_is(pages: PagesBox) -> None:
    blob = await pages.deliver(page())
    for what in ("body", "text", "facts", "source", "part/1", "attachments.zip"):
        other = f"/m/A{pages.alice.id + 1}/{blob}/{what}"
        assert (await pages.get(other)).status == 404
        assert (await pages.get(f"/m/A{pages.alice.id}/{blob}/{what}", Cookie="x=y")).status == 401
        assert (await pages.ask(what, "B999")).status == 404
        assert (await pages.ask(what, "nonsense")).status == 404


async def test_what_goes_wrong_is_told_within_the_frame(pages: PagesBox) -> None:
    found = await pages.ask("body", "B999", Accept="text/html", **FRAME)
    assert found.status == 404
    assert 'data-status="404"' in found.body.decode()
    assert "frame-ancestors 'self'" in found.headers["content-security-policy"]


async def test_facts(pages: PagesBox) -> None:
    blob = await pages.deliver(
        page(HTML + '<a href="https://evil.example/">www.bank.example</a><form><input></form>')
    )
    told = json.loads((await pages.ask("facts", blob)).body)
    assert told == {
        "v": 1,
        "kind": "html",
        "remoteImages": 1,
        "imagesCanBeShown": True,
        "trackers": 1,
        "mismatchedLinks": [{"text": "www.bank.example", "host": "evil.example"}],
        "formsRemoved": True,
        "truncated": False,
        "malformed": None,
        "notes": [],
        "textOnly": False,
        "darkAware": False,
    }
    # They come with the body, too, so that nobody has to ask; a text in its place has none.
    shown = (await pages.ask("body", blob, **FRAME)).body.decode()
    (brought,) = re.findall(r'<html [^>]*data-facts="([^"]*)">', shown)
    assert json.loads(html.unescape(brought)) == told
    assert "data-facts" not in (await pages.ask("text", blob, **FRAME)).body.decode()


async def test_plain_mail_is_text(pages: PagesBox) -> None:
    blob = await pages.deliver(letter(body="See https://a.example/?q=<b>.\r\n> before"))
    found = await pages.ask("body?theme=d", blob, **FRAME)
    text = found.body.decode()
    assert 'data-kind="text" data-theme="dark"' in text
    assert '<a href="https://a.example/?q=" ' in text
    assert "&lt;b&gt;" in text
    assert '<blockquote class="pb-quote">' in text
    assert json.loads((await pages.ask("facts", blob)).body)["kind"] == "text"


async def test_a_page_as_text(pages: PagesBox) -> None:
    blob = await pages.deliver(page())
    text = (await pages.ask("text", blob)).body.decode().partition("<body")[2]
    assert "Hello" in text and "<h1" not in text and "alert" not in text


class Tired:
    """Cleaning that takes too long."""

    async def clean(self, job: Job, seconds: float) -> Cleaned:
        raise GaveUp


@pytest.mark.parametrize("end", ["</style>", "</STYLE\n>", "</style><script>1<2</script >"])
async def test_what_takes_too_long_is_text_without_its_sheets(tmp_path: Path, end: str) -> None:
    flood = "<p>Above</p><style>" + "p{color:red}" * 20_000 + end + "<p>Below</p>"
    async with PagesBox(tmp_path, cleaning=Tired()) as pages:
        found = await pages.ask("body", await pages.deliver(page(flood)))
    shown = found.body.decode()
    assert "Above" in shown and "Below" in shown
    assert "color:red" not in shown and "1&lt;2" not in shown


async def test_a_second_look_does_not_clean_again(pages: PagesBox) -> None:
    blob = await pages.deliver(page())
    first = (await pages.ask("body?img=1", blob)).body
    await pages.pool.close()  # no process could answer now
    assert (await pages.ask("body?img=1", blob)).body == first
    assert (await pages.ask("facts", blob)).status == 200


async def test_the_language_of_the_browser(pages: PagesBox) -> None:
    blob = await pages.deliver(letter(body=""))
    for accepted, words in (
        ("de-AT,de;q=0.9,en;q=0.8", "keinen Text"),
        ("es", "no tiene texto"),
        ("zh-CN,en;q=0.5", "没有正文"),
        ("fr,xx", "has no text"),
    ):
        found = await pages.ask("body", blob, Accept_Language=accepted)
        assert words in found.body.decode()
    assert "keinen Text" in (await pages.ask("body?lang=de", blob)).body.decode()


async def test_a_message_that_is_nothing_but_files_is_told_of_in_one_note(
    pages: PagesBox,
) -> None:
    made = EmailMessage()
    made["From"] = made["To"] = "alice@example.org"
    made["Subject"] = "A file"
    made.add_attachment(b"A plan", "application", "pdf", filename="plan.pdf")
    blob = await pages.deliver(made.as_bytes(policy=SMTP))
    told = json.loads((await pages.ask("facts", blob)).body)["notes"]
    assert told == ["This message has no text. Attachments: plan.pdf"]
    assert told[0] in (await pages.ask("body", blob)).body.decode()
