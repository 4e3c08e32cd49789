"""EmailSubmission/set: messages sent, held, taken back; what became of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.submission_bench import FAR, SendingBox, comes


@pytest.fixture
def box(tmp_path: Path) -> SendingBox:
    """Alice, who sends; bob, who is here too."""
    return SendingBox(tmp_path)


async def test_a_message_to_somebody_here_is_there_at_once(box: SendingBox) -> None:
    async with box:
        email = await box.draft(bcc=[{"name": None, "email": "alice@example.org"}])
        made = await box.sent(email)
        assert made["undoStatus"] == "final"
        assert made["envelope"] == {
            "mailFrom": {"email": "alice@example.org", "parameters": None},
            "rcptTo": [
                {"email": "bob@example.org", "parameters": None},
                {"email": "alice@example.org", "parameters": None},
            ],
        }
        assert made["sendAt"] == f"{box.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        (text,) = await box.texts(box.bob.id)
        assert text.startswith(b"Return-Path: <alice@example.org>\r\nDelivered-To: bob@")
        assert b"Received: by mail.example.org with HTTP id " in text
        assert b"Bcc" not in text
        there = await box.submission(made["id"])
        assert there == made | {"identityId": box.identity, "emailId": email}
        assert there["deliveryStatus"]["bob@example.org"] == {
            "smtpReply": "250 2.0.0 Delivered",
            "delivered": "yes",
            "displayed": "unknown",
        }


async def test_a_message_that_waits_is_with_nobody(box: SendingBox) -> None:
    async with box:
        envelope = {
            "mailFrom": {"email": "alice@example.org", "parameters": {"holdfor": "20"}},
            "rcptTo": [{"email": "bob@example.org"}, {"email": FAR}],
        }
        made = await box.sent(await box.draft(), envelope=envelope)
        assert made["undoStatus"] == "pending"
        assert await box.texts(box.bob.id) == []
        await box.clock.advance(21)
        await box.work_off(comes(box, made["id"], "final", bob="yes", carol="unknown"))
        assert len(await box.texts(box.bob.id)) == 1
        told = (await box.submission(made["id"]))["deliveryStatus"]
        assert told[FAR]["smtpReply"] == "250 2.0.0 OK"
