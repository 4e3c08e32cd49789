"""A transport for tests: what would leave this server is written into a folder.

Each message becomes `NUMBER-RECIPIENT.eml`, the octets as they would be sent, and beside it `.json`
with its envelope. A file stands under its name only when it is whole.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from pillarbox.flow.outbound.outcome import Job, Kind, Outcome
from pillarbox.smtp.client.transaction import MessageSource

_WRITTEN = "250 2.0.0 Written into the folder {}"


class DirectoryTransport:
    """Takes everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, job: Job, message: MessageSource) -> list[Outcome]:
        """Write one message; all of its recipients have it then."""
        name = f"{job.message.id}-{job.recipients[0].number}"
        await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f"{name}.part"
        await asyncio.to_thread(part.write_bytes, b"")
        async for piece in message.chunks():
            await asyncio.to_thread(_append, part, piece)
        envelope = self._folder / f"{name}.json"
        await asyncio.to_thread(envelope.write_bytes, _envelope(job))
        await asyncio.to_thread(part.rename, self._folder / f"{name}.eml")
        return [
            Outcome(
                queued=one.queued,
                number=one.number,
                kind=Kind.DELIVERED,
                reply=_WRITTEN.format(self._folder),
                status="2.0.0",
            )
            for one in job.recipients
        ]


def _envelope(job: Job) -> bytes:
    queued = job.message
    described = {
        "reverse_path": queued.reverse_path,
        "recipients": [one.forward_path for one in job.recipients],
        "journey": queued.journey,
        "body": queued.body,
        "smtputf8": queued.smtputf8,
        "requiretls": queued.requiretls,
    }
    return msgspec.json.format(msgspec.json.encode(described), indent=2) + b"\n"


def _append(path: Path, octets: bytes) -> None:
    with path.open("ab") as file:
        file.write(octets)
