"""A Maildir on disk as the programs under test leave it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def make_maildir(path: Path) -> Path:
    """Make the three folders of an empty Maildir."""
    for name in ("cur", "new", "tmp"):
        (path / name).mkdir(parents=True, exist_ok=True)
    return path


def put(maildir: Path, messages: Iterable[bytes], prefix: str = "local") -> None:
    """Add messages as unread; line ends become those of files."""
    for number, message in enumerate(messages):
        name = f"1700000000.{prefix}{number}.example"
        (maildir / "new" / name).write_bytes(message.replace(b"\r\n", b"\n"))


def files(maildir: Path) -> list[Path]:
    """Every message file, read and unread, in the order of their names."""
    found = [*(maildir / "cur").iterdir(), *(maildir / "new").iterdir()]
    return sorted(found, key=lambda path: path.name)


def messages(maildir: Path) -> list[bytes]:
    """The octets of every message with the line ends of mail."""
    return [path.read_bytes().replace(b"\n", b"\r\n") for path in files(maildir)]


def maildir_flags(path: Path) -> set[str]:
    """The letters behind `:2,`."""
    return set(path.name.partition(":2,")[2])
