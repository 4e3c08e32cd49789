"""Moving in from Dovecot: `pillarbox import imap`, mbsync and imapsync bring the same account over.

The source is one Dovecot for all. Each mover has a target of its own that was empty before, and a
row counts only if the target holds as many messages as the source then.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import process_tree
from benchmarks.contenders import ARGON2_MEMORY_KIB, ARGON2_PASSES, Contender, login_of
from benchmarks.messages import MessageMaker
from benchmarks.workloads.filling import signed_in
from pillarbox.testing import RunningServer, running_server
from support.certificate import write_certificate
from support.reference_dovecot import DovecotSettings, add_user, missing_dovecot, running_dovecot
from support.server import HOST, PASSWORD, Ports, free_ports

MESSAGES, SIZE, FOLDERS = 20_000, 8192, 10
TO_MAILDIR = "mbsync to Maildir"  # the only one that needs no server
_PATIENCE = 3600  # seconds for one mover
_AT_ONCE = 100  # messages in one MULTIAPPEND
_QUIET_SECONDS, _QUIET_SHARE = 3.0, 0.1

_MBSYNC = """
CopyArrivalDate yes

IMAPStore far
Host {host}
Port {source}
User {login}
Pass {password}
SSLType None
AuthMechs LOGIN

{near}

Channel all
Far :far:
Near :near:
Patterns INBOX Folder*
Create Near
Sync Pull
SyncState {folder}/state/
"""
_NEAR_IMAP = """IMAPStore near
Host {host}
Port {target}
User {login}
Pass {password}
SSLType None
AuthMechs LOGIN"""
_NEAR_MAILDIR = """MaildirStore near
Path {folder}/boxes/
Inbox {folder}/inbox
SubFolders Verbatim"""


@dataclass(slots=True)
class Moved:
    """What one mover took."""

    name: str
    messages: int
    seconds: float = 0.0
    mover_cpu: float = 0.0
    target_cpu: float = 0.0
    later_cpu: float = 0.0  # of the target, until it was quiet: Pillarbox indexes behind
    source_cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu(self) -> float:
        """Seconds for 1000 messages: mover and target, what came later included."""
        return (self.mover_cpu + self.target_cpu + self.later_cpu) / self.messages * 1000


@dataclass(frozen=True, slots=True)
class _Source:
    port: int
    pid: int
    login: str
    messages: int


@dataclass(slots=True)
class _Round:
    """Where one mover works."""

    source: _Source
    folder: Path
    server: RunningServer | None = None  # None: the target is a folder

    def fill_in(self, text: str) -> str:
        """A configuration with the places of this round."""
        return text.format(
            host=HOST,
            source=self.source.port,
            target=self.server.imap if self.server else 0,
            login=self.source.login,
            password=PASSWORD,
            folder=self.folder,
        )


def show(scale: float = 1.0, runs: int = 1, workers: int = 1) -> None:
    """Run every mover that is here in turn, `runs` times, and print the best of each."""
    if why := missing_dovecot():
        print(f"import is left out: {why}")
        return
    best: dict[str, Moved] = {}
    with _filled_dovecot(max(FOLDERS, int(MESSAGES * scale))) as source:
        for _ in range(runs):
            for name, move in _movers().items():
                moved = _measured(name, move, source, workers)
                if name not in best or moved.rate > best[name].rate:
                    best[name] = moved
    print(*_table(list(best.values())), sep="\n", flush=True)
    if shutil.which("imapsync") is None:
        print("imapsync is left out: it is not on PATH, and Debian 12 has no package of it")


def _movers() -> dict[str, Callable[[_Round], None]]:
    movers: dict[str, Callable[[_Round], None]] = {"pillarbox import": _pillarbox}
    if shutil.which("mbsync") is not None:
        movers["mbsync to Pillarbox"] = partial(_mbsync, near=_NEAR_IMAP)
        movers[TO_MAILDIR] = partial(_mbsync, near=_NEAR_MAILDIR)
    if shutil.which("imapsync") is not None:
        movers["imapsync"] = _imapsync
    return movers


@contextlib.contextmanager
def _filled_dovecot(count: int) -> Iterator[_Source]:
    imap, imaps, pop3, pop3s, lmtp = free_ports(5)
    login = login_of(0)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        add_user(folder / "dovecot", login, "{PLAIN}" + PASSWORD)
        settings = DovecotSettings(imap, imaps, pop3, pop3s, lmtp, fsync="never")
        certificate = write_certificate(folder)
        with running_dovecot(folder / "dovecot", settings, certificate) as dovecot:
            ports = Ports(0, 0, 0, imap, imaps, pop3, pop3s, lmtp)
            contender = Contender("source", ports, (dovecot.process.pid,), lambda _: None)
            asyncio.run(_fill(contender, count))
            yield _Source(imap, dovecot.process.pid, login, count)


async def _fill(contender: Contender, count: int) -> None:
    maker = MessageMaker(SIZE)
    peer = await signed_in(contender, 0)
    for number in range(FOLDERS):
        name = b"INBOX" if number == 0 else b"Folder%d" % number
        if number:
            await peer.command(b"CREATE " + name)
        left = count * (number + 1) // FOLDERS - count * number // FOLDERS
        while left:
            several = [next(maker) for _ in range(min(left, _AT_ONCE))]
            await peer.append(name, several)
            left -= len(several)
    peer.close()


def _measured(name: str, move: Callable[[_Round], None], source: _Source, workers: int) -> Moved:
    with tempfile.TemporaryDirectory(prefix="bench-") as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        server = None
        if name != TO_MAILDIR:
            auth = {"argon2_passes": ARGON2_PASSES, "argon2_memory_kib": ARGON2_MEMORY_KIB}
            server = stack.enter_context(
                running_server(
                    folder / "pillarbox",
                    workers=workers,
                    accounts={source.login: PASSWORD},
                    settings={"auth": auth},
                )
            )
        round_ = _Round(source, folder, server)
        moved = Moved(name, source.messages)
        target = (server.pid,) if server else ()
        before = _children_cpu(), _cpu(target), _cpu((source.pid,))
        began = time.perf_counter()
        move(round_)
        moved.seconds = time.perf_counter() - began
        moved.mover_cpu = _children_cpu() - before[0]
        moved.target_cpu = _cpu(target) - before[1]
        moved.source_cpu = _cpu((source.pid,)) - before[2]
        _check(round_)
        if server:
            moved.later_cpu = _until_quiet(target)
    return moved


def _pillarbox(round_: _Round) -> None:
    assert round_.server is not None
    words = ["import", "imap", round_.source.login, "--host", HOST, "--port"]
    words += [str(round_.source.port), "--tls", "none", "--login", round_.source.login]
    words += ["--password-stdin", "--allow-private", "--quiet"]
    words += ["--config", str(round_.server.config)]
    _run(round_, [sys.executable, "-m", "pillarbox.cli", *words], stdin=PASSWORD + "\n")


def _mbsync(round_: _Round, near: str) -> None:
    (round_.folder / "state").mkdir()
    (round_.folder / "boxes").mkdir()
    for part in ("cur", "new", "tmp"):
        (round_.folder / "inbox" / part).mkdir(parents=True)
    config = round_.folder / "mbsyncrc"
    config.write_text(round_.fill_in(_MBSYNC.replace("{near}", near)))
    _run(round_, ["mbsync", "-q", "-c", str(config), "all"])


def _imapsync(round_: _Round) -> None:
    secret = round_.folder / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    command = ["imapsync", "--nolog", "--noreleasecheck", "--nossl1", "--nossl2"]
    assert round_.server is not None
    for number, port in ((1, round_.source.port), (2, round_.server.imap)):
        command += [f"--host{number}", HOST, f"--port{number}", str(port), f"--notls{number}"]
        command += [f"--user{number}", round_.source.login, f"--passfile{number}", str(secret)]
    _run(round_, command)


def _run(round_: _Round, command: list[str], stdin: str = "") -> None:
    done = subprocess.run(
        command,
        input=stdin,
        cwd=round_.folder,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-2000:]
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{said}")


def _check(round_: _Round) -> None:
    """The target must hold what the source does."""
    if round_.server is None:
        places = [round_.folder / "inbox", *(round_.folder / "boxes").iterdir()]
        held = sum(len(list(place.glob("[cn][ue][rw]/*"))) for place in places)
    else:
        held = 0
        with imaplib.IMAP4(HOST, round_.server.imap) as client:
            client.login(round_.source.login, PASSWORD)
            for number in range(FOLDERS):
                _, found = client.status(f"Folder{number}" if number else "INBOX", "(MESSAGES)")
                held += int((found[0] or b"").split(b"MESSAGES ")[1].rstrip(b")"))
    if held != round_.source.messages:
        raise RuntimeError(f"{held} of {round_.source.messages} messages came over")


def _until_quiet(roots: tuple[int, ...]) -> float:
    """CPU that the target uses behind the stretch; two minutes at most."""
    before = last = _cpu(roots)
    began = busy = time.monotonic()
    while busy - began < 120 and time.monotonic() - busy < _QUIET_SECONDS:
        time.sleep(0.5)
        now = _cpu(roots)
        if now - last >= _QUIET_SHARE * 0.5:
            last, busy = now, time.monotonic()
    return last - before


def _cpu(roots: tuple[int, ...]) -> float:
    return process_tree.cpu_seconds(roots) if roots else 0.0


def _children_cpu() -> float:
    """Of movers that have ended, with all that they started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_HEAD = (
    f"{'import':<22}{'messages':>9}{'rate/s':>9}{'CPU s/1000':>12}{'mover':>8}{'target':>8}"
    f"{'later':>8}{'source':>8}{'rate ×':>9}{'CPU ×':>8}"
)


def _table(rows: list[Moved]) -> list[str]:
    """CPU in seconds for 1000 messages; the ratios are the first row's against that mover."""
    lines = [_HEAD, "-" * len(_HEAD)]
    own = rows[0]
    for row in rows:
        parts = (row.mover_cpu, row.target_cpu, row.later_cpu, row.source_cpu)
        ratios = "" if row is own else f"{own.rate / row.rate:>9.2f}{own.cpu / row.cpu:>8.2f}"
        lines.append(
            f"{row.name:<22}{row.messages:>9}{row.rate:>9.1f}{row.cpu:>12.3f}"
            + "".join(f"{part / row.messages * 1000:>8.3f}" for part in parts)
            + ratios
        )
    return lines
