"""Plain text as HTML: no octets of it become markup, links end where people end them."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.web.bodies.plain import linkified, plain_markup, tidied


def linked(written: str, address: str = "") -> str:
    return f'<a href="{address or written}" target="_blank" rel="noopener noreferrer">{written}</a>'


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("a < b & c > \"d\" 'e'", "a &lt; b &amp; c &gt; &quot;d&quot; &#x27;e&#x27;"),
        ("See http://a.example/x.", f"See {linked('http://a.example/x')}."),
        ("(https://a.example/b(c))", f"({linked('https://a.example/b(c)')})"),
        ("www.a.example, too", f"{linked('www.a.example', 'https://www.a.example')}, too"),
        ("<https://a.example/>", f"&lt;{linked('https://a.example/')}&gt;"),
        ("HTTPS://A.example!", f"{linked('HTTPS://A.example')}!"),
        ("bob@example.org.", f"{linked('bob@example.org', 'mailto:bob@example.org')}."),
        ("http://a.example/?a=1&b=2", linked("http://a.example/?a=1&amp;b=2")),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("data:text/html,x", "data:text/html,x"),
        ("ahttp://x", "ahttp://x"),
        ("http://", "http://"),
        ("a@b", "a@b"),
    ],
)
def test_links(text: str, markup: str) -> None:
    assert linkified(text) == markup


@pytest.mark.parametrize(
    "text",
    [
        'http://a.example/"onmouseover="alert(1)',
        "http://a.example/'onmouseover='alert(1)",
        "http://a.example/><script>alert(1)</script>",
        "http://a.example/&quot;onmouseover=alert(1)",
        "http://a.example/\nonmouseover=x",
        "http://a.example/`onmouseover=x",
        "https://a.example/\x00\" onload=x",
        '"bob@example.org"onclick=x',
        "www.a.example/\u2028onclick=x\"",
        "http://http://a.example/\"x",
        "mailto:bob@example.org?subject=\"x",
        "http://a.example/\u00a0\"onclick=x",
    ],
)  # fmt: skip
def test_no_attribute_is_broken_out_of(text: str) -> None:
    check(plain_markup(text))


def test_quotations_are_marked() -> None:
    found = plain_markup("a\n> b\n>> c\n> > d\n> e\nf")
    text = '<div class="pb-text" dir="auto">{}</div>'
    quote, end = '<blockquote class="pb-quote">', "</blockquote>"
    assert found == "".join(
        [
            text.format("a"), quote, text.format("b"), quote, text.format("c\nd"), end,
            text.format("e"), end, text.format("f"),
        ]
    )  # fmt: skip
    deep = plain_markup(">" * 3000 + " x")
    assert deep.count(quote) == deep.count(end) == 20


def test_flowed_text_is_made_whole() -> None:
    found = plain_markup("One \ntwo.\n\n> three \n> four\n-- \nBob \nlast", flowed=True)
    assert "One two.\n" in found and ">three four<" in found
    assert "-- \nBob last" in found
    assert "onetwo" in plain_markup("one \ntwo", flowed=True, delete_space=True)
    assert "One \ntwo" in plain_markup("One \ntwo")


def test_nothing_turns_what_is_written_around() -> None:
    found = plain_markup("photo_\u202egpj.exe \u2066x\u2069 \0\x07\x1b[31m")
    assert "photo_gpj.exe x" in found
    assert "\u202e" not in found and "\x1b" not in found and "\0" not in found


def test_text_made_of_html() -> None:
    assert tidied("  a \t b\xa0c \n\n\n\n  d  \n") == "a b c\n\nd"


class Checker(HTMLParser):
    """Nothing but what `plain` writes itself."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given_ = dict(attrs)
        if tag == "a":
            assert list(given_) == ["href", "target", "rel"]
            address = given_["href"] or ""
            assert address.lower().startswith(("http://", "https://", "mailto:"))
        elif tag == "div":
            assert given_ == {"class": "pb-text", "dir": "auto"}
        else:
            assert (tag, given_) == ("blockquote", {"class": "pb-quote"})

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_data(self, data: str) -> None:
        self.text += data


def check(markup: str) -> str:
    checker = Checker()
    checker.feed(markup)
    checker.close()
    return checker.text


PIECES = st.sampled_from(
    ["http://", "https://a.b/", "www.", "a@b.example", '"', "'", "<", ">", "&", "&quot;", "&#34;",
     " ", "\n", "> ", "onclick=", "=", "`", "\0", "\u202e", "(", ")", ".", ",", "é", "\\", "%22",
     "-- "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join), st.booleans())
def test_any_text(text: str, flowed: bool) -> None:
    check(plain_markup(text, flowed=flowed))


@given(st.lists(PIECES, max_size=40).map("".join))
def test_links_change_no_letter(text: str) -> None:
    text = text.replace("\0", "")
    assert unescape(re.sub("<[^>]*>", "", linkified(text))) == text
