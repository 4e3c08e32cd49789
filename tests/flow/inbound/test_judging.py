"""Whole messages judged at port 25, over a fake DNS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.config.trust import DnsblSettings, TrustSettings
from pillarbox.dns.answer import Answer
from pillarbox.flow.inbound.facts import TrustFacts
from pillarbox.flow.inbound.policy import Verdict
from pillarbox.store.model import Role
from pillarbox.store.sql import changes, mailboxes
from pillarbox.trust.authres import AuthRes, parse
from support.fake_resolver import FakeResolver
from support.judging import CLIENT, bring, make_judge, with_judge
from support.smtp_bench import Bench, open_bench

LETTER = b"From: Carol <carol@example.net>\r\nSubject: Hello\r\n\r\nA few words.\r\n"
WORLD: dict[str, Any] = {
    CLIENT: {"PTR": ["mail.example.net"]},
    "mail.example.net": {"A": [CLIENT]},
    "example.net": {"TXT": ["v=spf1 a:mail.example.net -all"]},
    "_dmarc.example.net": {"TXT": ["v=DMARC1; p=reject"]},
    "forged.example": {"TXT": ["v=spf1 -all"]},
    "_dmarc.forged.example": {"TXT": ["v=DMARC1; p=reject"]},
    "_dmarc.doubtful.example": {"TXT": ["v=DMARC1; p=quarantine"]},
    "silent.example": {"MX": [(0, "")]},
}


def run(
    folder: Path,
    work: Callable[[Bench], Awaitable[None]],
    resolver: FakeResolver | None = None,
    **settings: Any,
) -> None:
    async def whole() -> None:
        async with open_bench(folder) as bench:
            trust = TrustSettings(**settings)
            with_judge(bench, make_judge(bench, resolver or FakeResolver(WORLD), trust))
            await work(bench)

    asyncio.run(whole())


def results(octets: bytes) -> AuthRes:
    """Our own field, which stands above the sender's."""
    header = octets[: octets.index(b"From:")]
    value = header.partition(b"Authentication-Results:")[2]
    read = parse(value.partition(b"\r\nPillarbox")[0])
    assert read is not None, header
    return read


def told(octets: bytes) -> dict[str, str]:
    return {one.method: one.result for one in results(octets).findings}


async def junk_of(bench: Bench, login: str) -> int:
    account = await bench.account(login)

    async def count(db: Any) -> int:
        junk = await mailboxes.by_role(db, account, Role.JUNK)
        assert junk is not None
        return len(await changes.placed(db, account, junk.id))

    return await bench.store.read(count)


def test_honest_mail_comes_with_what_was_found(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        assert (await bring(bench, LETTER)).startswith("250 2.0.0")
        (octets,) = await bench.octets("alice@example.org")
        assert told(octets) == {"iprev": "pass", "spf": "pass", "dkim": "none", "dmarc": "pass"}
        assert results(octets).authserv_id == "mx.example.org"
        assert b"Pillarbox-Verdict" not in octets
        assert octets.endswith(LETTER)

    run(tmp_path, work)


def test_what_the_author_asks_to_refuse_is_refused(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        reply = await bring(bench, LETTER.replace(b"example.net", b"forged.example"))
        assert reply.startswith("550 5.7.26 ")
        assert "forged.example" in reply
        assert await bench.octets("alice@example.org") == []

    run(tmp_path, work)


def test_a_domain_that_takes_no_mail_sends_none(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        assert (await bring(bench, LETTER, sender="x@silent.example")).startswith("550 5.7.27 ")
        assert await bench.octets("alice@example.org") == []

    run(tmp_path, work)


def test_what_the_author_distrusts_goes_to_junk(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        text = LETTER.replace(b"example.net", b"doubtful.example")
        assert (await bring(bench, text, sender="x@doubtful.example")).startswith("250")
        assert await bench.octets("alice@example.org") == []
        assert await junk_of(bench, "alice@example.org") == 1
        assert await junk_of(bench, "bob@example.org") == 0

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("sender", "author", "to", "code"),
    [
        ("alice@example.org", "alice@example.org", "far@example.org", "550 5.7.26 "),
        ("x@elsewhere.example", "alice@example.org", "far@example.org", "550 5.7.26 "),
        ("x@elsewhere.example", "alice@sub.example.org", "far@example.org", "550 5.7.26 "),
        ("", "alice@example.org", "far@example.org", "550 5.7.26 "),
        ("alice@example.org", "alice@example.org", "bob@example.org", "250 "),  # into junk
        ("x@doubtful.example", "x@doubtful.example", "far@example.org", "250 "),
    ],
)
def test_forgeries_of_ours_are_not_sent_on(
    tmp_path: Path, sender: str, author: str, to: str, code: str
) -> None:
    """They would leave by the server that our own SPF record names, and so pass elsewhere."""
    ours = {
        "example.org": {"TXT": ["v=spf1 mx -all"], "MX": [(10, "mx.example.org")]},
        "_dmarc.example.org": {"TXT": ["v=DMARC1; p=quarantine"]},
    }

    async def work(bench: Bench) -> None:
        text = LETTER.replace(b"carol@example.net", author.encode())
        assert (await bring(bench, text, sender=sender, to=to)).startswith(code)

    run(tmp_path, work, FakeResolver(WORLD | ours))


def test_spf_alone(tmp_path: Path) -> None:
    text = LETTER.replace(b"example.net", b"unpublished.example")

    async def junked(bench: Bench) -> None:
        assert (await bring(bench, text, sender="x@forged.example")).startswith("250")
        assert await junk_of(bench, "alice@example.org") == 1

    async def refused(bench: Bench) -> None:
        reply = await bring(bench, text, sender="x@forged.example")
        assert reply.startswith("550 5.7.23 ")

    run(tmp_path / "a", junked)
    run(tmp_path / "b", refused, spf_fail="reject")


def test_two_from_fields_are_refused(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        reply = await bring(bench, b"From: a@example.net\r\n" + LETTER)
        assert reply.startswith("550 5.6.0 ")

    run(tmp_path, work)


@pytest.mark.parametrize(
    "author", [b"x@no..domain, carol@forged.example", b"x@[192.0.2.1], <carol@forged.example>"]
)
def test_what_is_no_domain_hides_no_author(tmp_path: Path, author: bytes) -> None:
    async def work(bench: Bench) -> None:
        reply = await bring(bench, LETTER.replace(b"Carol <carol@example.net>", author))
        assert reply.startswith("550 5.7.26 ")

    run(tmp_path, work)


@pytest.mark.parametrize(
    "author",
    [
        b"carol@no..domain",
        b"<boss@forged.example> <carol@example.net>",
        b"boss@forged.example carol@example.net",
        b"<@forged.example:carol@example.net>",
        b"=?utf-8?q?boss=40forged.example=00?=@example.net",
    ],
)
def test_an_author_that_can_be_read_otherwise_is_doubted(tmp_path: Path, author: bytes) -> None:
    async def work(bench: Bench) -> None:
        reply = await bring(bench, LETTER.replace(b"Carol <carol@example.net>", author))
        assert reply.startswith("250")
        assert await junk_of(bench, "alice@example.org") == 1

    run(tmp_path, work)


def test_a_first_line_of_no_field_hides_no_header(tmp_path: Path) -> None:
    text = b"no field\r\n" + b"X: " + b"y" * 70_000 + b"\r\n" + LETTER

    async def whole() -> None:
        async with open_bench(tmp_path, max_header_octets=65_536) as bench:
            with_judge(bench, make_judge(bench, FakeResolver(WORLD)))
            reply = await bring(bench, text.replace(b"example.net", b"forged.example"))
            assert reply.startswith("554 5.6.0 ")

    asyncio.run(whole())


def test_results_in_our_name_are_cut_and_others_stay(tmp_path: Path) -> None:
    forged = (
        b"Authentication-Results: mx.example.org; dmarc=pass header.from=bank.example\r\n"
        b"authentication-results:\r\n\tMX.example.org; spf=pass\r\n"
    )
    others = b"Authentication-Results: elsewhere.example; spf=pass\r\n"

    async def work(bench: Bench) -> None:
        await bring(bench, forged + others + LETTER)
        (octets,) = await bench.octets("alice@example.org")
        assert octets.lower().count(b"mx.example.org; ") + octets.count(b"mx.example.org;\r") == 1
        assert octets.endswith(others + LETTER)

    run(tmp_path, work)


@pytest.mark.parametrize(
    ("peer", "role"), [("127.0.0.1", "mx"), ("::1", "mx"), (CLIENT, "lmtp"), ("10.1.2.3", "mx")]
)
def test_who_is_trusted_is_not_judged(tmp_path: Path, peer: str, role: str) -> None:
    resolver = FakeResolver(WORLD)
    own = b"Authentication-Results: mx.example.org; spf=pass\r\n"

    async def work(bench: Bench) -> None:
        text = own + LETTER.replace(b"example.net", b"forged.example")
        assert (await bring(bench, text, peer=peer, role=role)).startswith("250")
        (octets,) = await bench.octets("alice@example.org")
        assert octets.count(b"Authentication-Results") == 1
        assert octets.endswith(text)
        assert resolver.asked == []

    run(tmp_path, work, resolver, trusted_networks=("127.0.0.0/8", "::1/128", "10.0.0.0/8"))


def test_a_setting_takes_all_as_it_comes(tmp_path: Path) -> None:
    resolver = FakeResolver(WORLD)

    async def work(bench: Bench) -> None:
        await bring(bench, LETTER.replace(b"example.net", b"forged.example"))
        (octets,) = await bench.octets("alice@example.org")
        assert b"Authentication-Results" not in octets
        assert resolver.asked == []

    run(tmp_path, work, resolver, judge=False)


def test_unknown_recipients_cost_no_question(tmp_path: Path) -> None:
    resolver = FakeResolver(WORLD)

    async def work(bench: Bench) -> None:
        assert (await bring(bench, LETTER, to="nobody@example.org")).startswith("550 5.1.1")
        assert resolver.asked == []

    run(tmp_path, work, resolver, dnsbl=(DnsblSettings(zone="list.example"),))


# When the DNS is dead


class SilentResolver(FakeResolver):
    """Never answers."""

    def _answer(self, rdtype: str, name: str, make: Any) -> Any:
        raise AssertionError

    async def txt(self, name: str) -> Answer[bytes]:
        await asyncio.Event().wait()
        raise AssertionError

    async def a(self, name: str) -> Answer[str]:
        await asyncio.Event().wait()
        raise AssertionError

    async def ptr(self, address: str) -> Answer[str]:
        await asyncio.Event().wait()
        raise AssertionError


def test_mail_flows_while_the_dns_fails(tmp_path: Path) -> None:
    names = {"example.net", "_dmarc.example.net", "_dmarc.net", "mail.example.net", CLIENT}
    resolver = FakeResolver(WORLD, fail=dict.fromkeys(names, "servfail"))

    async def work(bench: Bench) -> None:
        assert (await bring(bench, LETTER)).startswith("250")
        (octets,) = await bench.octets("alice@example.org")
        assert told(octets) == {
            "iprev": "temperror",
            "spf": "temperror",
            "dkim": "none",
            "dmarc": "temperror",
        }

    run(tmp_path, work, resolver)


@pytest.mark.timed
def test_mail_flows_while_the_dns_is_silent(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        began = time.monotonic()
        assert (await bring(bench, LETTER)).startswith("250")
        assert time.monotonic() - began < 2
        (octets,) = await bench.octets("alice@example.org")
        assert told(octets)["dmarc"] == "temperror"

    lists = (DnsblSettings(zone="list.example"), DnsblSettings(zone="b.example", action="junk"))
    run(tmp_path, work, SilentResolver(), seconds=0.1, dnsbl=lists)


def test_one_place_is_enough_and_late_ones_flow(tmp_path: Path) -> None:
    """With all places taken by a silent DNS, those that wait are let in at their deadline."""

    async def work(bench: Bench) -> None:
        replies = await asyncio.gather(*(bring(bench, LETTER) for _ in range(5)))
        assert all(reply.startswith("250") for reply in replies)
        assert len(await bench.octets("alice@example.org")) == 5

    run(tmp_path, work, SilentResolver(), seconds=0.1, concurrent_checks=1)


def test_a_bug_in_a_check_keeps_no_mail_out(tmp_path: Path) -> None:
    class Broken(FakeResolver):
        async def ptr(self, address: str) -> Answer[str]:
            raise ZeroDivisionError

    async def work(bench: Bench) -> None:
        assert (await bring(bench, LETTER)).startswith("250")
        (octets,) = await bench.octets("alice@example.org")
        assert told(octets)["iprev"] == "temperror"
        assert told(octets)["dmarc"] == "pass"

    run(tmp_path, work, Broken(WORLD))


# Lists


def test_a_list_refuses_at_rcpt(tmp_path: Path) -> None:
    listed = {"3.2.0.192.list.example": {"A": ["127.0.0.2"], "TXT": ["see list.example"]}}

    async def work(bench: Bench) -> None:
        reply = await bring(bench, LETTER)
        assert reply == "550 5.7.1 Your address is listed by list.example: see list.example"

    lists = (DnsblSettings(zone="list.example"),)
    run(tmp_path, work, FakeResolver(WORLD | listed), dnsbl=lists)


def test_a_list_that_only_doubts(tmp_path: Path) -> None:
    listed = {"3.2.0.192.list.example": {"A": ["127.0.0.2"]}}

    async def work(bench: Bench) -> None:
        assert (await bring(bench, LETTER)).startswith("250")
        assert await junk_of(bench, "alice@example.org") == 1

    lists = (DnsblSettings(zone="list.example", action="junk"),)
    run(tmp_path, work, FakeResolver(WORLD | listed), dnsbl=lists)


def test_a_witness_sees_all_that_was_judged(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    class Notebook:
        def note(self, envelope: Any, facts: TrustFacts, verdict: Verdict) -> None:
            seen.append((facts.dmarc.from_domain, verdict.action))

    async def whole() -> None:
        async with open_bench(tmp_path) as bench:
            with_judge(bench, make_judge(bench, FakeResolver(WORLD), witness=Notebook()))
            await bring(bench, LETTER)
            await bring(bench, LETTER.replace(b"example.net", b"forged.example"))

    asyncio.run(whole())
    assert seen == [("example.net", "accept"), ("forged.example", "reject")]
