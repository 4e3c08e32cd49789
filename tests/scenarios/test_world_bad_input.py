"""Nonsense in other people's DNS and in their headers, on the whole way from port 25 to a mailbox.

The parsers have their tables in tests/trust; here a message must always end with a reply and a
named result, with few questions and in little time.
"""

from __future__ import annotations

import time
from typing import Any

from pillarbox.store.model import Role
from pillarbox.telemetry.metrics import FAULTS
from support.dkim_keys import key_name, rsa_key
from support.dkim_signer import signature
from support.store_box import letter
from support.world import World, in_world
from support.world_node import Node
from support.world_results import told

ALICE = "alice@example.org"
CLIENT = "198.51.100.7"
MIB = 1024 * 1024
SECONDS = 5.0  # of CPU; some hundredths are usual
QUESTIONS = 40  # SPF's ten lookups with their addresses, DMARC's eight, and those for the name

SPF: list[tuple[list[Any], str]] = [
    ([b""], "none"),
    ([b"v=spf1"], "neutral"),
    ([b"v=spf10 -all"], "none"),
    ([b"v=spf1 +all", b"v=spf1 -all"], "permerror"),
    ([b"v=spf1 " + b"a " * 20_000], "permerror"),
    ([b"v=spf1 " + b"\x00" * 30_000], "permerror"),
    ([b"v=spf1 " + bytes(range(256))], "permerror"),
    ([b"v=spf1 " + b"%{d}" * 500 + b" -all"], "permerror"),
    ([b"v=spf1 exists:" + b"%{l}." * 400 + b"x.example -all"], "fail"),
    ([b"v=spf1 include:@ -all"], "permerror"),
    ([b"v=spf1 redirect=@"], "permerror"),
    ([b"v=spf1 ip4:198.51.100.7/33 -all"], "permerror"),
    ([b"v=spf1 ip6:::::/0 -all"], "permerror"),
    ([b"v=spf1 a:xn--\xff.example -all"], "permerror"),
    ([b"v=spf1 ptr:@ -all"], "fail"),
    ([b"v=spf1 mx mx mx mx mx mx mx mx mx mx mx ip4:198.51.100.7 -all"], "permerror"),
    ([b"v=spf1 " + b" ".join(b"a:void%d.@" % n for n in range(9)) + b" -all"], "permerror"),
    ([b"v=spf1 exp=%{h} -all"], "fail"),
    ([b"v=spf1 exp=@ -all"], "fail"),
]  # "@" stands for the domain itself
DMARC: list[tuple[list[bytes], str]] = [
    ([b""], "none"),
    ([b"v=DMARC1"], "fail"),
    ([b"v=DMARC2; p=reject"], "none"),
    ([b"V=DMARC1; p=reject"], "none"),
    ([b"v=DMARC1; p=reject", b"v=DMARC1; p=none"], "none"),
    ([b"v=DMARC1; p=" + b"x" * 60_000], "permerror"),
    ([b"v=DMARC1; p=none; rua=" + b"mailto:a@@," * 6000], "fail"),
    ([b"v=DMARC1;" + b";" * 60_000], "fail"),
    ([b"v=DMARC1;" + b"=" * 60_000], "fail"),
    ([b"v=DMARC1; " + bytes(range(256))], "fail"),
    ([b"v=DMARC1; psd=y; p=none"], "fail"),
    ([b"v=DMARC1; sp=\xff; np=\x00; p=none"], "permerror"),
    ([b"v=DMARC1; adkim=" + b"s" * 1000 + b"; p=none"], "fail"),
    ([b"v=DMARC1; p=none"] * 300, "none"),
]
KEYS: list[tuple[bytes, str]] = [
    (b"v=DKIM1; p=" + b"A" * 16_372, "permerror"),
    (b"v=DKIM1; p=" + b"A" * 60_000, "permerror"),
    (b";" * 16_384, "permerror"),
    (b"v=DKIM1; k=\xff; p=" + b"\x00" * 16_000, "permerror"),
    (b"v=DKIM1; h=" + b"sha256:" * 2000 + b"; p=AAAA", "permerror"),
    (b"v=DKIM1; p=", "permerror"),
    (b"", "permerror"),
]


class Judged:
    """One message after another to alice, with what it cost."""

    def __init__(self, world: World, node: Node) -> None:
        self.world, self.node = world, node

    async def bring(self, octets: bytes, sender: str) -> tuple[str, dict[str, set[str]]]:
        """The reply and, of a message that was taken, the results by method."""
        faults, began = _faults(), time.process_time()
        self.world.resolver.asked.clear()
        (reply,) = await self.world.hand_over(
            self.node, octets, ALICE, sender=sender, address=CLIENT
        )
        assert time.process_time() - began < SECONDS
        assert len(self.world.resolver.asked) <= QUESTIONS, self.world.resolver.asked
        assert _faults() == faults
        if not reply.startswith("250"):
            return reply, {}
        journey = reply.rpartition(" ")[2].encode()
        mail = [*await self.node.mail(ALICE), *await self.node.mail(ALICE, Role.JUNK)]
        (came,) = [one for one in mail if b" id " + journey in one]
        return reply, told(came, self.node.hostname)


def _faults() -> float:
    return sum(FAULTS.labels(one)._value.get() for one in ("smtp", "inbound"))


async def judged(world: World) -> Judged:
    return Judged(world, await world.pillarbox("example.org", "alice", sends=False))


def test_spf_records_of_every_kind_of_nonsense() -> None:
    async def work(world: World) -> None:
        judge = await judged(world)
        for number, (records, result) in enumerate(SPF):
            domain = f"spf{number}.example"
            texts = [text.replace(b"@", domain.encode()) for text in records]
            world.resolver.records[domain] = {"TXT": texts}
            sender = f"mallory@{domain}"
            reply, found = await judge.bring(letter(From=sender), sender)
            assert (reply[:4], found.get("spf")) == ("250 ", {result}), (records[0][:60], found)

    in_world(work)


def test_dmarc_records_of_every_kind_of_nonsense() -> None:
    async def work(world: World) -> None:
        judge = await judged(world)
        for number, (records, result) in enumerate(DMARC):
            domain = f"dmarc{number}.example"
            world.resolver.records[domain] = {"A": ["198.51.100.8"]}
            world.resolver.records[f"_dmarc.{domain}"] = {"TXT": records}
            sender = f"mallory@{domain}"
            reply, found = await judge.bring(letter(From=sender), sender)
            assert (reply[:4], found.get("dmarc")) == ("250 ", {result}), (records[0][:60], found)

    in_world(work)


def test_authors_whose_domains_are_none() -> None:
    """What a tree walk would climb for ever, and what is no domain."""

    async def work(world: World) -> None:
        judge = await judged(world)
        deep = ".".join(["a"] * 120) + ".example"
        for author in (
            f"x@{deep}", "x@" + "y" * 64 + ".example", "x@example..com", "x@[192.0.2.1]", "x@.",
            "x@xn--\x80.example", "=?utf-8?q?=40example=2Ecom?=", "x", "<>", "(" * 1000, '"@"@"',
        ):  # fmt: skip
            reply, found = await judge.bring(letter(From=author), "mallory@example.com")
            assert reply[:3] in ("250", "550"), (author, reply)
            assert reply[:3] == "550" or found["spf"] == {"none"}

    in_world(work)


def test_key_records_of_16_kib() -> None:
    async def work(world: World) -> None:
        judge = await judged(world)
        key = rsa_key(2048, "example.com")
        text = letter(From="x@example.com")
        octets = signature(text, key) + text
        for record, result in KEYS:
            world.resolver.records[key_name(key)] = {"TXT": [record]}
            reply, found = await judge.bring(octets, "x@example.com")
            assert (reply[:4], found.get("dkim")) == ("250 ", {result}), record[:60]

    in_world(work)


def test_signatures_over_a_header_of_a_mebibyte() -> None:
    async def work(world: World) -> None:
        judge = await judged(world)
        key = rsa_key(2048, "example.com")
        for size, expected in (
            (MIB // 2, "250 2.0.0"),
            (MIB - 20_000, "250 2.0.0"),
            (MIB, "554 5.6.0"),
        ):
            text = letter(From="x@example.com", X_Long="words \t " * (size // 8))
            octets = signature(text, key, h="From:X-Long") * 5 + text
            reply, _ = await judge.bring(octets, "x@example.com")
            assert reply.startswith(expected), reply

    in_world(work)


def test_the_dns_fails_in_every_way() -> None:
    """Nothing is refused for it, and what could not be found out is said."""

    async def work(world: World) -> None:
        judge = await judged(world)
        key = rsa_key(2048, "example.com")
        text = letter(From="x@example.com")
        for why in ("timeout", "servfail", "malformed", "refused", "too long chain"):
            for name in ("example.com", "_dmarc.example.com", key_name(key)):
                world.resolver.fail[name] = why  # type: ignore[assignment]
            world.resolver.fail[f"PTR {CLIENT}"] = why  # type: ignore[assignment]
            reply, found = await judge.bring(signature(text, key) + text, "x@example.com")
            assert reply.startswith("250 "), reply
            assert found == {
                "iprev": {"temperror"},
                "spf": {"temperror"},
                "dkim": {"temperror"},
                "dmarc": {"temperror"},
            }

    in_world(work)
