"""Secrets are a type whose `repr` hides them."""

from __future__ import annotations

import hmac


class Secret:
    """A password or key. `reveal()` is the only way to the octets, so its uses can be searched."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes | str) -> None:
        self._octets = octets.encode() if isinstance(octets, str) else bytes(octets)

    def reveal(self) -> bytes:
        return self._octets

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._octets, other._octets)

    def __hash__(self) -> int:
        return hash(Secret)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")
