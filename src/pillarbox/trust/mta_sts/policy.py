"""The policy file: its mode, the names of the mail hosts, its lifetime (RFC 8461 §3.2)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

from msgspec import Struct

from pillarbox.trust.wildcard import matches_name

Mode = Literal["enforce", "testing", "none"]
FetchResult = Literal["sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"]

MAX_POLICY_OCTETS = 65_536  # what RFC 8461 §3.3 suggests
MAX_MX_PATTERNS = 200  # each is tried for each host; the real policies have up to 10
MAX_LIFETIME = timedelta(seconds=31_557_600)
FETCH_SECONDS = 60.0  # RFC 8461 §3.3

_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(.*)")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_PATTERN = re.compile(rf"(?=.{{1,255}}\Z)(?:\*\.)?{_LABEL}(?:\.{_LABEL})*\.?\Z")
_SECONDS = re.compile(r"[0-9]{1,10}\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Policy(Struct, frozen=True):
    """A valid policy."""

    mode: Mode
    mx: tuple[str, ...]
    max_age: timedelta

    def strings(self) -> tuple[str, ...]:
        """The policy as TLS reports show it (RFC 8460 §4.5)."""
        mx = (f"mx: {pattern}" for pattern in self.mx)
        seconds = int(self.max_age.total_seconds())
        return ("version: STSv1", f"mode: {self.mode}", *mx, f"max_age: {seconds}")


class BadPolicy(Exception):
    """No policy can be had from what came; `result` is the name that TLS reports have for it."""

    def __init__(self, why: str, result: FetchResult = "sts-policy-invalid") -> None:
        super().__init__(why)
        self.why = why
        self.result: FetchResult = result


def matches(policy: Policy, host: str) -> bool:
    """Whether the policy names this mail host (RFC 8461 §4.1)."""
    return any(matches_name(pattern, host) for pattern in policy.mx)


def parse_response(status: int, content_type: str, body: bytes) -> Policy:
    """The policy in an HTTPS answer (RFC 8461 §3.3). Raises BadPolicy."""
    if status != 200:  # a redirect, too: it must not be followed
        raise BadPolicy(f"the policy's server answered {status}", "sts-policy-fetch-error")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "text/plain":
        raise BadPolicy("the policy is not text/plain")
    return parse_policy(body)


def parse_policy(octets: bytes) -> Policy:
    """A policy file. Unknown fields do not matter. Raises BadPolicy."""
    if len(octets) > MAX_POLICY_OCTETS:
        raise BadPolicy("the policy is too large")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadPolicy("the policy is not UTF-8") from error
    fields, mx = _fields(text)
    if fields.get("version") != "STSv1":
        raise BadPolicy("the version is not STSv1")
    mode = fields.get("mode")
    if mode not in ("enforce", "testing", "none"):
        raise BadPolicy("the mode is not enforce, testing or none")
    seconds = fields.get("max_age", "")
    if not _SECONDS.match(seconds):
        raise BadPolicy("max_age is not a number of seconds")
    if mode != "none" and not mx:
        raise BadPolicy("no mx is named")
    lifetime = min(timedelta(seconds=int(seconds)), MAX_LIFETIME)
    return Policy(mode, tuple(mx), lifetime)  # type: ignore[arg-type]  # the mode is one of three


def _fields(text: str) -> tuple[dict[str, str], list[str]]:
    """All fields but mx, the first of each name; and the patterns."""
    fields: dict[str, str] = {}
    mx: list[str] = []
    lines = text.split("\n")
    if not lines[-1].strip(" \t\r"):
        lines.pop()
    for line in lines:
        field = _FIELD.match(line.removesuffix("\r").rstrip(" \t"))
        if field is None or _CONTROL.search(field[2]):
            raise BadPolicy("a line is not a name, a colon and a value")
        name, value = field[1], field[2]
        if name != "mx":
            fields.setdefault(name, value)
        elif len(mx) == MAX_MX_PATTERNS:
            raise BadPolicy("too many mx are named")
        elif not _PATTERN.match(value):
            raise BadPolicy("an mx is not a host name")
        else:
            mx.append(value.lower().removesuffix("."))
    return fields, mx


def encode_policy(policy: Policy) -> bytes:
    """The file as it is to be served."""
    return "".join(f"{line}\r\n" for line in policy.strings()).encode()
