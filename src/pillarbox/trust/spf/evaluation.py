"""One evaluation: records fetched, mechanisms tried in order, the DNS bounded (RFC 7208 §4.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from pillarbox.dns.answer import Answer
from pillarbox.dns.errors import BadDnsName, DnsFailure
from pillarbox.net.networks import parse_address
from pillarbox.trust.gathering import gathered
from pillarbox.trust.spf.errors import BadSpfRecord, SpfUnavailable
from pillarbox.trust.spf.macros import MacroString, fit_name, parse_explanation
from pillarbox.trust.spf.record import Directive, SpfRecord, is_spf, parse_record
from pillarbox.trust.spf.result import Verdict

if TYPE_CHECKING:
    from pillarbox.config.trust import TrustSettings
    from pillarbox.dns.resolver import Resolver

T = TypeVar("T")

MAX_LOOKUPS = 10  # terms that ask the DNS, over all records of an evaluation (RFC 7208 §4.6.4)
MAX_NAMES = 10  # hosts of one MX or PTR answer whose addresses are asked (the same section)

_RESULTS: dict[str, Verdict] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class Question(Struct):
    """What check_host() is asked."""

    ip: str  # without zone; IPv4 where it was mapped into IPv6
    helo: str
    local: str
    domain: str
    receiver: str
    now: datetime


class Outcome(Struct, frozen=True):
    """The result of one record, with the record that gave it."""

    result: Verdict
    why: str
    mechanism: str = ""
    domain: str = ""  # of the record that decided: redirect= moves it
    record: SpfRecord | None = None


class Evaluation:
    """Holds the counters that all records of an evaluation share."""

    def __init__(self, question: Question, resolver: Resolver, settings: TrustSettings) -> None:
        self.lookups = 0
        self._voids = 0
        self._question = question
        self._resolver = resolver
        self._settings = settings
        self._address: IPv4Address | IPv6Address = parse_address(question.ip)
        self._names: tuple[str, ...] | None = None  # validated names of the client, once asked

    async def check(self, domain: str) -> Outcome:
        """check_host() for one domain. Raises BadSpfRecord, SpfUnavailable."""
        record = await self._fetch(domain)
        if record is None:
            return Outcome("none", f"{domain} has no SPF record")
        for directive in record.directives:
            if await self._matches(directive, domain):
                result = _RESULTS[directive.qualifier]
                why = f"{self._question.ip} matches {directive.text} of {domain}"
                return Outcome(result, why, directive.text, domain, record)
        if record.redirect is None:
            return Outcome("neutral", f"no mechanism of {domain} matches", "", domain, record)
        return await self._redirect(record.redirect, domain)

    async def explain(self, outcome: Outcome) -> str:
        """The domain's own words for a fail, "" for none; any fault in them is none (§6.2)."""
        limit = self._settings.spf_explanation_octets
        if outcome.result != "fail" or not limit or outcome.record is None:
            return ""
        spec = outcome.record.explanation
        try:
            name = None if spec is None else await self._target(spec, outcome.domain)
            if name is None:
                return ""
            answer = await self._resolver.txt(name)
            if len(answer.records) != 1:
                return ""
            text = parse_explanation(answer.records[0].decode("ascii"))
            shown = await self._expand(text, outcome.domain)
        except (BadDnsName, DnsFailure, BadSpfRecord, UnicodeDecodeError):
            return ""
        return shown[:limit] if shown.isascii() and shown.isprintable() else ""

    async def _fetch(self, domain: str) -> SpfRecord | None:
        """The one SPF record of a domain, parsed; None for none."""
        try:
            answer = await self._resolver.txt(domain)
        except BadDnsName:
            return None
        except DnsFailure as error:
            raise SpfUnavailable(str(error)) from error
        records = [record for record in answer.records if is_spf(record)]
        if len(records) > 1:
            raise BadSpfRecord(f"{domain} has {len(records)} SPF records")
        if not records:
            return None
        if len(records[0]) > self._settings.spf_max_record_octets:
            raise BadSpfRecord(f"the record of {domain} is longer than we read")
        try:
            return parse_record(records[0])
        except BadSpfRecord as error:
            raise BadSpfRecord(f"the record of {domain}: {error}") from error

    async def _redirect(self, spec: MacroString, domain: str) -> Outcome:
        self._count_lookup()
        target = await self._target(spec, domain)
        if target is None:
            raise BadSpfRecord(f"redirect={spec.text} of {domain} leads nowhere")
        outcome = await self.check(target)
        if outcome.result == "none":
            raise BadSpfRecord(f"redirect={spec.text} of {domain}: {outcome.why}")
        return outcome

    # Mechanisms

    async def _matches(self, directive: Directive, domain: str) -> bool:
        if directive.mechanism == "all":
            return True
        if directive.network is not None:
            return self._address in directive.network
        self._count_lookup()
        target: str | None = domain
        if directive.target is not None:
            target = await self._target(directive.target, domain)
        if target is None:
            # §4.8 leaves it open; a permerror would tell a sender with an odd local part, or with
            # one outside ASCII (RFC 8616 §4), that the record is broken, which it is not.
            return False
        match directive.mechanism:
            case "include":
                return await self._include(target, domain)
            case "exists":
                return bool((await self._ask(self._resolver.a(target))).records)
            case "a":
                return self._is_among((await self._ask_addresses(target)).records, directive)
            case "mx":
                return await self._is_mail_host(target, directive)
        return any(
            name == target or name.endswith(f".{target}") for name in await self._client_names()
        )

    async def _include(self, target: str, domain: str) -> bool:
        """RFC 7208 §5.2."""
        outcome = await self.check(target)
        if outcome.result == "none":
            raise BadSpfRecord(f"include of {domain}: {outcome.why}")
        return outcome.result == "pass"

    async def _is_mail_host(self, target: str, directive: Directive) -> bool:
        """RFC 7208 §5.4: more hosts than the limit are an error, whichever would match."""
        hosts = [mx.exchange for mx in (await self._ask(self._resolver.mx(target))).records]
        if len(hosts) > MAX_NAMES:
            raise BadSpfRecord(f"{target} has more than {MAX_NAMES} MX records")
        # All at once: the limit is the same, and a slow server costs its time only once.
        answers = await gathered([self._addresses(host) for host in hosts if host])
        is_void = False
        for answer in answers:
            if isinstance(answer, Answer):
                if self._is_among(answer.records, directive):
                    return True
                is_void = is_void or not answer.records
            elif isinstance(answer, DnsFailure):
                raise SpfUnavailable(str(answer))
            elif not isinstance(answer, BadDnsName):
                raise answer
        if is_void:
            self._count_void()
        return False

    def _is_among(self, addresses: tuple[str, ...], directive: Directive) -> bool:
        ip = self._address
        prefix = directive.prefix4 if ip.version == 4 else directive.prefix6
        if prefix == ip.max_prefixlen:
            return any(parse_address(one) == ip for one in addresses)
        network = ip_network((ip, prefix), strict=False)
        return any(parse_address(one) in network for one in addresses)

    async def _client_names(self) -> tuple[str, ...]:
        """Names of the client that lead back to it; failures are no names (RFC 7208 §5.5)."""
        if self._names is None:
            try:
                found = (await self._resolver.ptr(self._question.ip)).records[:MAX_NAMES]
            except (DnsFailure, BadDnsName):
                found = ()
            else:
                if not found:
                    self._count_void()
            answers = await gathered([self._addresses(name) for name in found])
            self._names = tuple(
                name
                for name, answer in zip(found, answers, strict=True)
                if isinstance(answer, Answer)
                and any(parse_address(one) == self._address for one in answer.records)
            )
        return self._names

    # The DNS

    def _addresses(self, name: str) -> Coroutine[Any, Any, Answer[str]]:
        resolver = self._resolver
        return resolver.a(name) if self._address.version == 4 else resolver.aaaa(name)

    async def _ask_addresses(self, name: str) -> Answer[str]:
        return await self._ask(self._addresses(name))

    async def _ask(self, question: Awaitable[Answer[T]]) -> Answer[T]:
        """An answer; one without records counts as void (RFC 7208 §4.6.4)."""
        try:
            answer = await question
        except DnsFailure as error:
            raise SpfUnavailable(str(error)) from error
        except BadDnsName:
            return Answer("", "", (), False, False, 0)
        if not answer.records:
            self._count_void()
        return answer

    def _count_lookup(self) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            raise BadSpfRecord(f"more than {MAX_LOOKUPS} terms ask the DNS")

    def _count_void(self) -> None:
        self._voids += 1
        if self._voids > self._settings.spf_void_lookups:
            raise BadSpfRecord("too many questions to the DNS lead nowhere")

    # Macros

    async def _target(self, spec: MacroString, domain: str) -> str | None:
        """The name that a domain-spec stands for; None where no name can be made of it."""
        if spec.letters & {"s", "l"} and not self._question.local.isascii():
            return None  # RFC 8616 §4
        name = fit_name(await self._expand(spec, domain)).lower()
        return name if all(0 < len(label) < 64 for label in name.split(".")) else None

    async def _expand(self, text: MacroString, domain: str) -> str:
        """Raises BadSpfRecord when %{p} asks once too often."""
        name = await self._client_name(domain) if "p" in text.letters else ""
        return text.expand(lambda letter: self._value_of(letter, domain, name))

    def _value_of(self, letter: str, domain: str, name: str) -> str:
        """RFC 7208 §7.2."""
        question = self._question
        match letter:
            case "s":
                return f"{question.local}@{question.domain}"
            case "l":
                return question.local
            case "o":
                return question.domain
            case "d":
                return domain
            case "i":
                return _dotted(self._address)
            case "p":
                return name
            case "v":
                return "in-addr" if self._address.version == 4 else "ip6"
            case "h":
                return question.helo
            case "c":
                return question.ip
            case "r":
                return question.receiver
        return str(int(question.now.timestamp()))  # "t"

    async def _client_name(self, domain: str) -> str:
        """The name that %{p} prefers (RFC 7208 §7.3)."""
        names = await self._client_names()
        if domain in names:
            return domain
        inside = [name for name in names if name.endswith(f".{domain}")]
        return next(iter((*inside, *names)), "unknown")


def _dotted(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return ".".join(address.exploded.replace(":", ""))
