"""Metrics are documented, and workers' numbers add up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pillarbox.telemetry import metrics

PAGE = (Path(__file__).parents[2] / "docs/guide/metrics.md").read_text()
ROWS = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `pillarbox_")}


@pytest.mark.parametrize("name", metrics.all_names())
def test_every_metric_is_documented(name):
    assert name in ROWS


def test_nothing_else_is_documented():
    assert set(metrics.all_names()) >= ROWS


def test_exposition_without_workers():
    assert b"pillarbox_store_commits_total" in metrics.exposition()


COUNT = """
from pillarbox.telemetry import metrics
metrics.DELIVERIES.labels("smtp").inc({})
metrics.CONNECTIONS_OPEN.labels("imap").set({})
"""
SHOW = "from pillarbox.telemetry import metrics; print(metrics.exposition().decode())"


def test_workers_add_up(tmp_path):
    def python(program: str) -> str:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    python(COUNT.format(3, 10))
    python(COUNT.format(4, 20))
    shown = python(SHOW)
    assert 'pillarbox_deliveries_total{by="smtp"} 7.0' in shown
    assert 'pillarbox_connections_open{door="imap"} 30.0' in shown
