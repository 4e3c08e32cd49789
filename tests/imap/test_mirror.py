"""The test client's picture: a VANISHED UID that it never asked for stands where UIDs ascend."""

from __future__ import annotations

import pytest

from support.imap_client import Untagged
from support.imap_mirror import Mirror, WrongPicture


def told(mirror: Mirror, *responses: list[object]) -> None:
    mirror.apply([Untagged(b"", values) for values in responses])


def fetch(number: int, uid: int) -> list[object]:
    return [str(number).encode(), b"FETCH", [b"UID", str(uid).encode(), b"FLAGS", []]]


@pytest.mark.parametrize(
    ("gone", "left"), [("9", [8, None, 11, None]), ("14", [8, None, None, 11])]
)
def test_a_nameless_message_vanishes_from_its_own_place(gone: str, left: list[int | None]) -> None:
    mirror = Mirror()
    told(mirror, [b"5", b"EXISTS"], fetch(1, 8), fetch(4, 11))
    told(mirror, [b"VANISHED", gone.encode()])
    assert mirror.uids == left


def test_what_was_never_announced() -> None:
    mirror = Mirror()
    told(mirror, [b"2", b"EXISTS"], fetch(1, 8), fetch(2, 11))
    with pytest.raises(WrongPicture):
        told(mirror, [b"VANISHED", b"9"])
