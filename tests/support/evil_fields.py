"""A message in which every field that mail controls tries to be markup, and what proves it ran."""

from __future__ import annotations

from base64 import b64encode
from email.header import Header

FIRED = "__fired"
# In a page: what ran says its name; clicks that it wants are not needed.
WATCH = f"window.{FIRED} = []; window.fire = (name) => window.{FIRED}.push(name)"


def payload(name: str) -> str:
    """Breaks out of text, attributes, scripts, comments and templates."""
    call = f"(window.fire||parent.fire)('{name}')"
    return (
        f"\"'><img src=x onerror={call}><script>{call}</script><svg/onload={call}>"
        f"<!--${{{call}}}{{{{{call}}}}}-->{name}"
    )


def encoded(text: str) -> str:
    """As RFC 2047 has it, in one line."""
    return f"=?utf-8?b?{b64encode(text.encode()).decode()}?="


def evil_letter(to: str) -> bytes:
    """Subject, names, addresses, list headers, file names, both bodies, and a calendar's title."""
    local = "<img/src=x/onerror=fire(1)>"
    head = [
        f"From: {encoded(payload('from'))} <carol@example.net>",
        f'Sender: "{local}"@example.net',
        f'Reply-To: {encoded(payload("reply-to"))} <"{local}"@example.net>',
        f"To: {encoded(payload('to'))} <{to}>",
        f'Cc: {encoded(payload("cc"))} <"{local}"@example.org>, javascript:fire(2)@example.net',
        f"Subject: {encoded(payload('subject'))}",
        "Message-ID: <\"'><img/src=x/onerror=fire(3)>@example.net>",
        "List-Id: \"'><img src=x onerror=fire(4)> <lists.example.net>",
        'List-Unsubscribe: <javascript:fire(5)>, <https://"><img src=x onerror=fire(6)>>',
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        'List-Post: <mailto:"><script>fire(7)</script>@example.net>',
        f"Organization: {encoded(payload('organization'))}",
        f"X-Mailer: {payload('mailer')}",
        f"Date: Mon, 23 Nov 2026 10:00:00 +0000 ({payload('date')})",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b"',
    ]
    page = f'<p>{payload("html")}</p><a href="javascript:fire(8)">a</a>'
    name = Header(payload("file"), "utf-8").encode().replace("\n ", "\r\n ")
    parts = [
        'Content-Type: multipart/alternative; boundary="c"\r\n\r\n--c\r\n'
        f'Content-Type: text/plain; charset=utf-8\r\n\r\n{payload("text")} https://x/"onclick=1\r\n'
        f"--c\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{page}\r\n--c--",
        f'Content-Type: text/html; name="{name}"\r\nContent-Disposition: attachment; '
        f'filename="{name}"\r\n\r\n<script>(window.fire||opener.fire)("attached")</script>',
        "Content-Type: image/svg+xml\r\nContent-Disposition: attachment; filename=x.svg\r\n\r\n"
        '<svg xmlns="http://www.w3.org/2000/svg" onload="fire(9)"><script>fire(10)</script></svg>',
        f"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"
        f"SUMMARY:{payload('calendar')}\r\nEND:VEVENT\r\nEND:VCALENDAR",
    ]
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()
