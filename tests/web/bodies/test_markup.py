"""HTML: only names of the policy are left, whatever comes in; pictures and links go our ways."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.web.bodies.job import Bounds
from pillarbox.web.bodies.links import mismatched_links, scheme_of, shown_address
from pillarbox.web.bodies.markup import Cleaner, CleanMarkup, TooDeep
from pillarbox.web.bodies.policy import ATTRIBUTES, TAGS

MARKER = "ab" * 16
BOUNDS = Bounds(style_octets=1 << 18, nesting=500, result_octets=1 << 24)


def clean(html: str, **inline: str) -> CleanMarkup:
    return Cleaner(BOUNDS, MARKER, "/m/A1/B1/part/", inline).clean(html)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("<p onclick=x onmouseover='y' data-x=1 is=z>a</p>", "<p>a</p>"),
        ("<script>a</script><noscript>b</noscript><template>c</template>d", "d"),
        ("<svg><image href=x /><style>p{}</style></svg>a", "a"),
        ("<math><mi>x</mi></math>a", "a"),
        ("<form action=x><input name=a><button>b</button></form>", "b"),
        ("<iframe src=x></iframe><object data=x>o</object><embed src=x>", ""),
        ("<link rel=stylesheet href=x><meta http-equiv=refresh content=0><base href=x>", ""),
        ("<video src=x poster=y>v</video><audio src=x></audio>", ""),
        ("<p id=location name=x>a</p>", '<p id="m-location">a</p>'),
        ("<p id=m-a>a</p>", '<p id="m-a">a</p>'),
        ("<table background=x><tr><td background=y>a",
         "<table><tbody><tr><td>a</td></tr></tbody></table>"),
        ("<p style='position:fixed;color:red'>a", '<p style="color:red">a</p>'),
        ("<p style='position:fixed'>a", "<p>a</p>"),
        ("<bdo dir=rtl>a</bdo>\u202eb\u2066c", "abc"),
        ("<a title='\u202ex'>y</a>",
         '<a title="x" target="_blank" rel="noopener noreferrer">y</a>'),
        ("<!--[if mso]><p>a</p><![endif]-->b", "b"),
        ("<![CDATA[<p>]]>a", "]]&gt;a"),
        ("<p>a<!-- b -->c", "<p>ac</p>"),
        ("<details open ontoggle=x><summary>a</summary>b</details>",
         '<details open=""><summary>a</summary>b</details>'),
    ],
)  # fmt: skip
def test_markup(given_: str, kept: str) -> None:
    assert clean(given_).markup == kept


@pytest.mark.parametrize(
    ("href", "stays"),
    [
        ("https://a.example/?x=1&amp;y=2", True),
        ("HTTP://a.example", True),
        ("mailto:a@b.example", True),
        ("tel:+49123", True),
        ("javascript:alert(1)", False),
        ("java&#9;script:alert(1)", False),
        ("java\nscript:alert(1)", False),
        (" &#1;javascript:alert(1)", False),
        ("&#106;avascript&colon;alert(1)", False),
        ("vbscript:x", False),
        ("data:text/html,x", False),
        ("blob:x", False),
        ("file:///etc/passwd", False),
        ("cid:x", False),
        ("#top", False),
        ("/account/state", False),
        ("//evil.example/", False),
        ("account/sign-out", False),
        ("https://x/" + "a" * 9000, False),
    ],
)
def test_links(href: str, stays: bool) -> None:
    found = clean(f'<a href="{href}" target=_top rel=opener ping=x download>a</a>').markup
    ((_, attributes), *_) = read(found).events
    given_ = dict(attributes)
    assert given_.pop("target") == "_blank" and given_.pop("rel") == "noopener noreferrer"
    assert set(given_) <= {"href"}
    assert ("href" in found) == stays


def test_areas_too() -> None:
    found = clean('<map name=m><area href="https://a.example/" shape=rect coords=0></map>').markup
    assert '<map name="m-m">' in found
    assert 'target="_blank"' in found and 'rel="noopener noreferrer"' in found


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("cid:a@b", "/m/A1/B1/part/1.2"),
        ("CID:a@b", "/m/A1/B1/part/1.2"),
        ("cid:other", None),
        ("https://a.example/x.png", MARKER + "0-"),
        (" http://a.example/x.png", MARKER + "0-"),
        ("data:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
        ("data:image/svg+xml;base64,AAAA", None),
        ("data:image/svg+xml,<svg/>", None),
        ("data:text/html;base64,AAAA", None),
        ("data:image/png,AAAA", None),
        ("//a.example/x.png", None),
        ("/account/state", None),
        ("x.png", None),
        ("ftp://a.example/x.png", None),
        ("javascript:x", None),
        (MARKER + "7-", None),
    ],
)
def test_pictures(source: str, kept: str | None) -> None:
    cleaner = Cleaner(BOUNDS, MARKER, "/m/A1/B1/part/", {"a@b": "1.2"})
    found = cleaner.clean(f'<img alt="x" src="{source}" srcset="y" onerror=z>').markup
    assert found == (f'<img alt="x" src="{kept}">' if kept is not None else '<img alt="x">')


def test_the_body_tag_becomes_ours() -> None:
    found = clean(
        '<html><body bgcolor="#eee" text=red class="a b" id=z onload=x background=u '
        'style="margin:0;position:fixed;background:url(x)" link="x"><p>a</body>'
    )
    assert found.body_attributes == (
        ' class="a b" id="m-z" style="background-color:#eee;color:red;margin:0"'
    )
    assert found.is_coloured
    broken = clean('<body class="&quot; onload=&quot;x" bgcolor="red;x:y"><p>a')
    assert broken.body_attributes == ' class="&quot; onload=&quot;x"'


def test_style_sheets_are_kept_apart() -> None:
    found = clean("<style>p{color:red}</style><p>a<STYLE type=x>b{margin:0}</STYLE></p>")
    assert found.styles == "p{color:red}\nb{margin:0}"
    assert found.markup == "<p>a</p>"


@pytest.mark.parametrize("tag", ["div", "span", "b", "table", "font", "blockquote", "x-made-up"])
def test_deep_nesting_is_refused(tag: str) -> None:
    clean(f"<{tag}>" * 499)
    with pytest.raises(TooDeep):
        clean(f"<{tag}>" * 501)


def test_what_ends_by_itself_is_not_deep() -> None:
    clean("<p>a<br><li>b<td>c" * 5000)
    clean("<div>a</div>" * 5000)


@pytest.mark.parametrize(
    ("text", "href", "told"),
    [
        ("www.bank.example", "https://evil.example/", True),
        ("https://bank.example/login", "https://bank.example.evil.example/", True),
        ("<b>bank</b>.example", "https://evil.example/", True),
        ("bank.example", "https://www.bank.example/", False),
        ("https://shop.example", "https://click.shop.example/x", False),
        ("Click here", "https://evil.example/", False),
        ("bank.example", "mailto:a@b.example", False),
        ("p\u0430ypal.example", "https://xn--pypal-4ve.example/", True),  # one Cyrillic letter
        ("p\u0430ypal.example", "https://p\u0430ypal.example/", True),
        ("m\u00fcller.example", "https://xn--mller-kva.example/", False),
        ("m\u00fcller.example", "https://evil.example/", True),
        (
            "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
            "https://xn--e1afmkfd.xn--p1ai/",
            False,
        ),
    ],
)
def test_links_that_say_otherwise(text: str, href: str, told: bool) -> None:
    assert bool(mismatched_links(clean(f'<a href="{href}">{text}</a>').markup)) == told


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("bob@p\u0430ypal.example", "bob@p\u0430ypal.example (xn--pypal-4ve.example)"),
        ("b\u0430b@bank.example", "b\u0430b@bank.example"),
        ("bob@m\u00fcller.example", "bob@m\u00fcller.example"),
        ("bob@bank.example", "bob@bank.example"),
        ("nobody", "nobody"),
    ],
)
def test_domains_of_two_scripts_are_named_as_they_are(address: str, shown: str) -> None:
    assert shown_address(address) == shown


def test_schemes_as_browsers_read_them() -> None:
    assert scheme_of("\x01 java\tscr\nipt:x") == "javascript"
    assert scheme_of("//x") == scheme_of("x") == scheme_of(":x") == ""


class Seen(HTMLParser):
    """Notes what a parser that we did not write finds."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.events: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.events.append((tag, sorted(attrs)))
        allowed = ATTRIBUTES["*"] | ATTRIBUTES.get(tag, frozenset()) | {"target", "rel"}
        if tag not in TAGS:
            self.wrong.append(tag)
        for name, value in attrs:
            value = value or ""
            if name not in allowed:
                self.wrong.append(f"{tag} {name}")
            schemes = ("http", "https", "mailto", "tel")
            if name == "href" and scheme_of(value) not in schemes:
                self.wrong.append(value)
            if name == "src" and not value.startswith((MARKER, "data:image/", "/m/A1/B1/part/")):
                self.wrong.append(value)
        if tag in ("a", "area") and ("target", "_blank") not in attrs:
            self.wrong.append(f"{tag} without target")

    def handle_endtag(self, tag: str) -> None:
        self.events.append(tag)

    def handle_data(self, data: str) -> None:
        self.events.append(("", data))

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(decl)


def read(markup: str) -> Seen:
    seen = Seen()
    seen.feed(markup)
    seen.close()
    return seen


PIECES = st.sampled_from(
    [
        "<", ">", "/", '"', "'", "=", " ", "\n", "\0", "&", ";", "<p>", "</p>", "<a href=",
        "<img src=", "<svg>", "</svg>", "<math>", "<mtext>", "<mglyph>", "<style>", "</style>",
        "<script>", "</script>", "<!--", "-->", "--!>", "<![CDATA[", "]]>", "<title>", "</title>",
        "<noscript>", "<textarea>", "<template>", "<table>", "<td>", "<select>", "<option>",
        "<form>", "<input ", "onerror=x", "style=", "color:red", "url(", "javascript:", "https://a.example/",
        "cid:a", "data:image/png;base64,AA", "data:text/html,", "x", "&lt;", "&#60;", "<plaintext>",
        "<frameset>", "<body ", "<base href=", "<meta ", "<b>", "</b>", "<iframe srcdoc=",
        "<foreignObject>", "<annotation-xml encoding=text/html>", "<map name=", "usemap=#", "id=",
        "<li>", "<h1>",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map("".join))
@example("<li><form><li>")
@example("<p><button><p>")
def test_only_allowed_names_are_left(html: str) -> None:
    assert read(clean(html, a="1.2").markup).wrong == []
    # Again, without what our own addresses have become; the order of attributes is nobody's. Where
    # an element went whose content stays, others may close one another that did not before.
    plain = clean(html.replace("https:", "x:").replace("cid:", "x:")).markup
    again = clean(plain).markup
    assert read(again).wrong == []
    assert read(clean(again).markup).events == read(again).events
