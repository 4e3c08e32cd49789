"""What became of one signature."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Verdict = Literal["pass", "fail", "neutral", "policy", "permerror", "temperror"]


class DkimResult(Struct, frozen=True):
    """One signature's result in the words of RFC 8601 §2.7.1.

    `fail`: body or header were changed. `neutral`: the signature cannot be read. `permerror`: it
    cannot be verified by any means, for the key's sake or its own. `policy`: it may hold, and we
    do not count it. `temperror`: the DNS did not answer.
    """

    result: Verdict
    domain: str = ""  # d=
    selector: str = ""
    identity: str = ""  # i=
    algorithm: str = ""
    signature: str = ""  # the first eight characters of b=, for header.b (RFC 6008)
    why: str = ""
    testing: bool = False  # the key's t=y
    key_bits: int = 0
    authentic: bool = False  # DNSSEC holds for the key


class Unverified(Exception):
    """Why a signature does not count."""

    def __init__(self, result: Verdict, why: str) -> None:
        super().__init__(why)
        self.result: Verdict = result
        self.why = why
