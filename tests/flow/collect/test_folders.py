"""Which folders come and what they become here: a table, and names that we do not take."""

from __future__ import annotations

from typing import Any

import pytest

from pillarbox.config.store import StoreSettings
from pillarbox.errors import BadName
from pillarbox.flow.collect.folders import FolderPlan, Here, plan_folders
from pillarbox.flow.collect.naming import fit_path
from pillarbox.flow.collect.settings import FolderChoice, RemoteSettings, ServerSpec
from pillarbox.flow.collect.source import AtSource, RemoteFolder
from pillarbox.store.model import Role
from pillarbox.store.sql.names import check_path

STORE = StoreSettings()
ROLES = {
    Role.DRAFTS: "Drafts",
    Role.SENT: "Sent",
    Role.TRASH: "Trash",
    Role.JUNK: "Junk",
    Role.ARCHIVE: "Archive",
}
Named = str | tuple[str, Role]


def settings(**more: Any) -> RemoteSettings:
    server = ServerSpec("imap.example.org", 993)
    return RemoteSettings(kind="imap", server=server, login="bob", label="old", **more)


def plan(
    listed: list[Named], *, roles: Any = None, known: dict[str, str] | None = None, **more: Any
) -> FolderPlan:
    pairs = [(one, None) if isinstance(one, str) else one for one in listed]
    remote = [RemoteFolder(key=path, path=path, role=role) for path, role in pairs]
    here = Here(ROLES if roles is None else roles, known or {})
    return plan_folders(remote, settings(**more), here, STORE)


def became(found: FolderPlan) -> dict[str, str]:
    return {one.remote.path: one.path for one in found.folders}


E_NFC, E_NFD = "caf\u00e9", "cafe\u0301"
LONG = "é" * 200  # 400 octets


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        pytest.param(["INBOX", "Work", "Work/2026"], ["INBOX", "Work", "Work/2026"], id="plain"),
        pytest.param(
            ["INBOX", "INBOX/Work", ("INBOX/Sent", Role.SENT), "INBOX/Work/a b"],
            ["INBOX", "Work", "Sent", "Work/a b"],
            id="below INBOX, as Courier and Cyrus have it",
        ),
        pytest.param(
            ["inbox", "INBOX/Work", "Else"], ["INBOX", "INBOX/Work", "Else"], id="some below INBOX"
        ),
        pytest.param(
            ["INBOX", ("Gesendet", Role.SENT), "Gesendet/2019"],
            ["INBOX", "Sent", "Sent/2019"],
            id="a use under its name here, and what lies below it",
        ),
        pytest.param(
            ["Sent", ("Gesendet", Role.SENT)], ["Sent (2)", "Sent"], id="the use has the name"
        ),
        pytest.param(
            [("Sent", Role.SENT), ("Sent Items", Role.SENT)],
            ["Sent", "Sent Items"],
            id="one use twice",
        ),
        pytest.param([E_NFC, E_NFD], [E_NFC, E_NFC + " (2)"], id="NFC and NFD"),
        pytest.param(["Work", "work", "WORK"], ["Work", "work", "WORK"], id="case is kept"),
        pytest.param(["Work ", " Work", "Work"], ["Work", "Work (2)", "Work (3)"], id="spaces"),
        pytest.param(["a\x00b\x1fc", "x\u2028y"], ["a_b_c", "x_y"], id="control characters"),
        pytest.param(["a//b", "/"], ["a/_/b", "_/_"], id="empty levels"),
        pytest.param(["🎉 Party", "日本"], ["🎉 Party", "日本"], id="emoji and others"),
        pytest.param(["\U0001fae8"], ["_"], id="newer than our Unicode"),
        pytest.param(['q"uo\\te', "100%*"], ['q"uo\\te', "100%*"], id="quotes and wildcards"),
    ],
)
def test_paths(folders: list[Named], expected: list[str]) -> None:
    found = plan(folders)
    assert [one.path for one in found.folders] == expected
    assert not found.skipped


GMAIL: list[Named] = [
    "INBOX",
    "Receipts",
    ("[Gmail]/All Mail", Role.ALL),
    ("[Gmail]/Sent Mail", Role.SENT),
    ("[Gmail]/Spam", Role.JUNK),
    ("[Gmail]/Starred", Role.FLAGGED),
    ("[Gmail]/Important", Role.IMPORTANT),
    ("[Gmail]/Bin", Role.TRASH),
    "[Gmail]/Own",
]


def test_gmail() -> None:
    found = plan(GMAIL)
    assert [(one.path, one.is_view) for one in found.folders] == [
        ("INBOX", False),
        ("Receipts", False),
        ("Sent", False),
        ("Trash", False),
        ("[Gmail]/Own", False),
        ("Archive", True),  # last, and only what no other folder brought
    ]
    assert {one.remote.path for one in found.skipped} == {
        "[Gmail]/Spam",
        "[Gmail]/Starred",
        "[Gmail]/Important",
    }
    choice = FolderChoice(exclude=("[Gmail]/All Mail",))
    starred = plan(GMAIL, folders=choice).folders[-2:]
    assert [(one.path, one.is_view) for one in starred] == [
        ("[Gmail]/Starred", True),
        ("[Gmail]/Important", True),
    ]


def test_use_that_nobody_has_here() -> None:
    found = plan([("Verschickt", Role.SENT)], roles={})
    assert [(one.path, one.role) for one in found.folders] == [("Sent", Role.SENT)]
    found = plan([("Verschickt", Role.SENT)], roles={Role.SENT: "Out/Box"})
    assert [(one.path, one.role) for one in found.folders] == [("Out/Box", None)]


def test_spam_only_where_wanted() -> None:
    folders: list[Named] = ["INBOX", ("Spam", Role.JUNK)]
    assert became(plan(folders)) == {"INBOX": "INBOX"}
    assert became(plan(folders, skip_spam=False))["Spam"] == "Junk"


def test_choice_of_folders() -> None:
    folders: list[Named] = ["INBOX", "Work", "Work/Old", "Workshop", "Play"]
    choice = FolderChoice(include=("Work", "Play"), exclude=("Work/Old",), mapped={"Play": "Fun/x"})
    assert became(plan(folders, folders=choice)) == {
        "Work": "Work",
        "Play": "Fun/x",
    }
    assert became(plan(["Play", "Play/Deep"], folders=FolderChoice(mapped={"Play": "Fun"}))) == {
        "Play": "Fun",
        "Play/Deep": "Fun/Deep",
    }
    assert set(became(plan(folders, into="Old mail")).values()) == {"Old mail"}


def test_where_messages_are_moved_to_does_not_come() -> None:
    at_source = AtSource("move", folder="Done")
    assert became(plan(["INBOX", "Done", "Done/x"], at_source=at_source)) == {"INBOX": "INBOX"}


def test_folders_stay_what_they_became() -> None:
    known = {E_NFD: E_NFC + " (2)", "Work": "Renamed here"}
    found = plan(["Work", "Work/New", E_NFC, E_NFD], known=known)
    assert [one.path for one in found.folders] == [
        "Renamed here",
        "Renamed here/New",
        E_NFC,
        E_NFC + " (2)",
    ]


def test_long_names_stay_apart() -> None:
    first, second = fit_path(LONG + "1", STORE), fit_path(LONG + "2", STORE)
    assert first != second
    assert max(len(first.encode()), len(second.encode())) <= 255
    found = plan(["n" * 255, " " + "n" * 255])
    assert [len(one.path.encode()) for one in found.folders] == [255, 255]


@pytest.mark.parametrize(
    "path", ["x" * 5000, "/".join("abcdefghijklmnopqrstuvwxyz"), "\x00", "", " / ", "a\ud800"]
)
def test_whatever_comes_can_be_made(path: str) -> None:
    with pytest.raises(BadName):
        check_path(path if path != " / " else "a//", STORE)
    check_path(fit_path(path, STORE), STORE)


def test_folders_without_messages_are_only_levels() -> None:
    remote = [RemoteFolder("a", "a", selectable=False), RemoteFolder("b", "a/b", subscribed=True)]
    found = plan_folders(remote, settings(), Here(ROLES, {}), STORE)
    assert [(one.path, one.subscribe) for one in found.folders] == [("a/b", True)]
    assert [one.remote.path for one in found.skipped] == ["a"]
