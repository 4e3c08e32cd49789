"""JMAP clients for Node.js that we did not write: jmap-jam and jmap-client-ts."""

from __future__ import annotations

import imaplib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillarbox.accounts.app_passwords import encode_token
from pillarbox.accounts.scope import Scope
from pillarbox.node.administration import Opened
from pillarbox.testing import RunningServer, running_server
from support.programs import run

pytestmark = pytest.mark.interop
FOLDER = Path(__file__).with_name("jmap_node")
INSTALLED = FOLDER / "node_modules" / ".package-lock.json"
LOGIN, OTHER, PASSWORD = "alice@example.org", "bob@example.org", "correct-horse-9"


@pytest.fixture(scope="module")
def node() -> str:
    """Node.js with the clients that the lock file pins, installed once."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js and npm are not installed; they are not needed to run Pillarbox")
    lock = FOLDER / "package-lock.json"
    if not INSTALLED.exists() or INSTALLED.stat().st_mtime < lock.stat().st_mtime:
        done = run([npm, "ci"], seconds=120, env=os.environ, folder=FOLDER, codes=None)
        if done.code != 0:
            pytest.skip(f"npm could not install the clients: {done.text[-300:]}")
        INSTALLED.touch()
    return node


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    people = {LOGIN: PASSWORD, OTHER: PASSWORD}
    with running_server(tmp_path_factory.mktemp("jmap"), workers=2, accounts=people) as running:
        yield running


@pytest.fixture(scope="module")
def token(server: RunningServer) -> str:
    """What a person types into such a program: a token for JMAP alone."""

    async def make(opened: Opened) -> str:
        account = await opened.admin.find_account(LOGIN)
        _, password = await opened.admin.add_app_password(
            LOGIN, "node", scopes=frozenset({Scope.JMAP})
        )
        return encode_token(account.id, password)

    return server.administer(make)


def seen_by(node: str, script: str, server: RunningServer, token: str) -> dict[str, Any]:
    """Run one of the scripts; what it printed."""
    url = f"https://localhost:{server.https}/.well-known/jmap"
    env = {"NODE_EXTRA_CA_CERTS": str(server.certificate), "NO_COLOR": "1"}
    done = run([node, FOLDER / script, url, token, LOGIN, OTHER], env=env)
    told: dict[str, Any] = json.loads(done.output)
    return told


def by_imap(server: RunningServer, login: str, mailbox: str) -> list[tuple[str, set[bytes]]]:
    """Subjects and flags of a mailbox."""
    with imaplib.IMAP4(server.host, server.imap) as imap:
        imap.login(login, PASSWORD)
        assert imap.select(mailbox, readonly=True)[0] == "OK"
        _, found = imap.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return [
            (one[1].decode().strip().removeprefix("Subject: "), set(imaplib.ParseFlags(one[0])))
            for one in found
            if isinstance(one, tuple)
        ]


def test_jam(node: str, server: RunningServer, token: str) -> None:
    told = seen_by(node, "jam.mjs", server, token)
    assert told.pop("roles")[:1] == ["inbox"]
    assert {"Email", "Mailbox"} >= set(told.pop("pushed")) >= {"Email"}
    assert "<mark>sticky</mark>" in told.pop("snippet")
    assert told.pop("text").strip() == "Sweet and sticky."
    assert told == {
        "username": LOGIN,
        "uploaded": True,
        "found": True,
        "subject": "Brought by jam",
        "thread": True,
        "downloaded": True,
        "changes": True,
        "undoStatus": "final",
        "vacation": False,
        "error": "accountNotFound",
    }
    for mailbox in ("Jam", "Archive"):
        assert by_imap(server, LOGIN, mailbox) == [("Brought by jam", {b"\\Flagged"})]
    assert by_imap(server, LOGIN, "Sent") == [("Sent by jam", {b"\\Seen"})]
    assert ("Sent by jam", set()) in by_imap(server, OTHER, "INBOX")


def test_client_ts(node: str, server: RunningServer, token: str) -> None:
    assert seen_by(node, "client_ts.mjs", server, token) == {
        "username": LOGIN,
        "created": 2,
        "found": True,
        "preview": "All of them.",
        "undoStatus": "final",
        "destroyed": 1,
        "lists": [0, 0, 0],
        "error": "unsupportedFilter",
    }
    assert by_imap(server, LOGIN, "Typed/Inside") == []
    assert ("Sent with types", set()) in by_imap(server, OTHER, "INBOX")
