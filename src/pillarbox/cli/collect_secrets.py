"""Passwords of other places: asked for, or read where only we can read; never an argument."""

from __future__ import annotations

import argparse
import getpass
import os
import stat
import sys
from pathlib import Path

from pillarbox.cli.interrupting import asking
from pillarbox.cli.options import MAX_PASSWORD_LINE
from pillarbox.errors import NotAllowed
from pillarbox.net.secret import Secret

_OTHERS = stat.S_IRGRP | stat.S_IROTH


def read_ahead(options: argparse.Namespace) -> None:
    """Read the files of secrets as whoever gave the command: root becomes the server's user soon.

    Raises NotAllowed.
    """
    for name, what in (("password_file", "password"), ("client_secret_file", "client secret")):
        path = getattr(options, name, "")
        if isinstance(path, str) and path:
            setattr(options, name, read_secret(Path(path), what))


def take_secret(options: argparse.Namespace, who: str) -> Secret:
    """The password of `who` there; `read_ahead` has read its file. Raises NotAllowed."""
    if options.password_stdin:
        line = sys.stdin.buffer.readline(MAX_PASSWORD_LINE).rstrip(b"\r\n")
        if not line:
            raise NotAllowed("There was no password on standard input.")
        return Secret(line)
    if options.password_file:
        assert isinstance(options.password_file, Secret)
        return options.password_file
    if not sys.stdin.isatty():
        raise NotAllowed(
            "There is no terminal to ask for a password. Use --password-stdin or --password-file."
        )
    with asking():
        given = getpass.getpass(f"Password of {who}: ")
    if not given:
        raise NotAllowed("No password was given; nothing was done.")
    return Secret(given)


def read_secret(path: Path, what: str) -> Secret:
    """The first line of a file that nobody else may read. Raises NotAllowed."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & _OTHERS:
                raise NotAllowed(
                    f"Others can read {path}, and it holds a {what}. Close it first: "
                    f"chmod 600 {path}"
                )
            line = file.readline(MAX_PASSWORD_LINE).rstrip(b"\r\n")
    except OSError as error:
        raise NotAllowed(f"{path} cannot be read: {error.strerror}.") from None
    if not line:
        raise NotAllowed(f"The first line of {path} is empty: there is no {what}.")
    return Secret(line)
