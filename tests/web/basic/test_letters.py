"""What an answer begins with, and what people may write into a field of addresses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pillarbox.web.basic import quoting
from pillarbox.web.basic.composing import addresses
from pillarbox.web.basic.desk import Refused
from pillarbox.web.basic.folders import arranged
from pillarbox.web.basic.reading import text_of, with_links

OWN = {"alice@example.org"}
FOLDER = Path(quoting.__file__).parent


def told(key: str, /, **given: Any) -> str:
    return f"[{key} {given.get('who', '')}]"


def person(local: str, name: str | None = None) -> dict[str, Any]:
    return {"name": name, "email": f"{local}@example.org"}


def letter(**more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "messageId": ["1@x"],
        "inReplyTo": None,
        "references": ["0@x"],
        "subject": "Hello",
        "from": [person("bob", "Bob")],
        "to": [person("Alice"), person("carol")],
        "cc": [person("dan", "Dan, the man")],
        "bcc": None,
        "replyTo": None,
        "textBody": [{"partId": "1", "type": "text/plain"}],
        "bodyValues": {"1": {"value": "one\n> two\n", "isTruncated": False}},
        "attachments": [],
    }
    return given | more


def test_an_answer() -> None:
    made = quoting.answer_to(letter(), OWN, told, is_to_all=False)
    assert (made.to, made.cc, made.subject) == ("Bob <bob@example.org>", "", "Re: Hello")
    assert made.text == "\n\n[wrote Bob <bob@example.org>]\n> one\n>> two\n"
    assert (made.in_reply_to, made.references) == (["1@x"], ["0@x", "1@x"])


def test_an_answer_to_all_leaves_oneself_out() -> None:
    made = quoting.answer_to(letter(subject="RE: Hello"), OWN, told, is_to_all=True)
    assert made.cc == 'carol@example.org, "Dan, the man" <dan@example.org>'
    assert made.subject == "RE: Hello"
    back = addresses(made.cc)
    assert back == [person("carol"), person("dan", "Dan, the man")]


def test_reply_to_and_own_letters() -> None:
    listed = letter(replyTo=[person("list")])
    assert quoting.answer_to(listed, OWN, told, is_to_all=False).to == "list@example.org"
    own = letter(**{"from": [person("alice")], "to": [person("bob")]})
    assert quoting.answer_to(own, OWN, told, is_to_all=False).to == "bob@example.org"


def test_html_is_quoted_as_its_words() -> None:
    html = letter(
        textBody=[{"partId": "2", "type": "text/html"}],
        bodyValues={"2": {"value": "<p>one</p><script>no()</script>", "isTruncated": False}},
    )
    assert quoting.plain_text(html) == "one"
    assert text_of(html) == (None, False)


@pytest.mark.parametrize("text", ["nobody", "a@", "a b c", "bob@example.org, nobody"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(Refused):
        addresses(text)


@pytest.mark.parametrize("text", ["", " ", ",", ";"])
def test_nobody(text: str) -> None:
    assert addresses(text) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>&", "&lt;b&gt;&amp;"),
        (
            'see https://x.example/?a=1&b="2".',
            'see <a href="https://x.example/?a=1&amp;b=" target="_blank" '
            'rel="noopener noreferrer">https://x.example/?a=1&amp;b=</a>&#34;2&#34;.',
        ),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://", "https://"),
    ],
)
def test_links_are_made_of_escaped_text(text: str, shown: str) -> None:
    assert str(with_links(text)) == shown


def test_folders_stand_below_their_parents() -> None:
    def box(number: str, name: str, parent: str | None = None, role: str | None = None) -> Any:
        counts = {"totalEmails": 0, "unreadEmails": 0, "sortOrder": 0}
        return {"id": number, "name": name, "parentId": parent, "role": role, **counts}

    found = arranged(
        [
            box("F9", "b", "F8"),
            box("F8", "Work"),
            box("F7", "a", "F8"),
            box("F2", "Trash", role="trash"),
            box("F1", "Inbox", role="inbox"),
        ]
    )
    assert [(one.id, one.depth) for one in found] == [
        *(("F1", 0), ("F2", 0), ("F8", 0), ("F7", 1), ("F9", 1))
    ]


def test_all_languages_have_all_texts() -> None:
    texts = {
        path.stem: json.loads(path.read_text("utf-8")) for path in (FOLDER / "texts").iterdir()
    }
    assert set(texts) == {"en", "de", "es", "zh"}
    for language, words in texts.items():
        assert words.keys() == texts["en"].keys(), language
        for key, text in words.items():
            fields = set(re.findall(r"{(\w+)}", text))
            assert fields == set(re.findall(r"{(\w+)}", texts["en"][key])), (language, key)
