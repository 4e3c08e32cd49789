"""Names whose first label may be a star, in policies and certificates (RFC 6125 §6.4.3)."""

from __future__ import annotations


def matches_name(pattern: str, name: str) -> bool:
    """Whether `pattern` ("mx.example.org", "*.example.org") covers `name`, in any letter case.

    The star is the whole first label and stands for just one.
    """
    pattern, name = pattern.lower().removesuffix("."), name.lower().removesuffix(".")
    if "*" in name:
        return False
    if not pattern.startswith("*."):
        return pattern == name
    label, dot, rest = name.partition(".")
    return bool(label and dot) and rest == pattern[2:]
