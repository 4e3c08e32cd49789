"""What replies have in common: the base subject (RFC 5256 §2.1) and message-ids."""

from __future__ import annotations

import re

_SPACE = re.compile(r"[ \t\r\n]+")
_BLOBS = re.compile(r"(?:\[[^\[\]]*+\] ?)*+")
_REPLY = re.compile(r"(?:re|fwd?) ?(?:\[[^\[\]]*+\] ?)?: ?", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"<([^<>\s]++)>")
_MOST_REFERENCES = 100
_LONGEST_ID = 998


def base_subject(subject: str) -> tuple[str, bool]:
    """The subject without Re:, Fwd:, [list] and (fwd), and whether it was a reply or forward."""
    text = _SPACE.sub(" ", subject).strip()
    is_reply = False
    while True:
        start, end = 0, len(text)
        while text[max(end - 5, 0) : end].lower() == "(fwd)":
            end -= 5
            is_reply = True
            while end and text[end - 1] == " ":
                end -= 1
        start, replied = _skip_leaders(text, end)
        is_reply = is_reply or replied
        if text[start : start + 5].lower() == "[fwd:" and text[end - 1] == "]" and end - start > 5:
            text = text[start + 5 : end - 1].strip()
            is_reply = True
            continue
        return text[start:end], is_reply


def _skip_leaders(text: str, end: int) -> tuple[int, bool]:
    """Where the base begins: behind every `[blob] Re:` and behind blobs that leave something."""
    at = 0
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
