"""Deviations from the letter of the RFCs, each with its reason. No unnamed `if` elsewhere."""

from __future__ import annotations

# RFC 3501 §2.3.2 wants \Recent for the first session that hears of a message. It takes a write by
# each first reader, no program of today needs it, and RFC 9051 §7.5.2 dropped it. IMAP4rev1
# clients are told that no message is recent; SEARCH NEW, OLD and RECENT agree with that.
RECENT_MESSAGES = 0

# A set with "*" is cut to the messages that there are. By the letter "1:*" in an empty mailbox and
# "5:*" above three messages are errors; programs send both to ask for whatever there is.
CLAMP_SETS_WITH_STAR: bool = True

# A literal has no NUL (RFC 9051 §4.3, RFC 3501 §4.3.1), yet some mail has. BODY[…] shows this octet
# in its place, as other servers do, so that sizes and offsets stay; BINARY[…] shows the NUL.
NUL_STAND_IN = b"\x80"

# RFC 6855 §3 would have SEARCH with a CHARSET refused once UTF8=ACCEPT is enabled, since the two
# could disagree. UTF-8 and US-ASCII, all that we know, agree with it, and programs send them on.
# (SORT and THREAD cannot do without a charset, so they always took it.)
TAKE_CHARSET_WITH_UTF8: bool = True

# "NOOP " is taken as NOOP: the grammar has no space there, and nothing else can be meant. People
# who type at a server, and scripts that join words, leave it.
TAKE_TRAILING_SPACE: bool = True

# Several spaces between the messages of one APPEND: imapclient (4.1, 2026) sends two.
TAKE_MORE_SPACES_IN_APPEND: bool = True
