"""Becoming an ordinary user, for good, before data or peers are touched."""

from __future__ import annotations

import grp
import os
import pwd
import resource
from pathlib import Path

import msgspec

import pillarbox
from pillarbox.errors import ConfigurationError

WISHED_FILES = 65_536  # open files: connections, segments, database


class Person(msgspec.Struct, frozen=True):
    """The user and groups that a process becomes."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


def find_person(user: str, group: str = "") -> Person | None:
    """Who `server.user` names; None when it is empty. Raises ConfigurationError."""
    if not user:
        return None
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise ConfigurationError(
            f"server.user: there is no user {user!r} on this computer. Make it with "
            f"'useradd --system --home-dir /var/lib/pillarbox {user}'."
        ) from None
    try:
        gid = grp.getgrnam(group).gr_gid if group else entry.pw_gid
    except KeyError:
        raise ConfigurationError(f"server.group: there is no group {group!r}.") from None
    return Person(user, entry.pw_uid, gid, tuple(os.getgrouplist(user, gid)))


def check_reach(person: Person | None) -> None:
    """Whether the user will be able to read the program itself, which imports as it goes.

    Raises ConfigurationError: an installation under /root would break at some later moment.
    """
    if person is None or os.geteuid() != 0:
        return
    for path in (os.__file__, pillarbox.__file__):
        if not _may(person, path, os.R_OK):
            raise ConfigurationError(
                f"The user {person.name} cannot read {path}. Install Python and Pillarbox where "
                "that user can read them, for example under /opt."
            )


def _may(person: Person, path: str | Path, what: int) -> bool:
    """os.access for somebody else."""
    group = os.getegid()
    os.setegid(person.gid)
    os.seteuid(person.uid)
    try:
        return os.access(path, what, effective_ids=True)
    finally:
        os.seteuid(0)
        os.setegid(group)


def become(person: Person | None) -> None:
    """Give up root for ever. Does nothing when we are not root, or are that user already."""
    if person is None or os.geteuid() != 0 or person.uid == 0:
        return
    os.setgroups(list(person.groups))
    os.setresgid(person.gid, person.gid, person.gid)
    os.setresuid(person.uid, person.uid, person.uid)
    if os.getresuid() != (person.uid,) * 3 or os.getresgid() != (person.gid,) * 3:
        raise RuntimeError("the change of user did not take place")


def become_owner_of(folder: Path) -> None:
    """As root, become the owner of the data folder.

    A command run by root would otherwise leave files that the server cannot write.
    """
    if os.geteuid() != 0 or not folder.exists():
        return
    status = folder.stat()
    if status.st_uid == 0:
        return
    try:
        name = pwd.getpwuid(status.st_uid).pw_name
        groups = tuple(os.getgrouplist(name, status.st_gid))
    except KeyError:
        name, groups = str(status.st_uid), (status.st_gid,)
    become(Person(name, status.st_uid, status.st_gid, groups))


def prepare_folder(folder: Path, person: Person | None) -> None:
    """Make a folder for the server alone, owned by whom the workers become."""
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if person is not None and os.geteuid() == 0:
            for one in missing[:1]:
                os.chown(one, person.uid, person.gid)
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {folder} cannot be made: {error.strerror}."
        ) from None
    if person is None or os.geteuid() != 0:
        return
    if folder.stat().st_uid != person.uid:
        raise ConfigurationError(
            f"The data folder {folder} does not belong to {person.name}. "
            f"Run 'chown -R {person.name} {folder}'."
        )
    if not _may(person, folder, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"The user {person.name} cannot reach the data folder {folder}: a folder above it is "
            "closed to that user."
        )


def raise_file_limit() -> None:
    """Let the process open as many files as it may; each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wished = hard if hard != resource.RLIM_INFINITY else WISHED_FILES
    if os.geteuid() == 0 and hard != resource.RLIM_INFINITY:
        wished = max(hard, WISHED_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wished:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wished, max(wished, hard)))
    except (ValueError, OSError):  # a container may forbid what root could do elsewhere
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
