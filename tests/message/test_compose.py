"""Header fields that anybody's text goes into, read back by the standard library and by us."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.message import encoded_word
from pillarbox.message.address import Group, parse_address_list
from pillarbox.message.compose import (
    encode_group,
    encode_mailbox,
    encode_param,
    encode_text,
    fold_words,
)
from pillarbox.message.header import unfold
from pillarbox.message.mime import decode_params, raw_params

LETTERS = st.characters(exclude_categories=("Cc", "Cs"))
TEXT = st.text(LETTERS, max_size=200)
WORD = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True)


def value_of(field: bytes) -> bytes:
    """What stands behind the colon, unfolded; no line is longer than it should be."""
    assert field.endswith(b"\r\n")
    lines = field[:-2].split(b"\r\n")
    assert all(len(line) <= 78 for line in lines), lines
    assert all(line[:1] == b" " and line.strip() for line in lines[1:])
    return unfold(field.split(b":", 1)[1])


@settings(deadline=None)
@given(TEXT)
def test_any_text_comes_back(text: str) -> None:
    field = fold_words("Subject", encode_text(text).split(" "))
    # Two white spaces where a line ends would be white space at its end; that is allowed.
    if text.isascii() and max(map(len, text.split(" "))) > 60:
        return
    assert encoded_word.decode(value_of(field)) == text
    read = email.message_from_bytes(field + b"\r\n", policy=email.policy.default)
    assert not read.defects
    assert str(read["subject"]) == text


@pytest.mark.parametrize("text", ["=?utf-8?Q?x?=", " in front", "behind ", "\ttab", "é", "a" * 950])
def test_what_would_be_read_otherwise_is_encoded(text: str) -> None:
    assert encode_text(text).startswith("=?utf-8?B?")


@pytest.mark.parametrize("text", ["", "Hello", "two  spaces", "a" * 900, "? = ="])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert encode_text(text) == text


@settings(deadline=None)
@given(st.text(LETTERS, max_size=80), WORD, WORD)
def test_a_name_and_its_address_come_back(name: str, local: str, domain: str) -> None:
    entry = encode_mailbox(name, f"{local}@{domain}.example")
    field = fold_words("To", entry.split(" "))
    (found,) = parse_address_list(unfold(field[3:]))
    assert not isinstance(found, Group)
    assert found.addr_spec == f"{local}@{domain}.example"
    assert found.display_name == name.strip()


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("alice@example.org", "alice@example.org"),
        ("a b@example.org", '"a b"@example.org'),
        ('"a b"@example.org', '"a b"@example.org'),
        ("alice@[192.0.2.1]", "alice@[192.0.2.1]"),
        ("alice", "alice"),
        ("alice smith", '"alice smith"'),
        ("a@example.org, eve@example.org", '"a@example.org, eve"@example.org'),
        ("a@example.org>, <eve", '"a@example.org>, <eve"'),
        ("a@example.org (eve", '"a@example.org (eve"'),
        ("münchen@exämple.org", "münchen@exämple.org"),
        ("", "<>"),
    ],
)
def test_half_an_address_stays_one(address: str, written: str) -> None:
    assert encode_mailbox("", address) == written
    assert len(parse_address_list(encode_mailbox("Eve", address).encode())) == 1


@settings(deadline=None)
@given(st.text(LETTERS, max_size=60), st.text(LETTERS, max_size=60))
def test_an_address_never_becomes_two(name: str, address: str) -> None:
    assert len(parse_address_list(encode_mailbox(name, address).encode())) <= 1


def test_a_group_with_members_and_one_without() -> None:
    field = ", ".join([encode_group("Team, Ä", ["a@example.org"]), encode_group("Empty", [])])
    team, empty = parse_address_list(field.encode())
    assert isinstance(team, Group)
    assert isinstance(empty, Group)
    assert (team.display_name, len(team.members)) == ("Team, Ä", 1)
    assert (empty.display_name, empty.members) == ("Empty", ())


@settings(deadline=None)
@given(TEXT.filter(bool))
def test_a_file_name_comes_back_however_long(name: str) -> None:
    words = encode_param("filename", name)
    field = fold_words("Content-Disposition", ["attachment;", *[word + ";" for word in words]])
    value = value_of(field)
    assert dict(decode_params(raw_params(value, 0))) == {"filename": name}
    read = email.message_from_bytes(field + b"\r\n", policy=email.policy.compat32)
    if name[0] not in '<"':  # which Python takes for quotes
        assert read.get_filename() == name.strip()
