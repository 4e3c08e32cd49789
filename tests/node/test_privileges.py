"""Root is given up whole, and the data folder belongs to whom it should."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pillarbox.errors import ConfigurationError
from pillarbox.node.privileges import Person, find_person, prepare_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")

DROP = """
import os, sys
from pathlib import Path
from pillarbox.node.privileges import become, become_owner_of, find_person
{how}
try:
    os.setuid(0)
    print("root again")
except PermissionError:
    print(os.getresuid(), os.getresgid(), 0 in os.getgroups())
"""


def drop(how: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", DROP.format(how=how)], capture_output=True, text=True, check=True
    ).stdout.strip()


@as_root
def test_becoming_somebody_is_for_ever():
    nobody = pwd.getpwnam("nobody")
    expected = f"{(nobody.pw_uid,) * 3} {(nobody.pw_gid,) * 3} False"
    assert drop("become(find_person('nobody'))") == expected


@as_root
def test_a_command_becomes_the_owner_of_the_data(tmp_path):
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp_path, nobody.pw_uid, nobody.pw_gid)
    assert drop(f"become_owner_of(Path({str(tmp_path)!r}))").startswith(f"({nobody.pw_uid},")


@as_root
def test_a_new_folder_belongs_to_the_user(open_folder):
    nobody = find_person("nobody")
    prepare_folder(open_folder / "new", nobody)
    status = (open_folder / "new").stat()
    assert status.st_uid == nobody.uid
    assert status.st_mode & 0o777 == 0o700


@as_root
def test_a_folder_under_a_closed_one_is_refused(tmp_path):
    tmp_path.chmod(0o700)
    with pytest.raises(ConfigurationError, match="closed to that user"):
        prepare_folder(tmp_path / "new", find_person("nobody"))


@pytest.fixture
def open_folder():
    """A folder that others may enter; pytest closes its own to them."""
    with tempfile.TemporaryDirectory(prefix="pillarbox-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@as_root
def test_a_folder_of_somebody_else_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="chown -R nobody"):
        prepare_folder(tmp_path, find_person("nobody"))


def test_unknown_names_say_so():
    with pytest.raises(ConfigurationError, match="useradd"):
        find_person("no-such-user-here")
    with pytest.raises(ConfigurationError, match="no group"):
        find_person("root", "no-such-group-here")


def test_no_name_changes_nothing(tmp_path):
    assert find_person("") is None
    prepare_folder(tmp_path / "mine", None)
    assert (tmp_path / "mine").stat().st_uid == os.geteuid()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        prepare_folder(tmp_path / "file" / "below", Person("x", 1, 1, ()))
