"""`pillarbox import` and `pillarbox collect` as a person runs them, to be killed and run again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from support.programs import Finished, run
from support.server import HOST, MailServer

KILLED = -signal.SIGKILL
# Of `collect`: not the patience that others' servers deserve, so that cuts and kills cost no waits.
IMPATIENT: dict[str, object] = {"lease_seconds": 3, "imap_timeouts": {"redial_seconds": 0.1}}
_MOST_TRIES = 60


class Collector:
    """The command line beside a running server."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self.config = server.folder / "pillarbox.toml"
        self.ends: list[int] = []  # exit codes of `until_done`
        self._running: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> list[str]:
        """As it is started."""
        return [sys.executable, "-m", "pillarbox.cli", *words, "--config", str(self.config)]

    def __call__(
        self,
        *words: str,
        password: str = "",
        codes: Sequence[int] | None = (0,),
        seconds: float = 120,
    ) -> Finished:
        """Run to the end; the password goes to standard input."""
        given = f"{password}\n".encode() if password else b""
        return run(self.command(*words), octets=given, seconds=seconds, codes=codes, env=_own())

    def kill(self) -> None:
        """SIGKILL what `until_done` runs now; called from the thread of a proxy."""
        process = self._running
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def until_done(self, *words: str, password: str = "", seconds: float = 600) -> str:
        """Run the same command again and again until it ends well; what it said in the end."""
        end = time.monotonic() + seconds
        while True:
            left = max(end - time.monotonic(), 1)
            code, said = self.once(*words, password=password, seconds=left)
            if code == 0:
                return said
            assert code in (KILLED, 1), f"ended with {code}: {said}"
            assert time.monotonic() < end, f"not done in {seconds} s; it said: {said}"
            assert len(self.ends) < _MOST_TRIES, f"{self.ends}: {said}"
            time.sleep(0.5)

    def once(self, *words: str, password: str = "", seconds: float = 600) -> tuple[int, str]:
        """Run it; how it ended, and what it said. `kill` may end it."""
        self._running = process = subprocess.Popen(
            self.command(*words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **_own()},
        )
        given = f"{password}\n".encode() if password else b""
        try:
            output, _ = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            output, _ = process.communicate()
            output += b"\nkilled: it took too long"
        finally:
            self._running = None
        self.ends.append(process.returncode)
        return process.returncode, output.decode(errors="replace")


def place(port: int, login: str) -> list[str]:
    """Words that say where a source is, but for `--host` and its kin."""
    words = ["--port", str(port), "--tls", "none", "--login", login]
    return [*words, "--password-stdin", "--allow-private"]


def import_imap(account: str, port: int, login: str, *more: str) -> list[str]:
    """`pillarbox import imap …`."""
    return ["import", "imap", account, "--host", HOST, *place(port, login), *more]


def _own() -> dict[str, str]:
    """What our commands need of the environment."""
    kept = ("PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
    return {name: os.environ[name] for name in kept if name in os.environ}
