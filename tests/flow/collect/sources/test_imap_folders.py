"""Mailboxes of servers as folders: paths, special uses, and whose they are."""

from __future__ import annotations

import pytest

from pillarbox.flow.collect.sources.imap_flags import flag_words, read_flags
from pillarbox.flow.collect.sources.imap_folders import (
    folder_key,
    folder_name,
    plan_remote_folders,
)
from pillarbox.imap.client.mailbox_names import decode_levels
from pillarbox.imap.client.mailboxes import MailboxEntry
from pillarbox.imap.client.responses import NamespaceEntry, Namespaces
from pillarbox.store.model import Flag, Role


def entry(name: str | bytes, *attributes: str, delimiter: str = "/") -> MailboxEntry:
    raw = name.encode() if isinstance(name, str) else name
    levels = decode_levels(raw, delimiter, utf8=False)
    return MailboxEntry(raw, levels, delimiter, frozenset(attributes), subscribed=False)


def roles(*entries: MailboxEntry) -> dict[str, Role]:
    return {one.path: one.role for one in plan_remote_folders(entries, None) if one.role}


def test_roles_that_the_server_tells() -> None:
    assert roles(
        entry("inbox"),
        entry("[Gmail]/All Mail", "\\all"),
        entry("[Gmail]/Wichtig", "\\important"),
        entry("Spam"),
        entry("x", "\\junk"),
        entry("y", "\\junk"),  # one is enough
    ) == {
        "INBOX": Role.INBOX,
        "[Gmail]/All Mail": Role.ALL,
        "[Gmail]/Wichtig": Role.IMPORTANT,
        "x": Role.JUNK,
    }


def test_roles_by_name_where_it_tells_none() -> None:
    assert roles(
        entry("INBOX", "\\inbox", delimiter="."),
        entry("INBOX.Sent", delimiter="."),
        entry("INBOX.Sent Items", delimiter="."),
        entry("INBOX.Gel&APY-schte Elemente", delimiter="."),
        entry("INBOX.work.Drafts", delimiter="."),
        entry("Junk", "\\noselect", delimiter="."),
    ) == {
        "INBOX": Role.INBOX,
        "INBOX/Sent": Role.SENT,
        "INBOX/Gelöschte Elemente": Role.TRASH,
    }


def test_paths_and_order() -> None:
    found = plan_remote_folders(
        [entry("a.b.c/d", delimiter="."), entry("a", "\\noselect", delimiter="."), entry("x/y",
        delimiter="")], None,
    )  # fmt: skip
    assert [(one.path, one.selectable) for one in found] == [
        ("a", False), ("x_y", True), ("a/b/c_d", True),
    ]  # fmt: skip


def test_what_others_share_is_left_out() -> None:
    spaces = Namespaces(
        (NamespaceEntry(b"", "/"),),
        (NamespaceEntry(b"Other/", "/"), NamespaceEntry(b"", "/")),
        (NamespaceEntry(b"#shared/", "/"),),
    )
    names = ["INBOX", "Other/bob/x", "#shared/y", "Others"]
    found = plan_remote_folders([entry(name) for name in names], spaces)
    assert [one.path for one in found] == ["INBOX", "Others"]


@pytest.mark.parametrize("name", [b"INBOX", b"a b", "ä".encode(), b"\xff\xfe", b"&AOQ-"])
def test_keys_give_names_back(name: bytes) -> None:
    assert folder_name(folder_key(name)) == name


def test_flags() -> None:
    seen = Flag.SEEN | Flag.FORWARDED
    assert read_flags(b"\\Seen $forwarded b a a \\Recent \\XOther") == (seen, "a b")
    assert flag_words(seen, "a b") == ["\\Seen", "$Forwarded", "a", "b"]
    assert read_flags(b"") == (0, "")
