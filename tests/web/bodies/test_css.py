"""Style sheets: what stays, what goes, and that nothing that is left can name an address."""

from __future__ import annotations

import pytest
import tinycss2
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.web.bodies.css import clean_sheet, clean_style


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("color:red", "color:red"),
        ("COLOR : Red !IMPORTANT ; margin:0", "color:Red!important;margin:0"),
        ("background:rgba(1,2,3,.5) linear-gradient(red,blue)",) * 2,
        ("width:calc(100% - 10px)",) * 2,
        ("font-family:'A B',serif", 'font-family:"A B",serif'),
        ("background:url(x)", ""),
        ("background:\\75\\72\\6c(x)", ""),
        ("background:u\\rl('x')", ""),
        ("background:url(x", ""),
        ('background:url("x', ""),
        ("background:url(x y)", ""),
        ("background:image-set('x' 1x)", ""),
        ("background:src('x')", ""),
        ("color:var(--x)", ""),
        ("--x:url(y);color:red", "color:red"),
        ("background:rgba(url(x))", ""),
        ("width:expression(alert(1))", ""),
        ("behavior:none;-moz-binding:none", ""),
        ("filter:progid:DXImageTransform.Microsoft.Alpha(src='x')", ""),
        ("position:fixed;top:0", "top:0"),
        ("position:FiXeD !important", ""),
        ("position:\\66ixed", ""),
        ("position:sticky", ""),
        ("position:-webkit-sticky", ""),
        ("position:relative", "position:relative"),
        ("height:100vh;width:50vw", "height:800px;width:50vw"),
        ("min-height:calc(100dvh - 2vmin)", "min-height:calc(800px - 16px)"),
        ("height:calc((1vh))", "height:calc((8px))"),
        ("animation:a 1ms infinite;transition:all 1s;mso-line:x", ""),
        ("unicode-bidi:bidi-override", ""),
        ("color:red;}p{color:blue", "color:red"),
        ("color:attr(x)", ""),
        ("width:env(x)", ""),
        ("co/**/lor:red", ""),
        ("color:re/**/d", "color:re/**/d"),
        ("a\\:b:c", ""),
        ("color:" + "(" * 5000, ""),
        ("color:" + "calc(" * 5000 + "1" + ")" * 5000, ""),
        ("x" * 10_000, ""),
    ],
)
def test_declarations(given_: str, kept: str) -> None:
    assert clean_style(given_) == kept


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("p{color:red}", "p{color:red}"),
        ("#top .a>b:nth-child(2n+1),td[width='9']{margin:0}",
         '#m-top .a>b:nth-child(2n/**/+1),td[width="9"]{margin:0}'),
        ("@import 'x';p{color:red}", "p{color:red}"),
        ("@import url(x);@charset 'x';@namespace url(x);", ""),
        ("@font-face{font-family:x;src:url(y)}", ""),
        ("@keyframes k{from{color:red}}", ""),
        ("@supports (color:red){p{color:red}}@layer a{p{color:red}}", ""),
        ("@media (max-width:600px){.a{color:red}}", "@media (max-width:600px){.a{color:red}}"),
        ("@media screen{@media print{p{color:red}}}", "@media screen{@media print{p{color:red}}}"),
        ("@media screen{@import 'x';p{background:url(x)}}", ""),
        ("@media url(x){p{color:red}}", ""),
        ("p{color:red;& b{color:blue}}", "p{color:red}"),
        ("p:has(b){color:red}", ""),
        ("p{}</style><script>alert(1)</script>", ""),
        ("p::before{content:'</style><b>'}", 'p::before{content:"\\3c /style>\\3c b>"}'),
        ("<!-- p{color:red} -->", "p{color:red}"),
        ("p{color:red", "p{color:red}"),
        ("p{background:url(x}q{color:red}", ""),
        ("@media{" * 3000, ""),
        ("a{" * 3000, ""),
        ("p{position:fixed!important;inset:0}", "p{inset:0}"),
    ],
)  # fmt: skip
def test_sheets(given_: str, kept: str) -> None:
    assert clean_sheet(given_) == kept


def test_floods_are_bounded() -> None:
    many = clean_sheet("p{color:red}" * 20_000)
    assert many.count("{") == 5000
    media = clean_sheet("@media screen{p{color:red}}" * 1000)
    assert media.count("@media") == 200


PIECES = st.sampled_from(
    [
        "p", "#a", "{", "}", ":", ";", "color", "red", "url(", "URL(x)", ")", "(", "[", "]", '"',
        "'", "\\", "\\75 ", "/*", "*/", "@media", "@import", "@font-face", " ", "\n", "!important",
        "--a", "var(--a)", "calc(", "image-set(", "100vh", "position", "fixed", "expression(", "<",
        ">",
        "</style>", "<!--", "-->", ",", "\0", "é", "background", "rgb(1,2,3)", "u\\rl(", "&",
    ]
)  # fmt: skip


def _tokens(nodes: object) -> list[str]:
    found: list[str] = []
    waiting = list(nodes or [])  # type: ignore[call-overload]
    while waiting:
        node = waiting.pop()
        found.append(node.type)
        if node.type == "function":
            assert node.lower_name not in ("url", "src", "image-set", "var", "expression")
        for name in ("prelude", "content", "arguments", "value"):
            inside = getattr(node, name, None)
            if isinstance(inside, list):
                waiting += inside
    return found


@given(st.lists(PIECES, max_size=60).map("".join))
def test_nothing_left_names_an_address(css: str) -> None:
    sheet = clean_sheet(css)
    assert "<" not in sheet
    for kept, parse in (
        (sheet, tinycss2.parse_stylesheet),
        (clean_style(css), tinycss2.parse_blocks_contents),
    ):
        kinds = _tokens(tinycss2.parse_component_value_list(kept))
        assert "url" not in kinds and "error" not in kinds
        assert all(node.type != "error" for node in parse(kept))
    assert clean_sheet(sheet) == sheet
    style = clean_style(css)
    assert clean_style(style) == style
