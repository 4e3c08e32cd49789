"""Pictures by their first octets: only what browsers draw without running anything."""

from __future__ import annotations

MOST_SNIFFED = 32  # octets
_BRANDS = frozenset({b"avif", b"avis"})
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})


def raster_type(first: bytes) -> str | None:
    """The media type; None for all else, SVG included."""
    if first.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if first.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if first.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        return "image/webp"
    if first[4:8] == b"ftyp" and first[8:12] in _BRANDS:
        return "image/avif"
    if first[:2] == b"BM" and int.from_bytes(first[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    return None
