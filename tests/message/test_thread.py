"""Base subjects (RFC 5256 §2.1) and message-ids."""

from __future__ import annotations

import pytest

from pillarbox.message.thread import base_subject, message_id, message_ids


@pytest.mark.parametrize(
    ("subject", "base", "is_reply"),
    [
        ("", "", False),
        ("Hello", "Hello", False),
        ("  Hello \t world ", "Hello world", False),
        ("Re: Hello", "Hello", True),
        ("RE : Hello", "Hello", True),
        ("Re: Re: Fwd: Fw: Hello", "Hello", True),
        ("Re[2]: Hello", "Hello", True),
        ("Re [list] : Hello", "Hello", True),
        ("[list] Hello", "Hello", False),
        ("[list] Re: [list] Hello", "Hello", True),
        ("Re: [a] [b] Re: Hello", "Hello", True),
        ("Hello (fwd)", "Hello", True),
        ("Hello (fwd) (FWD) ", "Hello", True),
        ("[fwd: Hello]", "Hello", True),
        ("[Fwd: Re: [list] Hello (fwd)]", "Hello", True),
        ("[fwd: [fwd: Hello]]", "Hello", True),
        ("[fwd: Hello] more", "more", False),
        ("[list]", "[list]", False),
        ("[a] [b]", "[b]", False),
        ("Re:", "", True),
        ("Re: Re:", "", True),
        ("Regarding: Hello", "Regarding: Hello", False),
        ("Re Hello", "Re Hello", False),
        ("(fwd)", "", True),
        ("[fwd:]", "", True),
        ("Hello [list]", "Hello [list]", False),
        ("[", "[", False),
        ("[]Hello", "Hello", False),
    ],
)
def test_base_subject(subject: str, base: str, is_reply: bool) -> None:
    assert base_subject(subject) == (base, is_reply)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"<a@b>", b"a@b"),
        (b"words <a@b> <c@d>", b"a@b"),
        (b"a@b", b"a@b"),
        (b"", b""),
        (b"<a b>", b"a"),
        (b"<", b""),
    ],
)
def test_message_id(raw: bytes, found: bytes) -> None:
    assert message_id(raw) == found


def test_message_ids_are_in_order_without_repeats_and_limited() -> None:
    assert message_ids(b"<a@b> <c@d>,<a@b><e@f> junk") == (b"a@b", b"c@d", b"e@f")
    many = message_ids(b" ".join(b"<%d@x>" % n for n in range(500)))
    assert len(many) == 100
    assert many[-1] == b"499@x"
