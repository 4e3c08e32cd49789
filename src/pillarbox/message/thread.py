"""What replies have in common: the base subject (RFC 5256 §2.1) and message-ids."""

from __future__ import annotations

import re

_ODD = re.compile(r"[\[:(\t\r\n]|  ")  # without these there is nothing to take away
_SPACE = re.compile(r"[ \t\r\n]+")
_BLOBS = re.compile(r"(?:\[[^\[\]]*+\] ?)*")
_REPLY = re.compile(r"(?:re|fwd?) ?(?:\[[^\[\]]*+\] ?)?: ?", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"<([^<>\s]++)>")
_MOST_REFERENCES = 100
_LONGEST_ID = 998


def base_subject(subject: str) -> tuple[str, bool]:
    """The subject without Re:, Fwd:, [list] and (fwd), and whether it was a reply or forward."""
    if _ODD.search(subject) is None:
        return subject.strip(), False
    text = _SPACE.sub(" ", subject).strip()
    start, end = 0, len(text)
    is_reply = False
    while True:
        while text[max(end - 5, start) : end].lower() == "(fwd)":
            end = _before_space(text, end - 5)
            is_reply = True
        start, replied = _skip_leaders(text, start, end)
        is_reply = is_reply or replied
        bracketed = (
            text.startswith("]", end - 1, end) and text[start : start + 5].lower() == "[fwd:"
        )
        if not bracketed:
            return text[start:end], is_reply
        start += 5
        if text.startswith(" ", start, end):
            start += 1
        end = max(start, _before_space(text, end - 1))
        is_reply = True


def _before_space(text: str, end: int) -> int:
    return end - 1 if text.endswith(" ", 0, end) else end


def _skip_leaders(text: str, at: int, end: int) -> tuple[int, bool]:
    """Where the base begins: behind every `[blob] Re:` and behind blobs that leave something."""
    replied = False
    while True:
        blobs = _BLOBS.match(text, at, end)
        behind = blobs.end() if blobs is not None else at
        reply = _REPLY.match(text, behind, end)
        if reply is not None:
            at = reply.end()
            replied = True
            continue
        if behind < end:
            return behind, replied
        # Only blobs are left: the last one is the subject.
        return (max(at, text.rfind("[", at, end)) if behind > at else at), replied


def message_id(raw: bytes) -> bytes:
    """The first message-id of a value, angle brackets removed; a bare word passes for one."""
    match = _MESSAGE_ID.search(raw)
    if match is not None:
        return match.group(1)[:_LONGEST_ID]
    words = raw.split(None, 1)
    return words[0].strip(b"<>")[:_LONGEST_ID] if words else b""


def message_ids(raw: bytes) -> tuple[bytes, ...]:
    """The message-ids in angle brackets, oldest first, no repeats; of more than 100 the newest."""
    found = dict.fromkeys(_MESSAGE_ID.findall(raw))
    return tuple(list(found)[-_MOST_REFERENCES:])
