"""SearchSnippet/get: marks, escapes and the 255 octets (RFC 8621 §5)."""

from __future__ import annotations

import html
import random
import re
from typing import Any

import pytest

from pillarbox.jmap import snippets
from pillarbox.jmap.ids import email_id
from pillarbox.message.casefold import fold
from support.jmap_bench import JmapBox
from support.store_box import letter


async def snippet(box: JmapBox, raw: bytes, given: dict[str, Any]) -> tuple[str | None, str | None]:
    added = await box.append(raw, trace=b"Received: by mx.example.org\r\n")
    one = email_id(added.message)
    answer = await box.call("SearchSnippet/get", filter=given, emailIds=[one])
    (found,) = answer["list"]
    assert (found["emailId"], answer["notFound"]) == (one, None)
    return found["subject"], found["preview"]


HTML = """<html><head><style>p { color: tea }</style></head>
<body><p>No <b>Tea</b> &amp; no&nbsp;&lt;cup&gt;</p></body></html>"""


@pytest.mark.parametrize(
    ("raw", "given", "subject", "preview"),
    [
        (letter("Green Tea", "Hot TEA\r\nin a cup"), {"text": "tea"},
         "Green <mark>Tea</mark>", "Hot <mark>TEA</mark> in a cup"),
        (letter("Tea", "Tea"), {"body": "tea"}, None, "<mark>Tea</mark>"),
        (letter("Tea", "Tea"), {"subject": "tea"}, "<mark>Tea</mark>", None),
        (letter("Tea", "Tea"), {"from": "bob"}, None, None),
        (letter("Tea", "Tea"), None, None, None),
        (letter("Tea", "Tea"), {"operator": "NOT", "conditions": [{"text": "tea"}]}, None, None),
        (letter("Tea", "Tea in a cup"), {"operator": "OR", "conditions": [
            {"subject": "cup"}, {"body": "'in a'"}]}, None, "Tea <mark>in a</mark> cup"),
        (letter("a<b> & 'c'", "x"), {"text": "b>"}, "a&lt;<mark>b&gt;</mark> &amp; 'c'", None),
        (letter("=?utf-8?q?Gr=C3=BC=C3=9Fe?= & more"), {"subject": "GRÜSSE"},
         "<mark>Grüße</mark> &amp; more", None),
        (letter(body=HTML, Content_Type="text/html"), {"text": "tea"}, None,
         "No <mark>Tea</mark> &amp; no &lt;cup&gt;"),
        (letter("teatea", "tea"), {"subject": "tea eat"}, "<mark>teatea</mark>", None),
    ],
)  # fmt: skip
async def test_what_was_looked_for_is_marked(
    box: JmapBox, raw: bytes, given: Any, subject: str | None, preview: str | None
) -> None:
    found = await snippet(box, raw, given)
    assert (found[0], found[1].strip() if found[1] else None) == (subject, preview)


async def test_messages_that_are_not_there(box: JmapBox) -> None:
    there = email_id((await box.append(letter("Tea"))).message)
    ids = ["M99", there, "F1", there]
    answer = await box.call("SearchSnippet/get", filter={"text": "tea"}, emailIds=ids)
    assert [one["emailId"] for one in answer["list"]] == [there]
    assert answer["notFound"] == ["M99", "F1"]
    answer = await box.call("SearchSnippet/get", emailIds=[f"M{n}" for n in range(2000)])
    assert answer["type"] == "requestTooLarge"


async def test_snippets_of_what_a_query_found(box: JmapBox) -> None:
    await box.append(letter("One", "tea"))
    wanted = {"filter": {"text": "tea"}}
    reference = {"resultOf": "q", "name": "Email/query", "path": "/ids"}
    _, (name, answer, _) = await box.request(
        ("Email/query", wanted, "q"),
        ("SearchSnippet/get", {**wanted, "#emailIds": reference}, "s"),
    )
    assert name == "SearchSnippet/get"
    assert [one["preview"] for one in answer["list"]] == ["<mark>tea</mark>"]


ALPHABET = ("tea", "TEA ", "ß", "<", "&", "é", "e\u0301", "İ", "ﬁ", "漢", "😀", " ", "word ")


@pytest.mark.parametrize("seed", range(3))
def test_a_part_of_any_line_is_short_and_well_formed(seed: int) -> None:
    pick = random.Random(seed)
    for _ in range(150):
        text = "".join(pick.choices(ALPHABET, k=pick.randint(1, 300)))
        line = snippets.plain_line(text)
        words = [fold(word).strip() for word in pick.sample(ALPHABET, 2)]
        spans = snippets.find_spans(line, words)
        whole = snippets.marked(line, spans)
        assert html.unescape(re.sub("</?mark>", "", whole)) == line
        for marked in re.findall("<mark>(.*?)</mark>", whole):
            found = fold(html.unescape(marked))
            assert any(word and word in found for word in words), marked
        if spans:
            part = snippets.marked_part(line, spans)
            assert len(part.encode()) <= 255
            assert "<mark>" in part
            assert re.sub("<mark>[^<]*</mark>|[^<>]", "", part) == ""
            assert html.unescape(re.sub("</?mark>", "", part)).strip("…") in line


def test_a_match_that_is_itself_too_long_is_cut() -> None:
    part = snippets.marked_part("x" * 500, [(0, 500)])
    assert re.fullmatch("<mark>x{200,}</mark>…", part)
    assert len(part.encode()) <= 255
