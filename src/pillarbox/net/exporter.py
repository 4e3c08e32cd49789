"""The tls-exporter channel binding (RFC 9266 §2) of a TLS connection.

Newer Pythons may have a method for it. Before that, OpenSSL's `SSL_export_keying_material` is
called on the `SSL *` inside Python's SSL object. Its place there is not documented, so it is
trusted only where its neighbour in the same structure is the object's own context, which is read
as a number and never followed; otherwise there is no such binding and SCRAM-…-PLUS is not offered.
"""

from __future__ import annotations

import ctypes
import ssl
import sys
from collections.abc import Callable
from typing import Any

LABEL = b"EXPORTER-Channel-Binding"
LENGTH = 32
_POINTER = ctypes.sizeof(ctypes.c_void_p)
_HEADER = object.__basicsize__
_Export = Callable[..., int]


def export_channel_binding(tls: ssl.SSLObject | ssl.SSLSocket) -> bytes | None:
    """32 octets that both ends of this connection alone know; None where they cannot be had."""
    if tls.version() != "TLSv1.3":
        return None  # before 1.3 it is safe with the extended master secret only (RFC 9266 §4)
    own_method = getattr(tls, "export_keying_material", None)
    if own_method is not None:
        exported: bytes = own_method(LABEL, LENGTH, b"")
        return exported
    inner = getattr(tls, "_sslobj", None)
    pointer = _ssl_pointer(inner, tls.context) if inner is not None else None
    if pointer is None or _export is None:
        return None
    out = ctypes.create_string_buffer(LENGTH)
    done = _export(pointer, out, LENGTH, LABEL, len(LABEL), b"", 0, 1)
    return out.raw if done == 1 else None


def _ssl_pointer(inner: Any, context: ssl.SSLContext) -> int | None:
    """The `SSL *` of CPython's `PySSLSocket`: header, weak reference, SSL, context, …"""
    if sys.implementation.name != "cpython" or type(inner).__basicsize__ < _HEADER + 3 * _POINTER:
        return None
    words = (ctypes.c_void_p * 3).from_address(id(inner) + _HEADER)
    if words[2] != id(context):
        return None
    return words[1]


def _find_export() -> _Export | None:
    """OpenSSL's function out of the very library that the `ssl` module uses."""
    import _ssl

    path = getattr(_ssl, "__file__", None)
    try:
        function = ctypes.CDLL(path).SSL_export_keying_material
    except (OSError, AttributeError):
        return None
    function.restype = ctypes.c_int
    function.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_int,
    ]
    found: _Export = function
    return found


_export = _find_export()
