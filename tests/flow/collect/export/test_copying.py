"""Copying an account to a server that answers as a test tells it to."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.flow.collect.export.to_imap import Target, to_imap
from pillarbox.flow.collect.source import SourceFailure
from pillarbox.imap.client.connection import ImapCaller, ImapConnection
from pillarbox.net.secret import Secret
from pillarbox.sasl.client import Credentials
from support.fake_clock import FakeClock
from support.scripted_imap import HOST, PORT, ImapScript, network_of
from support.store_box import Box, letter


async def test_what_cannot_be_listed_there_is_not_sent_again(box: Box) -> None:
    await box.append(letter("Hello"))
    script = ImapScript(
        answers={
            "CAPABILITY": "* CAPABILITY IMAP4rev1 LITERAL+\r\n$ OK",
            "LIST": '* LIST () "/" INBOX\r\n$ OK',
            "SELECT": "* 1 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n* OK [UIDNEXT 2] x\r\n$ OK",
            "UID FETCH": "$ NO not now",
        }
    )
    clock = FakeClock()
    caller = ImapCaller(clock=clock, connector=network_of(script, clock).connector())

    async def copy() -> None:
        connection = await ImapConnection.open(caller, HOST, PORT)
        await connection.authenticate(Credentials("alice", Secret("secret")), in_the_clear=True)
        await to_imap(box.store, box.alice, Target(connection, HOST))

    task = asyncio.ensure_future(copy())
    for _ in range(2000):  # the store's thread has its own pace
        await clock.advance(0.05)
        await asyncio.sleep(0.002)
        if task.done():
            break
    with pytest.raises(SourceFailure, match="not now"):
        await task
    assert not any(command.startswith("APPEND") for command in script.seen)
