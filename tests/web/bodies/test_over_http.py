"""The three largest messages through a real server: time, memory, and that nothing is left over."""

from __future__ import annotations

import http.client
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from pillarbox.testing import running_server
from support.broken_mail import Broken, fixtures
from support.browser_cookie import session_cookie
from support.machine import wall_bound
from support.store_box import letter
from support.stored_mail import deliver_all

LOGIN = "alice@example.org"
LARGE = [case for case in fixtures() if case.is_large]
MOST_KIB = 256 * 1024


def processes(pid: int) -> list[int]:
    """A worker and those that it started."""
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            found += processes(int(child))
    return found


def resident_kib(pid: int, field: str = "VmRSS") -> int:
    """Memory of one."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def fetch(port: int, path: str, cookie: str) -> tuple[int, bytes, float]:
    """Status, body and seconds of an answer."""
    connection = http.client.HTTPConnection("localhost", port, timeout=60)
    begun = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": f"pillarbox={cookie}"})
    response = connection.getresponse()
    body = response.read()
    seconds = time.perf_counter() - begun
    connection.close()
    return response.status, body, seconds


@pytest.mark.timed
def test_large_messages_open_in_time_and_memory(
    tmp_path: Path, figures: Callable[[str], None]
) -> None:
    with running_server(tmp_path, workers=1, accounts={LOGIN: "nineteen-harbour-lamps"}) as server:
        first, *paths = deliver_all(server, LOGIN, [letter(), *(case.octets for case in LARGE)])
        cookie = session_cookie(server, LOGIN)
        assert fetch(server.web, f"{first}/body", cookie)[0] == 200  # a process has started
        _, worker = server.pids
        before = sum(resident_kib(pid) for pid in processes(worker))
        for case, path in zip(LARGE, paths, strict=True):
            check_opening(server.web, case, path, cookie, figures)
        # The most that each has ever had: worse than what all had at any one moment.
        grown = sum(resident_kib(pid, "VmHWM") for pid in processes(worker)) - before
        figures(f"opening the large messages: {grown // 1024} MiB more in all processes together")
        assert grown <= MOST_KIB
        left = processes(worker)
        assert len(left) > 1
        server.stop()
        assert not [pid for pid in left if Path(f"/proc/{pid}").exists()]


def check_opening(
    port: int, case: Broken, path: str, cookie: str, figures: Callable[[str], None]
) -> None:
    status, body, seconds = fetch(port, f"{path}/body?v=1", cookie)
    figures(f"{case.name}: opens in {seconds:.2f} s")
    assert status == 200 and case.word.encode() in body
    assert seconds < wall_bound(2)
    assert fetch(port, f"{path}/text", cookie)[0] == 200
    status, source, _ = fetch(port, f"{path}/source", cookie)
    assert status == 200 and len(source) <= 1 << 20
    status, source, _ = fetch(port, f"{path}/source?download=1", cookie)
    assert status == 200 and source == case.octets
    status, archive, _ = fetch(port, f"{path}/attachments.zip", cookie)
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        assert status == 200 and opened.testzip() is None
