"""Authentication-Results (RFC 8601): written, read, and the forged ones found."""

from __future__ import annotations

import authres as other
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.trust.authres import AuthRes, Finding, encode, encode_payload, forged_spans, parse

MX = "mx.example.org"


def test_written() -> None:
    findings = [
        Finding("iprev", "pass", properties=(("policy", "iprev", "192.0.2.1"),)),
        Finding("spf", "fail", "not listed", (("smtp", "mailfrom", "alice@example.org"),)),
        Finding("dkim", "pass", "", (("header", "d", "example.org"), ("header", "b", "a+/b=cd"))),
        Finding(
            "dmarc",
            "temperror",
            'a "quoted" \\ word, long',
            (("header", "from", "bücher.example"),),
        ),
    ]
    assert encode(MX, findings).decode() == (
        "Authentication-Results: mx.example.org;\r\n"
        " iprev=pass policy.iprev=192.0.2.1;\r\n"
        ' spf=fail reason="not listed" smtp.mailfrom=alice@example.org;\r\n'
        ' dkim=pass header.d=example.org header.b="a+/b=cd";\r\n'
        ' dmarc=temperror reason="a \\"quoted\\" \\\\ word, long"\r\n'
        ' header.from="bücher.example"\r\n'
    )
    assert parse(encode(MX, findings).partition(b":")[2]) == AuthRes(MX, tuple(findings))
    assert encode(MX, []) == b"Authentication-Results: mx.example.org;\r\n none\r\n"
    assert encode_payload([]) == "none"


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40)
addresses = st.from_regex(r"[a-z.+=/-]{0,9}@[a-z0-9.-]{1,9}", fullmatch=True)
findings = st.builds(
    Finding,
    names,
    names,
    st.one_of(st.just(""), texts),
    st.lists(st.tuples(names, names, st.one_of(texts, addresses, names)), max_size=3).map(tuple),
)


@given(st.lists(findings, max_size=4))
def test_what_is_written_is_read_again(wanted: list[Finding]) -> None:
    field = encode(MX, wanted)
    assert parse(field.partition(b":")[2]) == AuthRes(MX, tuple(wanted))
    assert parse(f"{MX}; {encode_payload(wanted)}") == AuthRes(MX, tuple(wanted))
    assert all(line[:1] in b" A" for line in field.split(b"\r\n")[:-1])


@given(st.text(max_size=3000), st.text(max_size=200))
def test_values_cannot_break_out(value: str, reason: str) -> None:
    """Whatever a peer calls itself, the field stays one field with one finding."""
    field = encode(MX, [Finding("spf", "pass", reason, (("smtp", "helo", value),))])
    assert field.count(b"\r\n") == field.count(b"\n")
    parsed = parse(field.partition(b":")[2])
    assert parsed is not None
    assert [(one.method, one.result, len(one.properties)) for one in parsed.findings] == [
        ("spf", "pass", 1)
    ]


@pytest.mark.parametrize(
    "value",
    [
        "example.com; none",
        "example.com 1; none",
        "example.com; spf=pass smtp.mailfrom=example.net",
        "example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; "
        "spf=pass smtp.mailfrom=example.net",
        'example.com; dkim=pass reason="good signature" header.i=@mail-router.example.net; '
        'dkim=fail reason="bad signature" header.i=@newyork.example.com',
    ],
)
def test_the_forms_of_the_rfc_as_another_parser_reads_them(value: str) -> None:
    """After the examples of RFC 8601 §B, beside the authres package."""
    ours = parse(value)
    theirs = other.AuthenticationResultsHeader.parse_value(value)
    assert ours is not None
    assert ours.authserv_id == theirs.authserv_id
    assert len(ours.findings) == len(theirs.results)
    for one, their in zip(ours.findings, theirs.results, strict=True):
        assert (one.method, one.result) == (their.method, their.result)
        assert one.reason == (their.reason or "")
        assert [value for _, _, value in one.properties] == [
            prop.value for prop in their.properties
        ]


def test_comments_everywhere() -> None:
    """As in RFC 8601 §B.7."""
    value = (
        "foo.example.net (foobar) 1 (baz);\r\n dkim (b(e)c\\)ause) / 1 (One) = (wait) fail\r\n"
        " policy (A dot) . (like that) expired (this) = (as I) 1362471462"
    )
    finding = Finding("dkim", "fail", properties=(("policy", "expired", "1362471462"),))
    assert parse(value) == AuthRes("foo.example.net", (finding,))


@pytest.mark.parametrize("value", ["SRS0=abc=TT=example.net=bob@example.org", "ab/c+d=", "a=="])
def test_values_with_equals_signs(value: str) -> None:
    found = parse(f"mx; spf=pass smtp.mailfrom={value} smtp.helo=x")
    assert found is not None
    assert found.findings[0].properties == (("smtp", "mailfrom", value), ("smtp", "helo", "x"))


def test_ours_as_another_parser_reads_it() -> None:
    wanted = [
        Finding(
            "dkim", "pass", properties=(("header", "d", "example.org"), ("header", "b", "a/+="))
        ),
        Finding("spf", "softfail", "why; not", (("smtp", "mailfrom", "a@example.org"),)),
    ]
    text = encode(MX, wanted).decode().replace("\r\n ", " ").strip()
    theirs = other.AuthenticationResultsHeader.parse(text)
    assert [(one.method, one.result) for one in theirs.results] == [
        ("dkim", "pass"),
        ("spf", "softfail"),
    ]
    assert theirs.results[1].reason == "why; not"
    assert [prop.value for prop in theirs.results[0].properties] == ["example.org", "a/+="]


@pytest.mark.parametrize(
    "value",
    [
        "", ";", "; spf=pass", "a b; none", "a 1 2; none", "a; spf", "a; spf=", "a; =pass",
        "a; spf=pass smtp=x", "a; spf=pass smtp.x", "a; spf=pass smtp.x=", "a (; none", 'a; x="y',
        "a; spf=pass reason=x reason=y", "a; spf=pass x", 'a; "spf"=pass', "a; spf==pass",
        "a) ; none",
    ],
)  # fmt: skip
def test_not_by_the_grammar(value: str) -> None:
    assert parse(value) is None


@given(st.text(st.sampled_from('ab;=."(\\) \r\n@/1none'), max_size=60))
def test_any_text(value: str) -> None:
    parse(value)
    parse(value.encode())


@pytest.mark.parametrize(
    ("field", "is_cut"),
    [
        ("Authentication-Results: mx.example.org; spf=pass", True),
        ("authentication-results: MX.Example.ORG; spf=pass", True),
        ("Authentication-Results : mx.example.org.; spf=pass", True),
        ("Authentication-Results:mx.example.org", True),
        ("Authentication-Results:\r\n mx.example.org 1; spf=pass", True),
        ("Authentication-Results: (a (nested) comment) mx.example.org; none", True),
        ('Authentication-Results: "mx.example.org"; none', True),
        ('Authentication-Results: "mx\\.example.org"; none', True),
        ("Authentication-Results: mx.example.org(c); none", True),
        ("Authentication-Results: mx.example.org; ((( broken", True),
        ("Authentication-Results: ; spf=pass", True),  # nobody's: not to be read
        ("Authentication-Results: (open", True),
        ('Authentication-Results: "open', True),
        ("Authentication-Results:", True),
        # What some reader may take for our name.
        ("Authentication-Results: mx.example.org/1; spf=pass", True),
        ("Authentication-Results: mx.example.org, spf=pass", True),
        ("Authentication-Results: <mx.example.org>; spf=pass", True),
        ("Authentication-Results: mx\r\n .example. org; spf=pass", True),
        ("Authentication-Results: m(x)x.example.org; spf=pass", True),
        ("Authentication-Results: \0mx.example.org; spf=pass", True),
        ('Authentication-Results: mx"".example.org; spf=pass', True),
        ("Authentication-Results: " + "(x)" * 60 + " elsewhere.example; spf=pass", True),
        ("Authentication-Results: mx.example.com; spf=pass", False),
        ("Authentication-Results: mx.example.org-x; spf=pass", False),
        ("Authentication-Results: gmx.example.org; spf=pass", False),
        ("Authentication-Results: mx.example.org.evil.example; spf=pass", False),
        ("Authentication-Results: other (mx.example.org); none", False),
        ("X-Authentication-Results: mx.example.org; spf=pass", False),
        ("ARC-Authentication-Results: i=1; mx.example.org; spf=pass", False),
        ("Subject: x\r\n Authentication-Results: mx.example.org; spf=pass", False),
    ],
)
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_forged_fields(field: str, is_cut: bool, end: str) -> None:
    """RFC 8601 §5."""
    front, behind = f"Received: x{end}", f"To: y{end}"
    written = field.replace("\r\n", end) + end
    raw = (front + written + behind).encode()
    wanted = ((len(front), len(front) + len(written.encode())),) if is_cut else ()
    assert forged_spans(raw, MX) == wanted


def test_fields_without_end_cost_little() -> None:
    others = b"Authentication-Results: elsewhere.example" + b"\\x" * 40 + b"; none\r\n"
    spans = forged_spans(others * 8000, MX)
    assert len(spans) == 7900


def test_several_forged_fields() -> None:
    forged = b"Authentication-Results: mx.example.org; dkim=pass\r\n\theader.d=bank.example\r\n"
    raw = forged + b"From: x\r\n" + forged + b"\r\n"
    spans = forged_spans(raw, "MX.example.org")
    assert [raw[start:end] for start, end in spans] == [forged, forged]
