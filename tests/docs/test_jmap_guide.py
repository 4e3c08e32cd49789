"""The examples of docs/guide/jmap.md: every request is sent, the answers are as they stand there.

Dates, states and other passing values may differ; what an answer has, and of which kind, may not.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillarbox.testing.server import RunningServer
from support.jmap_client import CORE, MAIL, JmapClient, basic
from support.stored_mail import deliver_all

PAGE = (Path(__file__).parents[2] / "docs/guide/jmap.md").read_text()
EXAMPLES = {
    name: json.loads(text)
    for name, text in re.findall(r"```json ([\w-]+)\n(.*?)```", PAGE, re.DOTALL)
}
LOGIN, PASSWORD = "alice@example.org", "correct-horse-9"
USING = (
    CORE,
    MAIL,
    *(f"urn:pillarbox:jmap:{one}" for one in ("bulk", "recovery", "cleanup", "rules")),
)
PASSING = re.compile(r"[sS]tate$|At$|Until$|^id$|^undoneBy$")
LETTERS = (("News", "news", "One"), ("News", "news", "Two"), ("Bob", "bob", "Three"))


def letter(number: int, name: str, box: str, subject: str) -> bytes:
    head = [
        f"From: {name} <{box}@example.net>",
        f"To: {LOGIN}",
        f"Subject: {subject}",
        f"Message-ID: <{number}@example.net>",
        f"Date: Mon, 2 Mar 2026 10:0{number}:00 +0000",
        "List-Id: <news.example.net>",
    ]
    return "\r\n".join([*head, "", f"Hello {number}.", ""]).encode()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JmapClient]:
    """The examples follow one another on one account."""
    server = RunningServer(tmp_path_factory.mktemp("jmap"))
    server.add_account(LOGIN, PASSWORD)
    server.start()
    try:
        deliver_all(server, LOGIN, [letter(n, *one) for n, one in enumerate(LETTERS, 1)])
        with JmapClient(server.https, server.certificate, basic(LOGIN, PASSWORD)) as made:
            yield made
    finally:
        server.stop()


def differences(told: Any, found: Any, where: str = "") -> list[str]:
    """Where an answer is not as the page says; it may have more than the page shows."""
    if isinstance(told, dict) and isinstance(found, dict):
        return [
            line
            for key, value in told.items()
            for line in (
                differences(value, found[key], f"{where}.{key}")
                if key in found
                else [f"{where}.{key} is not there"]
            )
        ]
    if isinstance(told, list) and isinstance(found, list):
        if len(told) != len(found):
            return [f"{where}: {len(found)} and not {len(told)}"]
        pairs = enumerate(zip(told, found, strict=True))
        return [line for n, pair in pairs for line in differences(*pair, f"{where}[{n}]")]
    passing = PASSING.search(where.rpartition(".")[2]) and type(told) is type(found)
    return [] if passing or told == found else [f"{where}: {found!r} and not {told!r}"]


def settle(client: JmapClient) -> None:
    """Until no operation is at work."""
    waiting = [
        "BulkOperation/query",
        {"accountId": "A1", "filter": {"status": ["queued", "running"]}},
    ]
    for _ in range(200):
        if not client.call([*waiting, "0"], using=USING).json["methodResponses"][0][1]["ids"]:
            return
        time.sleep(0.05)
    pytest.fail("the operations do not end")


def test_every_answer_belongs_to_a_request() -> None:
    assert {name.removesuffix("-answer") for name in EXAMPLES} <= set(EXAMPLES)
    assert len(EXAMPLES) >= 10


def test_the_first_request_stands_there_whole(client: JmapClient) -> None:
    answer = client.post(json.dumps(EXAMPLES["request"]).encode())
    assert differences(EXAMPLES["request-answer"], answer.json) == []


# In their order: an operation is made before it is undone.
CALLS = [name for name in EXAMPLES if not name.endswith("-answer") and name != "request"]


def test_the_examples_one_after_the_other(client: JmapClient) -> None:
    made = ""
    for name in CALLS:
        calls = json.loads(json.dumps(EXAMPLES[name]).replace("O17", made or "O17"))
        responses = client.call(*calls, using=USING).json["methodResponses"]
        assert not [one for one in responses if one[0] == "error"], (name, responses)
        told = json.dumps(EXAMPLES.get(f"{name}-answer", []))
        assert (
            differences(json.loads(told.replace("O17", made or "O17")) or responses, responses)
            == []
        ), name
        settle(client)
        if name == "bulk":
            made = responses[0][1]["created"]["b"]["id"]


def test_differences_are_found() -> None:
    told = {"a": [1, {"b": None}], "at": "x", "createdAt": "2026-03-02T10:00:00Z"}
    assert differences(told, {**told, "more": 1, "createdAt": "2027-01-01T00:00:00Z"}) == []
    assert differences(told, {**told, "at": "y"}) == [".at: 'y' and not 'x'"]
    assert differences(told, {"a": [1, {}], "at": "x", "createdAt": None}) != []
