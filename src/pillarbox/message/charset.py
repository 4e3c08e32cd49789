"""Octets in a named charset to text. Never raises; unknown names are guessed at."""

from __future__ import annotations

import functools
from encodings.aliases import aliases

# Only these codecs are ever used: looking up a peer's word would import modules by that name, and
# some text codecs (idna, punycode) take quadratic time.
_CODEC_NAMES = """
    ascii utf_8 utf_7 utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le latin_1
    iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10
    iso8859_11 iso8859_13 iso8859_14 iso8859_15 iso8859_16 cp1250 cp1251 cp1252 cp1253 cp1254
    cp1255 cp1256 cp1257 cp1258 cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp860 cp861
    cp862 cp863 cp864 cp865 cp866 cp869 cp874 cp1125 koi8_r koi8_u koi8_t kz1048 ptcp154 mac_roman
    mac_cyrillic mac_greek mac_latin2 mac_turkish mac_iceland tis_620 gbk gb18030 hz big5
    big5hkscs cp932 cp949 cp950 euc_jp euc_jis_2004 euc_jisx0213 euc_kr shift_jis shift_jis_2004
    shift_jisx0213 iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_3 iso2022_jp_ext iso2022_kr
    johab cp037 cp500 cp1140 hp_roman8
"""
_CODECS = frozenset(_CODEC_NAMES.split())

# What programs write, where Python has no such alias or a wider set holds what they really send.
_WRITTEN = {
    "us_ascii": "ascii",
    "latin_1": "cp1252",  # as browsers do: 0x80 to 0x9f are never meant as controls
    "iso8859_1": "cp1252",
    "iso_8859_1": "cp1252",
    "latin1": "cp1252",
    "gb2312": "gb18030",
    "gb_2312_80": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "euc_cn": "gb18030",
    "eucgb2312_cn": "gb18030",  # so Python's own library writes GB 2312
    "x_gbk": "gb18030",
    "ks_c_5601_1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "euc_kr": "cp949",
    "x_windows_949": "cp949",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "x_sjis": "cp932",
    "x_ms_cp932": "cp932",
    "windows_31j": "cp932",
    "big5": "big5hkscs",
    "x_euc_jp": "euc_jp",
    "x_big5": "big5hkscs",
    "unicode_1_1_utf_7": "utf_7",
    "unicode_1_1_utf_8": "utf_8",
    "x_unicode_2_0_utf_7": "utf_7",
    "utf8mb4": "utf_8",
    "unicode": "utf_16",
    "ucs_2": "utf_16",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "iso_8859_6_e": "iso8859_6",
    "x_mac_roman": "mac_roman",
    "macintosh": "mac_roman",
    "x_mac_cyrillic": "mac_cyrillic",
    "ansi_x3_4_1968": "ascii",
    "ansi_x3_110_1983": "latin_1",
    "8bit": "utf_8",
    "windows_874": "cp874",
    "tis_620": "cp874",
}


def _table() -> dict[str, str]:
    table = {name: name for name in _CODECS}
    table |= {alias: codec for alias, codec in aliases.items() if codec in _CODECS}
    for number in range(1, 17):
        for form in (f"iso_8859_{number}", f"iso8859_{number}", f"iso_{number}"):
            if f"iso8859_{number}" in _CODECS:
                table.setdefault(form, f"iso8859_{number}")
    for codec in _CODECS:
        if codec.startswith("cp") and codec[2:].isdigit():
            for form in ("cp_", "ibm", "ibm_", "windows_", "x_cp", "x_cp_", "win_", "x_windows_"):
                table.setdefault(form + codec[2:], codec)
    return table | _WRITTEN


_BY_NAME = _table()
_UNDERSCORES = str.maketrans("- :.", "____")
_LONGEST_NAME = 64
_SAMPLE = 4096  # octets shown to the statistical guess, which is slow


def find_codec(name: str) -> str | None:
    """Python's codec for a charset's name; None where there is none that we use."""
    return _find_codec(name) if len(name) <= _LONGEST_NAME else None


@functools.lru_cache(256)  # names come from mail: few are usual, any are possible
def _find_codec(name: str) -> str | None:
    return _BY_NAME.get(name.strip(" '\"").lower().translate(_UNDERSCORES))


def decode(octets: bytes, charset: str | None, *, thorough: bool = False) -> str:
    """The text; what cannot be decoded becomes U+FFFD. `thorough` as in `guess`."""
    codec = find_codec(charset) if charset else "ascii"
    if codec is None or codec == "ascii":
        if octets.isascii():
            return octets.decode("ascii")
        return guess(octets, thorough=thorough)
    try:
        text = octets.decode(codec, "replace")
        if codec == "utf_7":  # the one codec that lets half a surrogate pair through
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text
    except (UnicodeError, ValueError):  # utf-16 and iso-2022 have errors that no handler sees
        return guess(octets, thorough=thorough)


def guess(octets: bytes, *, thorough: bool = False) -> str:
    """Text of octets whose charset nobody names: UTF-8, Windows-1252, else by statistics.

    Statistics take milliseconds and are used only when `thorough`.
    """
    for codec in ("utf-8", "cp1252"):
        try:
            return octets.decode(codec)
        except UnicodeDecodeError:
            continue
    likely = _by_statistics(octets[:_SAMPLE]) if thorough else None
    return octets.decode(likely or "latin-1", "replace")


def _by_statistics(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes  # 60 ms to import and seldom needed

    best = from_bytes(sample, steps=3, chunk_size=512).best()
    return find_codec(best.encoding) if best is not None else None
