"""Every transcript of tests/transcripts/imap, over loopback sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pillarbox.imap.server.registry import COMMANDS
from support.imap_transcripts import FOLDER, Transcript, play

FILES = sorted(FOLDER.glob("*.imap"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(path: Path, tmp_path: Path) -> None:
    asyncio.run(play(Transcript(path), tmp_path))


def test_every_command_has_a_transcript() -> None:
    said = set()
    for path in FILES:
        for _, what, text in Transcript(path).steps:
            if what.endswith("C:"):
                words = text.upper().split(" ")[1:3]
                said.update((" ".join(words[:1]), " ".join(words)))
    assert set(COMMANDS) <= said
