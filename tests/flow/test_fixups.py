"""What submitted messages get and lose."""

from __future__ import annotations

import pytest

from pillarbox.flow.submission.fixups import Stamp, apply_fixups, plan_fixups

STAMP = Stamp(
    date="Mon, 23 Nov 2026 00:00:00 +0000", message_id="x@example.org", from_address="a@example.org"
)
DATE = b"Date: Mon, 23 Nov 2026 00:00:00 +0000\r\n"
ID = b"Message-ID: <x@example.org>\r\n"
FROM = b"From: a@example.org\r\n"
WHOLE = b"Date: now\r\nmessage-id: <1@x>\r\nFROM: b@x\r\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Subject: x\r\n\r\nbody\r\n", DATE + ID + FROM + b"Subject: x\r\n\r\nbody\r\n"),
        (b"From: b@x\r\n\r\n", DATE + ID + b"From: b@x\r\n\r\n"),
        (b"\r\nbody\r\n", DATE + ID + FROM + b"\r\nbody\r\n"),
        (b"just a body\r\n", DATE + ID + FROM + b"\r\njust a body\r\n"),
        (b"", DATE + ID + FROM),
        (WHOLE + b"Bcc: c@x\r\n\r\nbody\r\n", WHOLE + b"\r\nbody\r\n"),
        (b"bcc: c@x,\r\n\td@x\r\n" + WHOLE + b"Bcc:\r\nX: y\r\n\r\n", WHOLE + b"X: y\r\n\r\n"),
        (b"Resent-Bcc: c@x\r\n" + WHOLE + b"\r\nBcc: in the body\r\n",
         WHOLE + b"\r\nBcc: in the body\r\n"),
        (b"Authentication-Results: mx.example.org; dmarc=pass\r\nReturn-Path: <x@y>\r\n"
         b"Pillarbox-Verdict: accept; trusted-forwarder;\r\n see\r\n" + WHOLE + b"\r\n",
         WHOLE + b"\r\n"),
    ],
)  # fmt: skip
def test_mended(before: bytes, after: bytes) -> None:
    fixups = plan_fixups(before, len(before), STAMP)
    assert fixups is not None
    assert b"".join(apply_fixups(before, len(before), fixups)) == after


def test_a_whole_message_stays_as_it_is() -> None:
    message = WHOLE + b"\r\nBcc: in the body\r\n"
    assert plan_fixups(message, len(message), STAMP) is None
