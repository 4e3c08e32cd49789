"""A resolver that answers from a dictionary, with failures and authenticity.

FakeResolver(
    {
        "example.org": {"MX": [(10, "mx.example.org")], "TXT": ["v=spf1 -all"]},
        "www.example.org": {"CNAME": "example.org"},
        "192.0.2.1": {"PTR": ["mx.example.org"]},
    },
    fail={"A example.org": "timeout", "broken.example": "servfail"},
    authentic={"example.org"},
)
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import Any

from pillarbox.dns.answer import MAX_CHAIN, Answer, Mx, Srv, Tlsa
from pillarbox.dns.errors import DnsFailure, Why
from pillarbox.dns.names import fold_name

Records = dict[str, dict[str, Any]]


class FakeResolver:
    """`records` may be changed at any time; `asked` lists the questions ("MX example.org")."""

    def __init__(
        self,
        records: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        fail: Mapping[str, Why] | None = None,
        authentic: Collection[str] | bool = False,
        ttl: int = 300,
    ) -> None:
        self.records: Records = {name: dict(types) for name, types in (records or {}).items()}
        self.fail: dict[str, Why] = dict(fail or {})
        self.authentic = authentic
        self.ttl = ttl
        self.asked: list[str] = []

    async def txt(self, name: str) -> Answer[bytes]:
        return self._answer("TXT", fold_name(name), _text)

    async def mx(self, name: str) -> Answer[Mx]:
        answer: Answer[Mx] = self._answer("MX", fold_name(name), _mx)
        ordered = tuple(sorted(answer.records, key=lambda mx: mx.preference))
        return Answer(
            answer.name, answer.canonical, ordered, answer.exists, answer.authentic, answer.ttl
        )

    async def a(self, name: str) -> Answer[str]:
        return self._answer("A", fold_name(name), str)

    async def aaaa(self, name: str) -> Answer[str]:
        return self._answer("AAAA", fold_name(name), str)

    async def ptr(self, address: str) -> Answer[str]:
        parsed = ipaddress.ip_address(address)
        mapped = getattr(parsed, "ipv4_mapped", None)
        return self._answer("PTR", str(mapped or parsed), fold_name)

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        return self._answer("TLSA", fold_name(name), lambda fields: Tlsa(*fields))

    async def srv(self, name: str) -> Answer[Srv]:
        answer: Answer[Srv] = self._answer("SRV", fold_name(name), _srv)
        ordered = tuple(sorted(answer.records, key=lambda srv: srv.priority))
        return Answer(
            answer.name, answer.canonical, ordered, answer.exists, answer.authentic, answer.ttl
        )

    async def cname(self, name: str) -> Answer[str]:
        return self._answer("CNAME", fold_name(name), fold_name)

    def _answer(self, rdtype: str, name: str, make: Any) -> Answer[Any]:
        self.asked.append(f"{rdtype} {name}")
        canonical, chain = name, [name]
        while True:
            self._perhaps_fail(rdtype, name, canonical)
            types = self.records.get(canonical, {})
            if rdtype == "CNAME" or "CNAME" not in types:
                break
            canonical = fold_name(_as_list(types["CNAME"])[0])
            chain.append(canonical)
            if len(chain) > MAX_CHAIN + 1:
                raise DnsFailure(name, rdtype, "too long chain")
        records = tuple(make(record) for record in _as_list(types.get(rdtype, [])))
        authentic = all(self._is_authentic(link) for link in chain)
        return Answer(name, canonical, records, self._exists(canonical), authentic, self.ttl)

    def _perhaps_fail(self, rdtype: str, name: str, link: str) -> None:
        why = self.fail.get(f"{rdtype} {link}") or self.fail.get(link)
        if why:
            raise DnsFailure(name, rdtype, why)

    def _exists(self, name: str) -> bool:
        """An empty non-terminal exists (RFC 8020 §2)."""
        return name in self.records or any(key.endswith(f".{name}") for key in self.records)

    def _is_authentic(self, name: str) -> bool:
        if isinstance(self.authentic, bool):
            return self.authentic
        return name in self.authentic


def _as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, (str, bytes)) else list(value)


def _text(value: Any) -> bytes:
    """A record is a string, or a tuple of the character-strings that it is joined from."""
    pieces = value if isinstance(value, tuple) else (value,)
    return b"".join(piece.encode() if isinstance(piece, str) else piece for piece in pieces)


def _srv(value: Any) -> Srv:
    priority, weight, port, target = value
    return Srv(priority, weight, port, "" if target in ("", ".") else fold_name(target))


def _mx(value: Any) -> Mx:
    preference, exchange = value
    return Mx(preference, "" if exchange in ("", ".") else fold_name(exchange))
