"""A real Pillarbox for other people's tests.

    from pillarbox.testing import running_server

    def test_sending():
        with running_server(accounts={"alice@example.org": "open sesame"}) as server:
            smtplib.SMTP("127.0.0.1", server.smtp) …

It runs in processes of its own, on free ports of the loopback interface, over a temporary folder.
`message_count` and the IMAP port tell what arrived. Nothing leaves the computer.
"""

from __future__ import annotations

from pillarbox.testing.server import RunningServer, running_server

__all__ = ["RunningServer", "running_server"]
