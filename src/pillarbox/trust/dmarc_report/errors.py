"""Why octets that somebody sent as a report are none that we read."""

from __future__ import annotations

from typing import Literal

Why = Literal[
    "too large",  # packed, or once it is unpacked
    "damaged",  # gzip or zip that cannot be unpacked, or not to what it says
    "several files",  # in one zip: which one is the report?
    "nested",  # packed again inside
    "unsupported",  # encrypted, or packed in a way that reports are not
    "entities",  # a document type or entities, which no report needs and attacks do
    "too deep",
    "too many elements",
    "too many rows",
    "not xml",
    "not a report",  # sound XML, but not of RFC 7489 Appendix C
]


class BadReport(Exception):
    """`why` is for the program and its metrics, the sentence for the log."""

    def __init__(self, why: Why, sentence: str) -> None:
        super().__init__(sentence)
        self.why: Why = why
