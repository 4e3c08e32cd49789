"""libopendkim, the library inside OpenDKIM, by ctypes: signing and verifying without a milter.

Its interface is that of dkim.h 2.11 (Debian's libopendkim11); keys come from a file, so that no DNS
is asked.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_ssize_t, c_uint, c_void_p
from pathlib import Path

import pytest

from pillarbox.trust.dkim import SigningKey, dns_record
from support.dkim_keys import key_name
from support.programs import REQUIRE_ALL

_LIBRARY = "libopendkim.so.11"
_OK = 0
_SET = 1  # DKIM_OP_SETOPT
_OPT_FLAGS, _OPT_OVERSIGN, _OPT_METHOD, _OPT_INFO, _OPT_FIXED_TIME = 0, 5, 6, 7, 8
_FROM_FILE = 1  # DKIM_QUERY_FILE
_CACHE = 0x8  # DKIM_LIBFLAGS_CACHE
_CANON = {"simple": 0, "relaxed": 1}
_ALGORITHM = {"rsa-sha256": 1, "ed25519-sha256": 2}
_PASSED = 0x04  # DKIM_SIGFLAG_PASSED
_WHOLE = -1  # no l=
_MARGIN = 15  # octets that the field's name takes on its first line


class OpenDkim:
    """One handle of the library, with the keys of a zone."""

    def __init__(self, folder: Path, keys: list[SigningKey], *, oversign: str = "") -> None:
        try:
            self._lib = ctypes.CDLL(_LIBRARY)
        except OSError:
            if os.environ.get(REQUIRE_ALL):
                pytest.fail(f"{_LIBRARY} is not there; requirements/debian-test.txt names it")
            pytest.skip(f"{_LIBRARY} is not there")
        self._declare()
        self._handle = self._lib.dkim_init(None, None)
        assert self._handle
        self._file = folder / "keys"
        self._file.write_text("".join(f"{key_name(key)} {dns_record(key)}\n" for key in keys))
        self._set(_OPT_METHOD, byref(c_int(_FROM_FILE)), 4)
        path = str(self._file).encode()
        self._set(_OPT_INFO, c_char_p(path), len(path))
        if oversign:
            names = [*(name.encode() for name in oversign.split()), None]
            self._names = (c_char_p * len(names))(*names)
            self._set(_OPT_OVERSIGN, self._names, ctypes.sizeof(c_void_p))

    def sign(
        self, message: bytes, key: SigningKey, canon: str = "relaxed/relaxed", length: int = _WHOLE
    ) -> bytes:
        """The DKIM-Signature field, to stand in front."""
        status = c_int(0)
        header, _, body = canon.partition("/")
        dkim = self._lib.dkim_sign(
            self._handle,
            b"test",
            None,
            key.secret.reveal(),
            key.selector.encode(),
            key.domain.encode(),
            _CANON[header],
            _CANON[body],
            _ALGORITHM[key.algorithm],
            length,
            byref(status),
        )
        assert dkim, status.value
        try:
            self._feed(dkim, message)
            at, size = c_void_p(), c_size_t()
            assert self._lib.dkim_getsighdr_d(dkim, _MARGIN, byref(at), byref(size)) == _OK
            return b"DKIM-Signature: " + ctypes.string_at(at, size.value) + b"\r\n"
        finally:
            self._lib.dkim_free(dkim)

    def verify(self, message: bytes) -> list[bool]:
        """For each signature, top to bottom, whether it holds, header and body."""
        status = c_int(0)
        dkim = self._lib.dkim_verify(self._handle, b"test", None, byref(status))
        assert dkim, status.value
        try:
            self._feed(dkim, message)
            infos, count = POINTER(c_void_p)(), c_int(0)
            assert self._lib.dkim_getsiglist(dkim, byref(infos), byref(count)) == _OK
            results = []
            for info in infos[: count.value]:
                self._lib.dkim_sig_process(dkim, info)
                flags = self._lib.dkim_sig_getflags(info)
                results.append(bool(flags & _PASSED) and self._lib.dkim_sig_getbh(info) == 0)
            return results
        finally:
            self._lib.dkim_free(dkim)

    def close(self) -> None:
        """Give the handle back."""
        self._lib.dkim_close(self._handle)

    def _feed(self, dkim: int, message: bytes) -> None:
        status = self._lib.dkim_chunk(dkim, message, len(message))
        assert status == _OK, self._why(dkim, status)
        status = self._lib.dkim_chunk(dkim, b"", 0)
        assert status == _OK, self._why(dkim, status)
        self._lib.dkim_eom(dkim, byref(c_bool()))

    def _why(self, dkim: int, status: int) -> str:
        return f"{status}: {self._lib.dkim_geterror(dkim)!r}"

    def _set(self, option: int, value: object, size: int) -> None:
        assert self._lib.dkim_options(self._handle, _SET, option, value, size) == _OK

    def _declare(self) -> None:
        lib = self._lib
        prototypes = {
            "dkim_init": (c_void_p, [c_void_p, c_void_p]),
            "dkim_close": (None, [c_void_p]),
            "dkim_options": (c_int, [c_void_p, c_int, c_int, c_void_p, c_size_t]),
            "dkim_sign": (
                c_void_p,
                [
                    *(c_void_p, c_char_p, c_void_p, c_char_p, c_char_p, c_char_p),
                    *(c_int, c_int, c_int, c_ssize_t, POINTER(c_int)),
                ],
            ),
            "dkim_verify": (c_void_p, [c_void_p, c_char_p, c_void_p, POINTER(c_int)]),
            "dkim_chunk": (c_int, [c_void_p, c_char_p, c_size_t]),
            "dkim_eom": (c_int, [c_void_p, POINTER(c_bool)]),
            "dkim_getsighdr_d": (
                c_int,
                [c_void_p, c_size_t, POINTER(c_void_p), POINTER(c_size_t)],
            ),
            "dkim_getsiglist": (
                c_int,
                [c_void_p, POINTER(POINTER(c_void_p)), POINTER(c_int)],
            ),
            "dkim_sig_process": (c_int, [c_void_p, c_void_p]),
            "dkim_sig_getflags": (c_uint, [c_void_p]),
            "dkim_sig_getbh": (c_int, [c_void_p]),
            "dkim_geterror": (c_char_p, [c_void_p]),
            "dkim_free": (c_int, [c_void_p]),
        }
        for name, (result, arguments) in prototypes.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
