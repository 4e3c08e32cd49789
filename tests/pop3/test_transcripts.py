"""Every transcript of tests/transcripts/pop3, over loopback sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pillarbox.pop3.wire.requests import COMMANDS
from support.pop3_transcripts import FOLDER, Transcript, play

FILES = sorted(FOLDER.glob("*.pop3"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(path: Path, tmp_path: Path) -> None:
    asyncio.run(play(Transcript(path), tmp_path))


def test_every_command_has_a_transcript() -> None:
    said = {
        text.split(" ")[0].upper()
        for path in FILES
        for _, what, text in Transcript(path).steps
        if what.endswith("C:")
    }
    assert set(COMMANDS) <= said
