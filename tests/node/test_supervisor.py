"""The life of a whole server: signals, deaths, reloads. Real processes, real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pillarbox.testing import RunningServer, running_server
from pillarbox.testing.server import CouldNotStart
from support.server import wait_until

ALICE = {"alice@example.org": "alice-secret"}


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path, workers=2, accounts=ALICE) as running:
        yield running


def events(server: RunningServer, name: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    return [line for line in lines if line["event"] == name]


def wait_for_event(server: RunningServer, name: str, count: int = 1) -> list[dict[str, object]]:
    wait_until(lambda: len(events(server, name)) >= count, what=f"the event {name}")
    return events(server, name)


def send(server: RunningServer) -> None:
    with smtplib.SMTP(server.host, server.smtp, timeout=60) as client:
        client.sendmail("carol@example.net", "alice@example.org", "Subject: x\r\n\r\ny\r\n")


def test_it_serves_stops_and_finds_its_mail_again(server):
    send(server)
    assert server.stop() == 0
    assert not (server.data_dir / "run/node.json").exists()
    server.start()
    send(server)
    assert server.message_count("alice@example.org") == 2


def test_a_dead_worker_is_replaced_and_others_serve_on(server):
    supervisor, first, second = server.pids
    os.kill(first, signal.SIGKILL)
    send(server)  # whichever socket it lands on, it is answered
    wait_until(lambda: len(server.pids) == 3 and first not in server.pids, what="a new worker")
    assert second in server.pids
    assert server.pids[0] == supervisor
    for _ in range(6):
        send(server)


def test_workers_stop_when_the_supervisor_is_killed(server):
    workers = server.pids[1:]
    os.kill(server.pid, signal.SIGKILL)
    server._process.wait()
    wait_until(lambda: not any(map(alive, workers)), what="the end of the workers")
    server.start()
    send(server)


def refuses(port: int) -> bool:
    """Whether a connection is refused at once."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def alive(pid: int) -> bool:
    """Whether the process runs; an orphan that nobody buried counts as dead."""
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_sigterm_lets_a_transaction_end(server):
    client = smtplib.SMTP(server.host, server.smtp, timeout=60)
    client.ehlo()
    client.mail("carol@example.net")
    client.rcpt("alice@example.org")
    client.docmd("DATA")
    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: refuses(server.smtp), what="the end of listening")
    client.send("Subject: last\r\n\r\nwords\r\n.\r\n")
    assert client.getreply()[0] == 250
    client.close()
    assert server._process.wait(60) == 0
    assert server.message_count("alice@example.org") == 1


@pytest.mark.timed
def test_sigterm_does_not_wait_for_ever(tmp_path):
    with running_server(
        tmp_path, accounts=ALICE, settings={"server": {"drain_seconds": 0.5}}
    ) as server:
        client = smtplib.SMTP(server.host, server.smtp, timeout=60)
        client.ehlo()
        client.mail("carol@example.net")
        client.rcpt("alice@example.org")
        client.docmd("DATA")
        assert server.stop(seconds=5) == 0
        client.close()


def test_sighup_reads_certificates_again(server):
    before = server.certificate.read_bytes()
    server.certificate.unlink()
    from pillarbox.node.demonstration import make_certificate

    make_certificate(server.certificate.parent)
    assert server.certificate.read_bytes() != before
    pids = server.pids
    server.reload()
    wait_for_event(server, "node.certificates_read", count=2)
    assert server.pids == pids
    import ssl

    context = ssl.create_default_context(cafile=str(server.certificate))
    with smtplib.SMTP_SSL("localhost", server.submissions, timeout=60, context=context) as client:
        assert client.noop()[0] == 250


def test_sighup_with_a_broken_certificate_changes_nothing(server):
    server.certificate.write_text("no certificate")
    server.reload()
    refused = wait_for_event(server, "node.reload_refused")
    assert str(server.certificate) in refused[0]["why"]
    send(server)


def test_sighup_with_new_settings_brings_new_workers_and_keeps_connections(server):
    old = server.pids[1:]
    client = smtplib.SMTP(server.host, server.smtp, timeout=60)
    client.ehlo()
    server.change({"smtp": {"max_recipients": 123}})
    server.reload()
    wait_for_event(server, "node.reloaded")
    assert client.noop()[0] == 250, "the old worker still serves it"
    with smtplib.SMTP(server.host, server.smtp, timeout=60) as fresh:
        fresh.ehlo()
        assert "RCPTMAX=123" in fresh.esmtp_features["limits"]
    client.quit()
    wait_until(lambda: not set(old) & set(server.pids), what="the end of the old workers")


def test_sighup_with_refused_settings_changes_nothing(server):
    good = server.config.read_text()
    for text, word in (
        ("[smtp]\nfoo = 1", "'foo'"),
        (good.replace(str(server.key), "/nonexistent"), "/nonexistent"),
        (good.replace(str(server.data_dir), str(server.data_dir / "other")), "data_dir"),
        (good.replace("127.0.0.1:" + str(server.imap), "192.0.2.1:1"), "192.0.2.1"),
    ):
        pids, seen = server.pids, len(events(server, "node.reload_refused"))
        server.config.write_text(text)
        server.reload()
        refused = wait_for_event(server, "node.reload_refused", count=seen + 1)
        assert word in refused[-1]["why"]
        send(server)
        wait_until(lambda pids=pids: server.pids == pids, what="the old workers alone")
        server.config.write_text(good)


def test_a_listener_can_come_and_go(server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    gone = server.pop3
    text = server.config.read_text()
    server.config.write_text(text.replace(f"127.0.0.1:{gone}", f"127.0.0.1:{port}"))
    server.reload()
    wait_for_event(server, "node.reloaded")
    assert socket.create_connection(("127.0.0.1", port), timeout=60).recv(3) == b"+OK"

    wait_until(lambda: refuses(gone), what="the end of the old port")


def test_one_node_a_folder(server):
    other = RunningServer(server.folder / "other")
    other.config.write_text(
        other.config.read_text().replace(str(other.data_dir), str(server.data_dir))
    )
    with pytest.raises(CouldNotStart, match="runs already on the data folder"):
        other.start()
    send(server)


def test_a_server_that_cannot_start_says_why_and_ends(tmp_path):
    settings = {"tls": {"certificates": [{"certificate": "/nonexistent", "key": "/k"}]}}
    with (
        pytest.raises(CouldNotStart, match="/nonexistent"),
        running_server(tmp_path, accounts={}, settings=settings),
    ):
        pass


def test_health(server):
    def get(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{server.http}{path}", timeout=5
            ) as found:
                return found.status, found.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    send(server)
    assert get("/healthz") == (200, "ok\n")
    assert get("/readyz") == (200, "ready\n")
    assert get("/")[0] == 404
    status, text = get("/metrics")
    assert status == 200
    assert 'pillarbox_connections_total{listener="smtp"}' in text


def test_connection_limits_hold_and_are_counted(tmp_path):
    settings = {
        "limits": {"connections_per_address": 3, "unlimited_addresses": []},
        "server": {"maintain_seconds": 0.2},
    }
    with (
        running_server(tmp_path, accounts=ALICE, settings=settings) as server,
        contextlib.ExitStack() as held,
    ):

        def connect() -> bytes:
            made = held.enter_context(socket.create_connection((server.host, server.smtp)))
            made.settimeout(60)
            return made.recv(100)

        assert [connect()[:3] for _ in range(5)] == [b"220", b"220", b"220", b"421", b"421"]

        def shown(line: str) -> bool:
            address = f"http://127.0.0.1:{server.http}/metrics"
            with urllib.request.urlopen(address, timeout=60) as found:
                return line in found.read().decode().splitlines()

        for line in (
            "pillarbox_connections_refused_total 2.0",
            'pillarbox_connections_open{door="smtp"} 3.0',
            'pillarbox_queue_recipients{state="waiting"} 0.0',
        ):
            wait_until(lambda line=line: shown(line), what=line)


@pytest.mark.parametrize("listener", ["submissions", "imaps", "pop3s"])
def test_a_handshake_that_fails_leaves_nothing(tmp_path, listener):
    """Port scanners send anything; each attempt must be forgotten, and not delay the end."""
    with running_server(
        tmp_path, accounts=ALICE, settings={"server": {"drain_seconds": 20.0}}
    ) as server:
        for _ in range(3):
            with socket.create_connection((server.host, server.ports[listener])) as peer:
                peer.sendall(b"EHLO scanner.example\r\n" * 10)
                with contextlib.suppress(ConnectionError):
                    peer.recv(100)
        assert server.stop(seconds=10) == 0


def test_systemd_is_told(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        server = RunningServer(tmp_path / "server")
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "300000",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "pillarbox.cli", "serve", "--config", str(server.config)],
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        try:
            told = [systemd.recv(1000) for _ in range(3)]
            process.send_signal(signal.SIGHUP)
            while b"RELOADING=1" not in told[-1]:
                told.append(systemd.recv(1000))
            assert b"MONOTONIC_USEC=" in told[-1]
            while not told[-1].startswith(b"READY=1"):
                told.append(systemd.recv(1000))
            process.send_signal(signal.SIGTERM)
            while told[-1] != b"STOPPING=1":
                told.append(systemd.recv(1000))
        finally:
            process.terminate()
            assert process.wait(60) == 0
    assert told[0].startswith(b"READY=1")
    assert told[1] == b"WATCHDOG=1"


def test_sockets_of_systemd_are_served(tmp_path):
    """Number 3 is SMTP's socket; connections from before the start wait in it."""
    server = RunningServer(tmp_path, workers=2)
    with socket.create_server(("127.0.0.1", 0)) as passed:
        early = socket.create_connection(passed.getsockname(), timeout=60)
        inherited = os.dup(passed.fileno())
        as_systemd = (
            f"import os, sys; os.dup2({inherited}, 3); "
            "os.environ['LISTEN_PID'] = str(os.getpid()); "
            "os.execv(sys.executable, [sys.executable, '-m', 'pillarbox.cli', *sys.argv[1:]])"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", as_systemd, "serve", "--config", str(server.config)],
            env={**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "smtp"},
            pass_fds=[inherited],
        )
        os.close(inherited)
        try:
            with early:
                assert early.recv(3) == b"220"
        finally:
            process.terminate()
            assert process.wait(60) == 0


def test_a_unix_socket_outlives_its_workers(tmp_path):
    with running_server(tmp_path, workers=2, accounts=ALICE) as server:
        tcp = f"127.0.0.1:{server.lmtp}"
        server.config.write_text(server.config.read_text().replace(tcp, "unix:run/lmtp.sock"))
        server.reload()
        wait_for_event(server, "node.reloaded")
        path = str(server.data_dir / "run/lmtp.sock")
        for _ in range(2):
            with smtplib.LMTP(path) as client:
                client.sendmail("a@example.net", "alice@example.org", "Subject: x\r\n\r\ny\r\n")
            for pid in server.pids[1:]:
                os.kill(pid, signal.SIGKILL)
            old = set(server.pids[1:])
            wait_until(lambda old=old: len(set(server.pids[1:]) - old) == 2, what="new workers")
        assert server.message_count("alice@example.org") == 2
    assert not Path(path).exists()


@pytest.mark.timed
@pytest.mark.parametrize("after", [0.25, 0.4, 0.55, 0.7])
def test_sigterm_at_any_moment_of_the_start(tmp_path, after):
    server = RunningServer(tmp_path, workers=2)
    process = subprocess.Popen(
        [sys.executable, "-m", "pillarbox.cli", "serve", "--config", str(server.config)]
    )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(after)
    process.terminate()
    assert process.wait(8) in (0, -signal.SIGTERM), "neither an error nor a wait for the bound"
