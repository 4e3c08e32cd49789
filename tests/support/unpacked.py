"""Debian packages that were unpacked and never installed, running where only they can be seen.

Their programs look for one another, their settings and their users at fixed places. They get those
in a mount namespace of their own: the packages laid over /usr, a copy of /etc that may be written,
an empty /run. A process namespace ends everything with its first process. That needs root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.server import wait_for_port

FOLDER = Path("/var/cache/pillarbox-tests")  # requirements/unpack-debian.sh puts them there

_LAY_OVER = """
set -e
mount -t overlay overlay -o "lowerdir=$2:/usr" /usr
mkdir -p "$1/etc" "$1/etc.work"
mount -t overlay overlay -o "lowerdir=$3:/etc,upperdir=$1/etc,workdir=$1/etc.work" /etc
mount -t tmpfs tmpfs /run
"""


def missing(packages: Sequence[str]) -> str | None:
    """Why they can't run here, or None."""
    if absent := [name for name in packages if not (FOLDER / name / "usr").is_dir()]:
        return f"not unpacked (requirements/debian-unpacked.txt): {' '.join(absent)}"
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "unpacked servers need root"
    trial = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", _TRIAL]
    done = subprocess.run(
        [*trial, "sh", str(FOLDER / packages[0])], capture_output=True, check=False
    )
    return None if done.returncode == 0 else "unpacked servers need namespaces and overlay mounts"


_TRIAL = 'mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr'


@contextlib.contextmanager
def running_unpacked(
    folder: Path, packages: Sequence[str], script: str, ports: Sequence[int]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a shell script with the packages in place until the block ends.

    It may write /etc and /run, gets the folder as `$1`, and must stay in the foreground.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    over_usr = ":".join(str(FOLDER / name / "usr") for name in packages)
    over_etc = ":".join(
        str(FOLDER / name / "etc") for name in packages if (FOLDER / name / "etc").is_dir()
    )
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"]
    with (folder / "console.log").open("ab") as console:
        process = subprocess.Popen(
            [*namespaces, "sh", "-c", _LAY_OVER + script, "sh", str(folder), over_usr, over_etc],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
    try:
        for port in ports:
            wait_for_port(port)
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the first process of the namespace; the kernel ends the others with it.

    `unshare --kill-child` would, but a process that changes its user (Cyrus) loses that signal.
    """
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with contextlib.suppress(OSError):
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    process.kill()
    process.wait()
