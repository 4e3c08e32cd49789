"""Options that several commands share, and values as people write them."""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from pillarbox.errors import ConfigurationError, NotAllowed
from pillarbox.net.secret import Secret

CONFIG_ENV = "PILLARBOX_CONFIG"
SYSTEM_CONFIG = Path("/etc/pillarbox/pillarbox.toml")
MAX_PASSWORD_LINE = 4096  # octets read from standard input

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config`."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help=f"configuration file (else ${CONFIG_ENV}, ./pillarbox.toml or {SYSTEM_CONFIG})",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="answer in JSON, for programs")


def finish(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    """What every verb about the node's data ends with: `--config`, `--json`, what it runs."""
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def add_password(parser: argparse.ArgumentParser) -> None:
    """`--password-stdin` and `--generate-password`; otherwise it is asked for."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from the first line of standard input",
    )
    how.add_argument(
        "--generate-password", action="store_true", help="make a password and print it"
    )


def find_config(given: Path | None) -> Path:
    """The configuration file that is meant. Raises ConfigurationError when there is none."""
    if given is not None:
        return given
    named = os.environ.get(CONFIG_ENV)
    if named:
        return Path(named)
    for path in (Path("pillarbox.toml"), SYSTEM_CONFIG):
        if path.exists():
            return path
    raise ConfigurationError(
        f"There is no configuration: neither ./pillarbox.toml nor {SYSTEM_CONFIG} exists. "
        "'pillarbox setup DOMAIN' writes one; --config names another."
    )


def take_password(options: argparse.Namespace, login: str) -> tuple[Secret, bool]:
    """The new password of `login`, and whether it was made up here and must be shown."""
    if options.generate_password:
        return Secret(generate_password()), True
    if options.password_stdin:
        line = sys.stdin.buffer.readline(MAX_PASSWORD_LINE).rstrip(b"\r\n")
        if not line:
            raise NotAllowed("There was no password on standard input.")
        return Secret(line), False
    if not sys.stdin.isatty():
        raise NotAllowed(
            "There is no terminal to ask for a password. Use --password-stdin or "
            "--generate-password."
        )
    first = getpass.getpass(f"New password for {login}: ")
    if getpass.getpass("The same again: ") != first:
        raise NotAllowed("The two passwords differ; nothing was changed.")
    return Secret(first), False


def generate_password() -> str:
    """A password of some 77 bits that is easy to copy: no look-alikes, no signs."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "".join(secrets.choice(letters) for _ in range(16))


def parse_size(text: str) -> int:
    """Octets from "500M", "5G" or plain digits; "none" is 0, no limit."""
    word = text.strip().upper().removesuffix("IB").removesuffix("B")
    if word == "NONE":
        return 0
    factor = _UNITS.get(word[-1:], 1)
    digits = word[:-1] if factor > 1 else word
    try:
        octets = int(float(digits) * factor)
    except (ValueError, OverflowError):
        octets = -1
    if not 0 <= octets < 1 << 62:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 500M, 5G or none")
    return octets


def parse_count(text: str) -> int:
    """A number from 0; "none" is 0, no limit."""
    if text.lower() == "none":
        return 0
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0")
    return int(text)


def confirm(options: argparse.Namespace, question: str) -> None:
    """Ask before something that cannot be undone, unless `--yes` was given. Raises NotAllowed."""
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise NotAllowed(f"{question} Say so with --yes.")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise NotAllowed("Nothing was changed.")
