"""`pillarbox reports`: what came, what is in it, what went out."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from pillarbox.clock import SystemClock
from pillarbox.config.store import StoreSettings
from pillarbox.config.writing import to_toml
from pillarbox.flow.reporting.received import Author, summarize
from pillarbox.store.open import open_store
from pillarbox.store.sql import reports, reports_received
from pillarbox.store.sql.reports import DueReport, SentReport
from pillarbox.trust.dmarc_report import AggregateReport, DkimAuth, Override, Published, Row
from pillarbox.trust.tls_rpt.tally import Origin, SessionPolicy, SessionResult, build_report
from support.command_line import Run, command_line

DMARC = AggregateReport(
    organization="Example\x1b[2J Net",
    email="dmarc@example.net",
    report_id="id-1",
    begin=1793404800,
    end=1793491199,
    published=Published(domain="example.org", p="reject", sp="none", adkim="r", aspf="s"),
    rows=(
        Row(
            source_ip="192.0.2.9",
            count=7,
            disposition="none",
            dkim="pass",
            spf="fail",
            header_from="example.org",
            overrides=(Override("forwarded", "by a list"),),
            dkim_results=(DkimAuth("example.org", "s1", "pass"),),
        ),
    ),
)
START, END = datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
TLS = build_report(
    Origin("Example Net", "tls@example.net", "t1"),
    START,
    END,
    [
        SessionResult(SessionPolicy("example.com", "sts"), count=4),
        SessionResult(
            SessionPolicy("example.com", "sts"), "certificate-expired", mx_host="mx.example.com"
        ),
    ],
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command line over a store with two reports that came and one that went."""
    file = tmp_path / "p.toml"
    tables = {
        "server": {"hostname": "mx.example.org"},
        "store": {"data_dir": "data"},
        "dns": {"servers": ["127.0.0.1:1"]},
    }
    file.write_text(to_toml(tables))
    monkeypatch.setenv("PILLARBOX_CONFIG", str(file))

    async def fill() -> None:
        store = await open_store(StoreSettings(data_dir=str(tmp_path / "data")), SystemClock())
        for report, author in ((DMARC, Author("example.net", True)), (TLS, Author())):
            kept = replace(summarize(report, author), received_at=1793500000)
            await store.write(partial(reports_received.add, report=kept))
        due = DueReport("dmarc", 20000, "example.com", "{}", 5)
        await store.write(
            lambda tx: reports.count_messages(tx, due, {"{}": 1}, max_rows=9, max_domains=9)
        )
        await store.write(lambda tx: reports.lease(tx, "w", limit=1, seconds=9, today=30000))
        sent = SentReport(
            kind="dmarc",
            day=20000,
            domain="example.com",
            report_id="r",
            outcome="sent",
            destinations=("dmarc@example.com",),
            octets=500,
        )
        assert await store.write(lambda tx: reports.finish(tx, "w", sent))
        await store.close()

    asyncio.run(fill())

    return command_line(capsys, monkeypatch, "reports")


def test_list(run: Run) -> None:
    code, out, _ = run("list")
    lines = out.splitlines()
    assert code == 0 and len(lines) == 3
    assert lines[1].split()[:3] == ["1", "dmarc", "example.org"] or "dmarc" in lines[2]
    assert "\x1b" not in out
    (one,) = json.loads(run("list", "Example.org", "--json")[1])
    assert (one["kind"], one["passed"], one["failed"], one["verified"]) == ("dmarc", 7, 0, True)
    (one,) = json.loads(run("list", "--kind", "tls", "--json")[1])
    assert (one["domain"], one["passed"], one["failed"]) == ("example.com", 4, 1)
    assert "No reports have come" in run("list", "nowhere.example")[1]


def test_list_sent(run: Run) -> None:
    _, out, _ = run("list", "--sent")
    assert "example.com" in out and "dmarc@example.com" in out and "0 to be made." in out
    told = json.loads(run("list", "--sent", "--json")[1])
    assert told["to_be_made"] == 0
    assert told["sent"][0]["outcome"] == "sent"
    assert json.loads(run("list", "--sent", "--kind", "tls", "--json")[1])["sent"] == []


def test_show(run: Run) -> None:
    _, out, _ = run("show", "1")
    assert "example.net (DMARC passed), about example.org" in out
    assert "p=reject sp=none" in out and "adkim=r aspf=s" in out
    assert "7  192.0.2.9  example.org  dkim=pass spf=fail  none" in out
    assert "DKIM pass: example.org s1" in out and "forwarded by a list" in out
    assert "\x1b" not in out
    _, out, _ = run("show", "2")
    assert "4 sessions with TLS, 1 that failed" in out
    assert "certificate-expired  mx.example.com" in out
    whole = json.loads(run("show", "1", "--json")[1])
    assert whole["report"]["rows"][0]["count"] == 7
    code, _, err = run("show", "99")
    assert code == 1 and "no report 99" in err


def test_send(run: Run) -> None:
    assert run("send", "--now", "--today") == (0, "0 reports given to the queue.\n", "")
    assert json.loads(run("send", "--json")[1]) == {"sent": 0}
    code, _, err = run("send", "--today")
    assert code == 1 and "--now" in err


def test_send_from_nowhere(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(file.read_text().replace("mx.example.org", "localhost"))
    code, _, err = run("send", "--now")
    assert code == 1 and "reports.contact" in err
