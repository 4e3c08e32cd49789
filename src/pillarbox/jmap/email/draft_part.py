"""EmailBodyPart objects of a message to be made (RFC 8621 §4.1.4, §4.6)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from pillarbox.jmap.email.draft_field import (
    check_text,
    encode_property,
)
from pillarbox.jmap.email.header_property import HeaderProperty, find_header_property
from pillarbox.jmap.errors import invalid_properties
from pillarbox.message.body_parts import Leaf, Multipart, Node, text_octets
from pillarbox.message.compose import encode_param, fold_words
from pillarbox.message.mime import decode_params, parse_content_type

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_WORD = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}")
_CID = re.compile(r"[!-;=?-~]{1,900}")
_LOCATION = re.compile(r"[!-~]{1,900}")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,100}")

_PROPERTIES = frozenset(
    (
        "partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language",
        "location", "subParts",
    )
)  # fmt: skip
# The field that a property becomes, beside which it may not be given once more.
_FIELD_OF = {
    "type": b"content-type",
    "charset": b"content-type",
    "disposition": b"content-disposition",
    "cid": b"content-id",
    "language": b"content-language",
    "location": b"content-location",
}
_OURS = b"content-transfer-encoding"

Values = dict[str, str]  # text by partId


class PartPlan(msgspec.Struct, frozen=True):
    """One part; its content is a text, a blob or parts."""

    type: str  # in lower case
    text: str | None = None
    blob: str = ""
    parts: tuple[PartPlan, ...] = ()
    type_words: tuple[str, ...] = ()  # of Content-Type, without charset and boundary
    charset: str = ""  # "": to be found out
    fields: bytes = b""  # all but Content-Type, whole lines
    other_fields: frozenset[bytes] = frozenset()  # names of those that are not MIME's, folded
    is_shown_inside: bool = False  # by the HTML that refers to it
    where: str = "bodyStructure"  # the property that it was given in

    def build(self, blobs: dict[str, bytes]) -> Node:
        """With the octets of its blobs; a text's charset is ours. Raises RecordRefused."""
        if self.parts:
            parts = tuple(part.build(blobs) for part in self.parts)
            return Multipart(self.type_words, self.fields, parts)
        if self.text is None:
            content = blobs[self.blob]
            return Leaf(self.type, self._header(self._charset_of(content)), content, False)
        charset = "us-ascii" if self.text.isascii() else "utf-8"
        try:
            content = text_octets(self.text)
        except UnicodeEncodeError as error:
            raise invalid_properties("The text is no Unicode.", self.where) from error
        return Leaf(self.type, self._header(charset), content, True)

    def _charset_of(self, content: bytes) -> str:
        if self.charset or not self.type.startswith("text/") or content.isascii():
            return self.charset
        try:
            content.decode()
        except UnicodeDecodeError:
            return ""
        return "utf-8"

    def _header(self, charset: str) -> bytes:
        words = list(self.type_words or (self.type,))
        if charset:
            words = [*words[:-1], words[-1] + ";", *encode_param("charset", charset)]
        return fold_words("Content-Type", words) + self.fields


def parse_values(email: dict[str, Any]) -> Values:
    """bodyValues as texts. Raises RecordRefused."""
    given = email.get("bodyValues", {})
    values: Values = {}
    if not isinstance(given, dict):
        raise invalid_properties("bodyValues is a map.", "bodyValues")
    for part, value in given.items():
        if not isinstance(value, dict) or not isinstance(value.get("value"), str):
            raise invalid_properties("A body value has a text.", f"bodyValues/{part}")
        if not value.keys() <= {"value", "isEncodingProblem", "isTruncated"}:
            raise invalid_properties("A body value has no such property.", f"bodyValues/{part}")
        if value.get("isEncodingProblem") or value.get("isTruncated"):
            raise invalid_properties(
                "Half a text, or one that could not be read, is not kept.", f"bodyValues/{part}"
            )
        values[part] = value["value"]
    return values


def parse_part(part: Any, values: Values, max_depth: int, where: str = "bodyStructure") -> PartPlan:
    """One part and those inside, at most so many levels. Raises RecordRefused."""
    if not isinstance(part, dict):
        raise invalid_properties("A part is an object.", where)
    if max_depth < 1:
        raise invalid_properties("The parts are nested too deep.", where)
    part = {name: value for name, value in part.items() if value is not None}
    own = _own_fields(part, where)
    lines = {field.key: encode_property(name, field, part[name]) for name, field in own.items()}
    type_line = lines.pop(b"content-type", b"")
    if type_line:
        kind, type_words, charset = _read_type(type_line, where)
    else:
        inside = "multipart/mixed" if "subParts" in part else "text/plain"
        kind = check_text(where, part.get("type", inside)).lower()
        type_words, charset = (kind,), _word(part, "charset", where)
    if not _TYPE.fullmatch(kind):
        raise invalid_properties(f"{kind[:80]!r} is no type of content.", f"{where}/type")
    mime, name_word = _mime_fields(part, lines, where)
    if name_word:
        type_words = (*type_words[:-1], type_words[-1] + ";", *_semicolons(name_word))
    return _with_content(
        part,
        values,
        max_depth,
        PartPlan(
            kind,
            type_words=type_words,
            charset=charset,
            fields=b"".join([*mime, *lines.values()]),
            other_fields=frozenset(name for name in lines if not name.startswith(b"content-")),
            is_shown_inside="cid" in part and part.get("disposition", "").lower() == "inline",
            where=where,
        ),
    )


def _own_fields(part: dict[str, Any], where: str) -> dict[str, HeaderProperty]:
    """The header: properties of a part."""
    own: dict[str, HeaderProperty] = {}
    wrong: list[str] = []
    for name in part:
        field = find_header_property(name)
        if field is not None and field.key != _OURS:
            own[name] = field
        elif name not in _PROPERTIES:
            wrong.append(f"{where}/{name}")
    if wrong:
        raise invalid_properties("A part cannot have that set.", *wrong)
    taken = [field.key for field in own.values()]
    taken += {_FIELD_OF[name] for name in part if name in _FIELD_OF}
    twice = [name for name, field in own.items() if taken.count(field.key) > 1]
    if twice:
        raise invalid_properties(
            "Two properties stand for one header field.", *[f"{where}/{name}" for name in twice]
        )
    return own


def _read_type(line: bytes, where: str) -> tuple[str, tuple[str, ...], str]:
    """A Content-Type that the client wrote: type, words and charset."""
    parsed = parse_content_type(line.split(b":", 1)[1].replace(b"\r\n", b"").strip())
    if parsed is None:
        raise invalid_properties("That is no Content-Type.", f"{where}/header:Content-Type")
    main, sub, raw = parsed
    kind = f"{main.decode('ascii', 'replace')}/{sub.decode('ascii', 'replace')}"
    params = dict(decode_params(raw))
    charset = params.pop("charset", "")
    if "boundary" in params or not all(_WORD.fullmatch(name) for name in (*params, charset or "x")):
        raise invalid_properties(
            "The boundary is the server's, and names are plain.", f"{where}/header:Content-Type"
        )
    words = [word for name, value in params.items() for word in encode_param(name, value)]
    return kind, (f"{kind};", *_semicolons(words)) if words else (kind,), charset


def _semicolons(words: list[str]) -> list[str]:
    return [*[word + ";" for word in words[:-1]], words[-1]]


def _word(part: dict[str, Any], name: str, where: str) -> str:
    value = check_text(f"{where}/{name}", part.get(name, ""))
    if value and not _WORD.fullmatch(value):
        raise invalid_properties(f"{name} is one word.", f"{where}/{name}")
    return value


def _mime_fields(
    part: dict[str, Any], own: dict[bytes, bytes], where: str
) -> tuple[list[bytes], list[str]]:
    """The fields that properties become; the name, where it belongs to Content-Type."""
    fields: list[bytes] = []
    name = check_text(f"{where}/name", part.get("name", ""))
    disposition = _word(part, "disposition", where)
    if name and b"content-disposition" in own:
        raise invalid_properties("The name is told twice.", f"{where}/name")
    if disposition:
        words = [disposition]
        if name:
            words = [f"{disposition};", *_semicolons(encode_param("filename", name))]
        fields.append(fold_words("Content-Disposition", words))
    for asked, field, pattern, form in (
        ("cid", "Content-ID", _CID, "<{}>"),
        ("location", "Content-Location", _LOCATION, "{}"),
    ):
        if asked in part:
            value = part[asked]
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise invalid_properties(f"{asked} cannot be that.", f"{where}/{asked}")
            fields.append(fold_words(field, [form.format(value)]))
    if "language" in part:
        tags = part["language"]
        if not isinstance(tags, list) or not all(
            isinstance(tag, str) and _LANGUAGE.fullmatch(tag) for tag in tags
        ):
            raise invalid_properties("language is a list of tags.", f"{where}/language")
        if tags:
            fields.append(fold_words("Content-Language", ", ".join(tags).split(" ")))
    return fields, encode_param("name", name) if name and not disposition else []


def _with_content(part: dict[str, Any], values: Values, max_depth: int, plan: PartPlan) -> PartPlan:
    where = plan.where
    sources = [name for name in ("partId", "blobId", "subParts") if name in part]
    is_multipart = plan.type.startswith("multipart/")
    if len(sources) != 1 or is_multipart != (sources == ["subParts"]):
        raise invalid_properties(
            "A part has a partId or a blobId, and a multipart has subParts.",
            *[f"{where}/{name}" for name in sources or ["partId"]],
        )
    given = part[sources[0]]
    if is_multipart:
        if not isinstance(given, list) or not given or plan.charset:
            raise invalid_properties("A multipart has parts.", f"{where}/subParts")
        parts = tuple(parse_part(one, values, max_depth - 1, where) for one in given)
        return msgspec.structs.replace(plan, parts=parts)
    if not isinstance(given, str):
        raise invalid_properties(f"{sources[0]} is an id.", f"{where}/{sources[0]}")
    if sources == ["blobId"]:
        if not given:
            raise invalid_properties("An id has a letter at least.", f"{where}/blobId")
        return msgspec.structs.replace(plan, blob=given)
    wrong = [f"{where}/{name}" for name in ("charset", "size") if name in part]
    if wrong or given not in values or not plan.type.startswith("text/"):
        raise invalid_properties(
            "Its content is a text of bodyValues.", *wrong or [f"{where}/partId"]
        )
    return msgspec.structs.replace(plan, text=values[given])
