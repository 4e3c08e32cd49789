"""A day of mail, midnight, and the report about it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from pillarbox.dns.answer import Answer
from pillarbox.store.sql import reports
from pillarbox.trust.dkim import verify
from pillarbox.trust.dmarc_report import parse_report
from support.judging import CLIENT, bring
from support.reporting import CONTACT, DAY, WORLD, Desk, attachment, open_desk, opened

HONEST = b"From: Carol <carol@example.net>\r\nSubject: Hello\r\n\r\nA few words.\r\n"
FORGED = b"From: Carol <carol@www.example.net>\r\nSubject: Hello\r\n\r\nA few words.\r\n"
ELSEWHERE = "198.51.100.9"


def run(
    folder: Path,
    work: Callable[[Desk], Awaitable[None]],
    world: dict[str, Any] | None = None,
    **settings: Any,
) -> None:
    async def whole() -> None:
        async with open_desk(folder, world, **settings) as desk:
            await work(desk)

    asyncio.run(whole())


async def outcomes(desk: Desk) -> list[str]:
    return [one.outcome for one in await desk.bench.store.read(reports.list_sent)]


def test_a_day_from_mail_to_report(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        for _ in range(3):
            assert (await bring(desk.bench, HONEST)).startswith("250")
        for _ in range(2):
            reply = await bring(desk.bench, FORGED, sender="", peer=ELSEWHERE)
            assert reply.startswith("250")  # into junk: sp=quarantine
        assert (await bring(desk.bench, HONEST, sender="x@forged.example", peer=ELSEWHERE))[
            0
        ] == "5"
        await desk.make_keys()
        assert await desk.producer().produce() == 0, "the day is not over"
        await desk.next_day()
        assert await desk.producer().produce() == 1
        ((to, octets),) = await desk.letters()
        assert to == "dmarc@example.net"
        media_type, name, packed = attachment(octets)
        assert media_type == "application/gzip"
        begin, end = DAY * 86_400, DAY * 86_400 + 86_399
        assert name == f"mx.example.org!example.net!{begin}!{end}.xml.gz"
        check_message(octets)
        check_report(packed)
        await check_signature(desk, octets)
        assert await desk.producer().produce() == 0, "once"
        assert len(await desk.letters()) == 1
        assert await desk.bench.store.read(reports.count_due) == 0

    run(tmp_path, work)


def check_message(octets: bytes) -> None:
    """RFC 7489 §7.2.1.1."""
    message = opened(octets)
    assert message["From"] == f"Example <{CONTACT}>"
    assert message["Auto-Submitted"] == "auto-generated"
    words = message["Subject"].split()
    assert words[:5] == ["Report", "Domain:", "example.net", "Submitter:", "mx.example.org"]
    assert words[5] == "Report-ID:" and words[6].startswith("<") and words[6].endswith(">")


def check_report(packed: bytes) -> None:
    """By our own reader, and by another one."""
    report = parse_report(packed)
    assert (report.passed, report.failed) == (3, 3)
    assert (report.begin, report.end) == (DAY * 86_400, DAY * 86_400 + 86_399)
    published = report.published
    assert (published.domain, published.p, published.sp) == ("example.net", "reject", "quarantine")
    assert published.adkim == "s"
    root = ElementTree.fromstring(gzip.decompress(packed).decode())
    rows = {
        (
            record.findtext("row/source_ip"),
            record.findtext("row/count"),
            record.findtext("row/policy_evaluated/disposition"),
            record.findtext("row/policy_evaluated/spf"),
            record.findtext("identifiers/header_from"),
            record.findtext("identifiers/envelope_from"),
            record.findtext("auth_results/spf/scope"),
        )
        for record in root.iter("record")
    }
    assert rows == {
        (CLIENT, "3", "none", "pass", "example.net", "example.net", "mfrom"),
        (ELSEWHERE, "2", "quarantine", "fail", "www.example.net", "", "helo"),
        (ELSEWHERE, "1", "reject", "fail", "example.net", "forged.example", "mfrom"),
    }


async def check_signature(desk: Desk, octets: bytes) -> None:
    """Signed in the name of a domain that aligns with From."""
    from pillarbox.accounts.signing_keys import DkimKeys, record_name, record_value
    from pillarbox.config.trust import TrustSettings

    for key in await DkimKeys(desk.bench.store, desk.clock).list_keys("example.org"):
        desk.resolver.records[record_name(key)] = {"TXT": [record_value(key)]}
    results = await verify(octets, desk.resolver, desk.clock.now(), TrustSettings())
    assert [(one.domain, one.result) for one in results] == [("example.org", "pass")] * 2


def test_two_workers_send_it_once(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, HONEST)
        await desk.next_day()
        sent = await asyncio.gather(*(desk.producer().produce() for _ in range(4)))
        assert sum(sent) == 1
        assert len(await desk.letters()) == 1

    run(tmp_path, work)


def test_a_worker_that_died_is_followed_by_another(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, HONEST)
        await desk.next_day()
        today = DAY + 1
        taken = await desk.bench.store.write(
            lambda tx: reports.lease(tx, "dead", limit=9, seconds=1800, today=today)
        )
        assert [one.domain for one in taken] == ["example.net"]
        assert await desk.producer().produce() == 0
        await desk.clock.advance(1801)
        assert await desk.producer().produce() == 1
        late = reports.SentReport(kind="dmarc", day=DAY, domain="example.net", outcome="sent")
        assert not await desk.bench.store.write(lambda tx: reports.finish(tx, "dead", late))

    run(tmp_path, work)


def rua(value: str, **more: Any) -> dict[str, Any]:
    return WORLD | {"_dmarc.example.net": {"TXT": [f"v=DMARC1; p=none; rua={value}"]}} | more


AGREED = {"example.net._report._dmarc.reports.example": {"TXT": ["v=DMARC1"]}}


@pytest.mark.parametrize(
    ("world", "expected", "outcome"),
    [
        (rua("mailto:a@example.net,mailto:b@example.net"), ["a", "b"], "sent"),
        (rua("mailto:a@reports.example", **AGREED), ["a"], "sent"),
        (rua("mailto:a@reports.example"), [], "not wanted"),
        (rua("mailto:a@example.net!1k"), [], "too large"),
        (rua("mailto:a@example.net!1k,mailto:b@example.net!1m"), ["b"], "sent"),
        (rua("https://example.net/"), [], ""),
        (WORLD | {"_dmarc.example.net": {"TXT": ["v=DMARC1; p=none"]}}, [], ""),
    ],
)
def test_to_whom(tmp_path: Path, world: dict[str, Any], expected: list[str], outcome: str) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, HONEST)
        await desk.next_day()
        await desk.producer().produce()
        assert [to.partition("@")[0] for to, _ in await desk.letters()] == expected
        assert await outcomes(desk) == ([outcome] if outcome else [])

    run(tmp_path, work, world)


def test_a_dns_that_is_silent_is_asked_again_and_given_up(tmp_path: Path) -> None:
    world = rua("mailto:a@reports.example", **AGREED)

    async def work(desk: Desk) -> None:
        await bring(desk.bench, HONEST)
        await desk.next_day()
        name = "TXT example.net._report._dmarc.reports.example"
        desk.resolver.fail[name] = "timeout"
        assert await desk.producer().produce() == 0
        assert await outcomes(desk) == []
        await desk.clock.advance(3000)
        asked = desk.resolver.asked.count(name)
        await desk.producer().produce()
        assert desk.resolver.asked.count(name) == asked, "an hour is not over"
        await desk.clock.advance(700)
        await desk.producer().produce()
        assert desk.resolver.asked.count(name) == asked + 1
        await desk.clock.advance(30 * 3600)
        assert await desk.producer().produce() == 0
        assert await outcomes(desk) == ["given up"]

    run(tmp_path, work, world)


def test_reports_to_us_are_not_reported_on(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, HONEST, to="Alice@example.org")
        await desk.next_day()
        assert await desk.producer().produce() == 0
        await bring(desk.bench, HONEST, to="bob@example.org")
        await desk.next_day()
        assert await desk.producer().produce() == 1

    run(tmp_path, work, addresses=("alice@example.org",))


def test_a_number_a_day_is_the_end(tmp_path: Path) -> None:
    more = {f"_dmarc.{n}.example": WORLD["_dmarc.example.net"] for n in "abc"}
    agreed = {f"{n}.example._report._dmarc.example.net": {"TXT": ["v=DMARC1"]} for n in "abc"}

    async def work(desk: Desk) -> None:
        for name in "abc":
            letter = HONEST.replace(b"example.net", name.encode() + b".example")
            await bring(desk.bench, letter, sender="x@forged.example")
        await desk.next_day()
        assert await desk.producer().produce() == 2
        assert await desk.producer().produce() == 0
        await desk.next_day()
        assert await desk.producer().produce() == 1

    run(tmp_path, work, WORLD | more | agreed, max_a_day=2, give_up_hours=48)


def test_rows_and_domains_are_bounded(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        for number in range(20):
            await bring(desk.bench, HONEST, sender=f"x@{number}.example", peer=ELSEWHERE)
        await bring(desk.bench, HONEST)
        await desk.next_day()
        assert await desk.producer().produce() == 1
        ((_, octets),) = await desk.letters()
        report = parse_report(attachment(octets)[2])
        assert len(report.rows) == 5

    run(tmp_path, work, max_rows=5)


def test_a_registered_domain_counts_as_few(tmp_path: Path) -> None:
    """By a wildcard one has any number of domains below it; others shall have reports, too."""
    names = [f"{number}.many.example" for number in range(25)]
    world = {
        f"_dmarc.{name}": {"TXT": ["v=DMARC1; p=none; rua=mailto:x@many.example"]} for name in names
    }

    async def work(desk: Desk) -> None:
        for name in names:
            await bring(desk.bench, HONEST.replace(b"example.net", name.encode()), sender="")
        await bring(desk.bench, HONEST)
        await desk.next_day()
        assert await desk.bench.store.read(reports.count_due) == 21

    run(tmp_path, work, WORLD | world)


def test_part_of_a_day_is_told_at_once_and_the_rest_later(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, HONEST)
        await desk.witness.flush()
        assert await desk.producer().hurry() == 0, "the day is not over"
        assert await desk.producer().hurry(with_today=True) == 1
        await desk.clock.advance(3600)
        await bring(desk.bench, HONEST)
        await bring(desk.bench, HONEST)
        await desk.next_day()
        assert await desk.producer().produce() == 1
        first, second = [parse_report(attachment(octets)[2]) for _, octets in await desk.letters()]
        assert (first.passed, second.passed) == (1, 2)
        assert first.end + 1 == second.begin
        assert first.report_id != second.report_id

    run(tmp_path, work)


def test_switched_off(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await bring(desk.bench, HONEST)
        await desk.next_day()
        assert await desk.producer().produce() == 0
        assert await outcomes(desk) == ["off"]

    run(tmp_path, work, dmarc=False)


def test_the_dns_asked_is_the_resolvers(tmp_path: Path) -> None:
    """What is asked for a destination within the organisation: its organisation, nothing else."""

    async def work(desk: Desk) -> None:
        await bring(desk.bench, HONEST)
        await desk.next_day()
        desk.resolver.asked.clear()
        await desk.producer().produce()
        assert set(desk.resolver.asked) == {"TXT _dmarc.example.net", "TXT _dmarc.net"}
        assert isinstance(await desk.resolver.txt("_dmarc.example.net"), Answer)

    run(tmp_path, work)
