"""Every transcript in memory and over a socket; every verb and extension has one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pillarbox.smtp.server.registry import DIALECT, EXTENSIONS
from support.smtp_bench import MemoryPeer, SocketPeer, open_bench
from support.smtp_transcripts import FOLDER, Transcript, play

PATHS = sorted(FOLDER.glob("*.smtp"))


@pytest.mark.parametrize("way", ["memory", "socket"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_transcript(path: Path, way: str, tmp_path: Path) -> None:
    async def run() -> None:
        transcript = Transcript(path)
        async with open_bench(tmp_path, **transcript.settings) as bench:
            if way == "memory":
                memory = MemoryPeer(bench, transcript.role)
                await play(transcript, bench, memory)
                memory.close()
            else:
                peer = await SocketPeer.connect(bench, transcript.role)
                await play(transcript, bench, peer)
                peer.close()

    asyncio.run(run())


ALL_LINES = "\n".join(path.read_text() for path in PATHS)


@pytest.mark.parametrize("verb", sorted(DIALECT.verbs))
def test_every_verb_has_a_transcript(verb: bytes) -> None:
    assert f"\nC: {verb.decode()}" in ALL_LINES


@pytest.mark.parametrize("keyword", [one.keyword for one in EXTENSIONS])
def test_every_extension_has_a_transcript(keyword: str) -> None:
    if keyword == "STARTTLS":
        keyword = "STARTTLS is"  # needs real TLS: test_starttls.py
    assert keyword in ALL_LINES
