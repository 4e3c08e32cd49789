"""Waiting until the open mailbox may have changed: IDLE (RFC 2177 §3), NOOP where there is none."""

from __future__ import annotations

import math

from pillarbox.clock import Clock
from pillarbox.imap.client.dialogue import Dialogue
from pillarbox.imap.client.failure import refusal
from pillarbox.imap.client.responses import Fetched
from pillarbox.imap.client.selected import Selected


async def idle(dialogue: Dialogue, clock: Clock, selected: Selected, seconds: float) -> bool:
    """Whether something changed within `seconds`. Raises ImapFailure."""
    until = clock.monotonic() + seconds
    known = dialogue.idles and not dialogue.capabilities.isdisjoint(("IDLE", "IMAP4REV2"))
    timeouts = dialogue.timeouts
    while not selected.touched:
        left = until - clock.monotonic()
        if left <= 0:
            return False
        if known:
            known = await _idle_once(dialogue, clock, selected, min(left, timeouts.idle_seconds))
            continue
        if await _heard(dialogue, clock, selected, min(left, timeouts.poll_seconds)):
            break
        await noop(dialogue, selected)
    return True


async def noop(dialogue: Dialogue, selected: Selected | None) -> None:
    """NOOP, so that the server may tell what it has to tell."""

    def take(response: object) -> None:
        if isinstance(response, Fetched):
            response.discard()
            if selected is not None:
                selected.touched = True

    await dialogue.run("noop", b"NOOP", take=take)


async def _idle_once(dialogue: Dialogue, clock: Clock, selected: Selected, seconds: float) -> bool:
    """False: the server does not want to, whatever it offers."""
    timeouts = dialogue.timeouts
    dialogue.abandon()
    tag = dialogue.start("idle", b"IDLE")
    refused = await dialogue.go_ahead(tag, "idle", timeouts.command_seconds)
    if refused is not None:
        dialogue.idles = False
        return False
    try:
        await _heard(dialogue, clock, selected, seconds)
    finally:
        dialogue.link.write(b"DONE\r\n")
    ended = await dialogue.end(tag, "idle", timeouts.command_seconds)
    if ended.kind != "OK":
        raise refusal("idle", ended)
    return True


async def _heard(dialogue: Dialogue, clock: Clock, selected: Selected, seconds: float) -> bool:
    """Whether it was told of a change before the time was over."""
    until = clock.monotonic() + (seconds if seconds < math.inf else 0)
    while True:
        while (response := dialogue.take("idle")) is not None:
            if isinstance(response, Fetched):
                response.discard()
                selected.touched = True
        left = until - clock.monotonic()
        if selected.touched or left <= 0:
            return selected.touched
        await dialogue.link.heard(left)
        if dialogue.link.failure is not None and not len(dialogue.reader):
            raise dialogue.link.failure
