"""Encoded words as mail programs really write them."""

from __future__ import annotations

import pytest

from pillarbox.message.encoded_word import decode


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b"plain", "plain"),
        (b"=?utf-8?Q?=C3=A4?=", "ä"),
        (b"=?UTF-8?q?a_b=5Fc?=", "a b_c"),
        (b"=?utf-8?B?w6Q=?=", "ä"),
        (b"=?utf-8?B?w6Q?=", "ä"),  # padding left out
        (b"=?utf-8?B?w6Q=====?=", "ä"),
        (b"=?utf-8?b?w6 Q=?=", "ä"),
        (b"=?iso-8859-1?Q?=E4?= =?iso-8859-1?Q?=F6?=", "äö"),  # blanks between words go
        (b"=?iso-8859-1?Q?=E4?=\t =?utf-8?Q?=C3=B6?=", "äö"),
        (b"=?iso-8859-1?Q?=E4?= and =?iso-8859-1?Q?=F6?=", "ä and ö"),
        (b"=?utf-8?B?w6Q=?==?utf-8?B?w6Q=?=", "ää"),  # no blank between
        (b"Re:=?utf-8?Q?=C3=A4?=x", "Re:äx"),  # no blank around
        (b"=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "ä"),  # cut inside a character
        (b"=?utf-8*de?Q?=C3=A4?=", "ä"),  # language, RFC 2231 section 5
        (b"=?utf-8?Q?a b?=", "a b"),
        (b"=?utf-8?X?a?=", "=?utf-8?X?a?="),
        (b"=?utf-8?Q?a", "=?utf-8?Q?a"),
        (b"=?utf-8?Q??=", ""),
        (b"=?nonsense?Q?=C3=A4?=", "ä"),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?ks_c_5601-1987?B?x9GxuQ==?=", "한국"),
        (b"\xc3\xa4", "ä"),
        (b"\xe4", "ä"),
        (b"\xe4 =?utf-8?Q?=C3=A4?= \xc3\xa4", "ä ä ä"),
    ],
)
def test_decode(raw: bytes, text: str) -> None:
    assert decode(raw) == text


def test_raw_octets_are_in_the_charset_at_hand() -> None:
    word = "Пруд"
    assert decode(word.encode("koi8-r"), "koi8-r") == word
    assert decode(word.encode(), "koi8-r") == word
    assert decode(b"=?utf-8?Q?a?= " + word.encode("koi8-r"), "koi8-r") == "a " + word
    assert decode(b"\xe4", "us-ascii") == "ä"
