"""What passes between systemd and us."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from pillarbox.node.systemd import Notifier, passed_sockets


def test_states_are_told_and_workers_inherit_no_address(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
        notifier = Notifier(environment)
        notifier.tell("READY=1", "STATUS=fine")
        assert systemd.recv(100) == b"READY=1\nSTATUS=fine"
    assert environment == {}
    assert notifier.watchdog_seconds == 3.0
    notifier.tell("STOPPING=1")  # nobody listens any more: no error


def test_an_abstract_address():
    name = f"pillarbox-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + name)
        Notifier({"NOTIFY_SOCKET": "@" + name}).tell("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_without_systemd_nothing_happens():
    notifier = Notifier({})
    notifier.tell("READY=1")
    assert notifier.watchdog_seconds == 0
    assert passed_sockets({}) == {}


def test_a_watchdog_of_another_process_is_not_ours():
    assert Notifier({"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}).watchdog_seconds == 0


def test_sockets_for_another_process_are_not_ours():
    assert passed_sockets({"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "imap"}) == {}


RECEIVE = """
import os
from pillarbox.node.systemd import passed_sockets
os.environ["LISTEN_PID"] = str(os.getpid())
found = passed_sockets(os.environ)
print(sorted((name, len(several)) for name, several in found.items()))
print("LISTEN_FDS" in os.environ)
"""


def test_sockets_arrive_by_name():
    """Three descriptors from number 3 on, two of them of one name."""
    several = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    numbers = [one.fileno() for one in several]

    def place() -> None:
        held = [os.dup(number) for number in numbers]
        high = [os.dup2(number, 50 + index) for index, number in enumerate(held)]
        for index, number in enumerate(high):
            os.dup2(number, 3 + index, inheritable=True)

    environment = {**os.environ, "LISTEN_FDS": "3", "LISTEN_FDNAMES": "imap:imap:smtp"}
    shown = subprocess.run(
        [sys.executable, "-c", RECEIVE],
        env=environment,
        preexec_fn=place,
        close_fds=False,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.strip() == "[('imap', 2), ('smtp', 1)]\nFalse"
