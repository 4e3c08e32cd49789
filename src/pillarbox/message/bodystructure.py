"""BODY and BODYSTRUCTURE as IMAP sends them (RFC 9051 §7.5.2, RFC 3501 §7.4.2).

Parameters go out as their sender wrote them, charsets of RFC 2231 and encoded words included, as
other servers do: clients expect to decode them. Only quoting is undone and done again, and RFC 2231
pieces of one value are joined, since many clients look for `filename*` and no further.
"""

from __future__ import annotations

import re

from pillarbox.message import envelope, mime
from pillarbox.message.imap_string import encode_nstring, encode_string
from pillarbox.message.mime import RawParams
from pillarbox.message.part import Octets
from pillarbox.message.structure import Node, body_lines

# RFC 2045 §5.2: what a part is that does not say.
_DEFAULT_PARAMS = b'("charset" "us-ascii")'
_NOTHING = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'
_NOTHING_EXTENDED = _NOTHING[:-1] + b" NIL NIL NIL NIL)"
_LANGUAGE = re.compile(rb"[A-Za-z0-9-]++")


def encode(octets: Octets, nodes: list[Node]) -> tuple[bytes, bytes]:
    """BODY and BODYSTRUCTURE of the root, which comes first; nested envelopes are encoded already.

    `nodes` has parents before their children, so reversed it needs no recursion.
    """
    done: dict[int, tuple[bytes, bytes]] = {}
    short = long = b""
    for node in reversed(nodes):
        if node.type == b"multipart":
            short, long = _encode_multipart(node, done)
        else:
            short, long = _encode_single(octets, node, done)
        done[id(node)] = (short, long)
    return short, long


def _encode_multipart(node: Node, done: dict[int, tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    pairs = [done.pop(id(child)) for child in node.children]
    subtype = encode_string(node.subtype)
    short = b"(%b %b)" % (b"".join([pair[0] for pair in pairs]), subtype)
    long = b"(%b %b %b%b)" % (
        b"".join([pair[1] for pair in pairs]),
        subtype,
        _encode_params(node.params),
        _extension(node),
    )
    return short, long


def _encode_single(
    octets: Octets, node: Node, done: dict[int, tuple[bytes, bytes]]
) -> tuple[bytes, bytes]:
    fields = node.fields
    if node.params or b"content-type" in fields or node.type != b"text":
        params = _encode_params(node.params)
    else:
        params = _DEFAULT_PARAMS
    start = b"(%b %b %b %b %b %b %d" % (
        encode_string(node.type),
        encode_string(node.subtype),
        params,
        encode_nstring(node.first(b"content-id")),
        encode_nstring(node.first(b"content-description")),
        encode_string(node.encoding),
        node.body_end - node.body_start,
    )
    md5 = node.first(b"content-md5")
    end = b" %b%b)" % (encode_nstring(md5), _extension(node))
    if node.type == b"text":
        start += b" %d" % body_lines(octets, node)
    elif node.type == b"message" and (node.subtype == b"rfc822" or node.subtype == b"global"):
        # A message that was not opened (encoded, or too deep) still needs all places filled.
        pair = (_NOTHING, _NOTHING_EXTENDED)
        inner = envelope.EMPTY
        if node.children:
            pair = done.pop(id(node.children[0]))
            inner = node.children[0].envelope
        lines = body_lines(octets, node)
        return (
            b"%b %b %b %d)" % (start, inner, pair[0], lines),
            b"%b %b %b %d%b" % (start, inner, pair[1], lines, end),
        )
    return start + b")", start + end


def _extension(node: Node) -> bytes:
    """Disposition, language and location, each with a space in front."""
    fields = node.fields
    disposition = language = b"NIL"
    raw = node.first(b"content-disposition")
    if raw is not None:
        parsed = mime.parse_disposition(raw)
        if parsed is not None:
            disposition = b"(%b %b)" % (encode_string(parsed[0]), _encode_params(parsed[1]))
    if b"content-language" in fields:
        tags = languages(node)
        if len(tags) == 1:
            language = encode_string(tags[0])
        elif tags:
            language = b"(" + b" ".join([encode_string(tag) for tag in tags]) + b")"
    return b" %b %b %b" % (disposition, language, encode_nstring(node.first(b"content-location")))


def languages(node: Node) -> list[bytes]:
    """The tags of Content-Language (RFC 3282 §2)."""
    raw = node.first(b"content-language")
    return _LANGUAGE.findall(raw) if raw is not None else []


def _encode_params(params: RawParams) -> bytes:
    joined = mime.join_params(params)
    if not joined:  # none, or only pieces that make no whole (RFC 2231 §3)
        return b"NIL"
    return (
        b"("
        + b" ".join([encode_string(name) + b" " + encode_string(value) for name, value in joined])
        + b")"
    )
