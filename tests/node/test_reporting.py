"""A whole server counts, reports, and reads reports: real processes, a name server on loopback."""

from __future__ import annotations

import json
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillarbox.testing import RunningServer, running_server
from support.name_server import NameServer, in_a_thread

LETTER = "From: carol@honest.example\r\nSubject: Hello\r\n\r\nA few words.\r\n"
WORLD: dict[str, dict[str, Any]] = {
    "127.0.0.1": {"PTR": ["localhost.example"]},
    "localhost.example": {"A": ["127.0.0.1"]},
    "honest.example": {"TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
    "_dmarc.honest.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:reports@example.org"]},
    "honest.example._report._dmarc.example.org": {"TXT": ["v=DMARC1"]},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("reporting")
    accounts = {"alice@example.org": "one-2-three", "reports@example.org": "four-5-six"}
    with in_a_thread(NameServer(WORLD)) as names:
        settings = {
            "trust": {"trusted_networks": [], "authserv_id": "mx.example.org"},
            "dns": {"servers": [names.address]},
            "reports": {
                "contact": "postmaster@example.org",
                "addresses": ["reports@example.org"],
                "flush_seconds": 3600.0,
                "round_seconds": 0.2,
            },
        }
        with running_server(folder, workers=2, accounts=accounts, settings=settings) as running:
            yield running


def pillarbox(server: RunningServer, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "pillarbox.cli", *words, "--json", "--config", str(server.config)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_from_mail_to_a_report_that_is_read(server: RunningServer) -> None:
    with smtplib.SMTP(server.host, server.smtp, timeout=60) as client:
        for _ in range(3):
            client.sendmail("carol@honest.example", ["alice@example.org"], LETTER)
    assert pillarbox(server, "reports", "list", "--sent")["to_be_made"] == 0
    server.stop()  # writes what was counted
    assert pillarbox(server, "reports", "list", "--sent")["to_be_made"] == 1
    assert pillarbox(server, "reports", "send", "--now", "--today") == {"sent": 1}
    server.start()
    deadline = time.monotonic() + 30
    while not (found := pillarbox(server, "reports", "list")):
        assert time.monotonic() < deadline, "the report was not read"
    (one,) = found
    assert (one["domain"], one["passed"], one["failed"]) == ("honest.example", 3, 0)
    (sent,) = pillarbox(server, "reports", "list", "--sent")["sent"]
    assert (sent["outcome"], sent["destinations"]) == ("sent", ["reports@example.org"])
    whole = pillarbox(server, "reports", "show", str(one["number"]))
    assert whole["report"]["rows"][0]["source_ip"] == "127.0.0.1"
