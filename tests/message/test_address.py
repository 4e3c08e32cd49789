"""Address lists, written well and badly."""

from __future__ import annotations

import pytest

from pillarbox.message.address import (
    Group,
    Mailbox,
    is_ambiguous,
    mailboxes,
    parse_address_list,
)

ALICE = Mailbox(b"Alice", b"alice", b"example.org")
BARE = Mailbox(b"", b"alice", b"example.org")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b" , ,", []),
        (b"alice@example.org", [BARE]),
        (b"<alice@example.org>", [BARE]),
        (b"Alice <alice@example.org>", [ALICE]),
        (b"Alice<alice@example.org>", [ALICE]),
        (b'"Alice" <alice@example.org>', [ALICE]),
        (b'"A, B" <a@b>', [Mailbox(b"A, B", b"a", b"b")]),
        (b'"A \\"B\\" \\\\" <a@b>', [Mailbox(b'A "B" \\', b"a", b"b")]),
        (b"John Q. Public <a@b>", [Mailbox(b"John Q. Public", b"a", b"b")]),
        (b'Mr "X" Y <a@b>', [Mailbox(b"Mr X Y", b"a", b"b")]),
        (b"alice@example.org (Alice)", [ALICE]),
        (b"alice@example.org (Al(i)ce)", [Mailbox(b"Al(i)ce", b"alice", b"example.org")]),
        (b"(note) Alice (x) <alice@example.org> (y)", [ALICE]),
        (b"alice (c) @ (d) example.org", [Mailbox(b"d", b"alice", b"example.org")]),
        (b"alice . b @ example . org", [Mailbox(b"", b"alice.b", b"example.org")]),
        (b'"a b"@example.org', [Mailbox(b"", b"a b", b"example.org")]),
        (b'<"a@b"@example.org>', [Mailbox(b"", b"a@b", b"example.org")]),
        (b"a@[192.0.2.1]", [Mailbox(b"", b"a", b"[192.0.2.1]")]),
        (b"<@x.example,@y.example:a@b>", [Mailbox(b"", b"a", b"b", b"@x.example,@y.example")]),
        (
            b"<@x.example:a@b>, c@d",
            [Mailbox(b"", b"a", b"b", b"@x.example"), Mailbox(b"", b"c", b"d")],
        ),
        (b"a@b, c@d", [Mailbox(b"", b"a", b"b"), Mailbox(b"", b"c", b"d")]),
        (b"a@b;c@d", [Mailbox(b"", b"a", b"b"), Mailbox(b"", b"c", b"d")]),
        (b"a@b c@d", [Mailbox(b"a @ b", b"c", b"d")]),
        (b"Alice alice@example.org", [ALICE]),
        (
            b"Team: a@b, C <c@d>;",
            [Group(b"Team", (Mailbox(b"", b"a", b"b"), Mailbox(b"C", b"c", b"d")))],
        ),
        (b"undisclosed-recipients:;", [Group(b"undisclosed-recipients", ())]),
        (
            b'"A: B": a@b;, c@d',
            [Group(b"A: B", (Mailbox(b"", b"a", b"b"),)), Mailbox(b"", b"c", b"d")],
        ),
        (b"Open: a@b", [Group(b"Open", (Mailbox(b"", b"a", b"b"),))]),
        (b"postmaster", [Mailbox(b"", b"postmaster", b"")]),
        (b"Two Words", [Mailbox(b"", b"Two Words", b"")]),
        (b"<>", []),
        (b"Alice <>", [Mailbox(b"Alice", b"", b"")]),
        (b"Alice <alice>", [Mailbox(b"Alice", b"alice", b"")]),
        (b"Alice <alice@example.org", [ALICE]),
        (b"alice@example.org>", [BARE]),
        (b"@example.org", [Mailbox(b"", b"", b"example.org")]),
        (b"alice@", [Mailbox(b"", b"alice", b"")]),
        (b'"open <a@b>', [Mailbox(b"", b"open <a@b>", b"")]),
        (b"(open <a@b>", []),
        (b"=?utf-8?Q?=C3=84?= <a@b>", [Mailbox(b"=?utf-8?Q?=C3=84?=", b"a", b"b")]),
        ("Ä <ä@ö.example>".encode(), [Mailbox("Ä".encode(), "ä".encode(), "ö.example".encode())]),
    ],
)
def test_parse_address_list(raw: bytes, expected: list[Mailbox | Group]) -> None:
    assert parse_address_list(raw) == expected


def test_names_and_addresses_as_text() -> None:
    (one,) = mailboxes(parse_address_list("=?utf-8?Q?=C3=84?= <ä@ö.example>".encode()))
    assert one.display_name == "Ä"
    assert one.addr_spec == "ä@ö.example"
    (group,) = parse_address_list(b"=?utf-8?Q?=C3=84?=:;")
    assert isinstance(group, Group) and group.display_name == "Ä"


def test_mailboxes_are_taken_out_of_groups() -> None:
    found = mailboxes(parse_address_list(b"a@b, G: c@d, e@f;, g@h"))
    assert [one.local for one in found] == [b"a", b"c", b"e", b"g"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'"Doe, John" <j@x.example>', False),
        (b"John (Johnny) Doe <j@x.example> (at work)", False),
        (b"=?utf-8?q?J=C3=B6rg?= <j@x.example>", False),
        (b"j@x.example (John), k@y.example", False),
        (b"j@x.example <j@x.example>", False),
        (b"Alice @ Shop <a@shop.example>", False),
        (b'"<boss@bank.example>" <a@x.example>', False),
        (b"Friends: a@x.example, b@x.example;", False),
        (b"", False),
        (b"a@x.example, <b@bank.example> <c@x.example>", True),
        (b"b@bank.example c@x.example", True),
        (b"<c@x.example> b@bank.example", True),
        (b"b@bank.example: c@x.example;", True),
        (b"<@bank.example:c@x.example>", True),
        (b"<c@x.example@bank.example>", True),
        (b"=?utf-8?q?b=40bank.example=00?=@x.example", True),
    ],
)
def test_what_can_be_read_in_two_ways(raw: bytes, expected: bool) -> None:
    assert is_ambiguous(raw) is expected
