"""What a server wrote into a header in its own name."""

from __future__ import annotations

from pillarbox.trust.authres import AuthRes, parse


def results(octets: bytes, authserv_id: str) -> AuthRes:
    """The Authentication-Results of that server."""
    header = octets.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        read = parse(value) if name.lower() == b"authentication-results" else None
        if read is not None and read.authserv_id == authserv_id:
            return read
    raise AssertionError(header[:2000])


def told(octets: bytes, authserv_id: str) -> dict[str, set[str]]:
    """The results by method."""
    found: dict[str, set[str]] = {}
    for one in results(octets, authserv_id).findings:
        found.setdefault(one.method, set()).add(one.result)
    return found
