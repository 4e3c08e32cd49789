"""The settings' types, walked: every setting with its path, type, limits, default and reason.

The loader finds misspelt keys with it and the reference is written from it, so neither can fall
behind the structs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect


class Setting(msgspec.Struct, frozen=True):
    """One key of the configuration."""

    path: str  # "imap.max_line"; tables in a list have [] behind their name
    type: str  # for people: "integer", "text", "list of text"
    limits: str  # "1 to 65535"; "" for none
    default: str  # as TOML; "" when it must be given
    required: bool
    description: str


class Table(msgspec.Struct, frozen=True):
    """A [table] or [[list of tables]] with what stands in it."""

    path: str
    repeated: bool
    description: str
    settings: tuple[Setting, ...]


class UnknownKey(msgspec.Struct, frozen=True):
    """A key that no setting has."""

    path: str
    allowed: tuple[str, ...]
    suggestion: str  # "" when nothing is near


def tables(root: type[msgspec.Struct]) -> Iterator[Table]:
    """Every table below `root`, in the order of the fields."""
    for field in _struct(root).fields:
        inner, repeated = _table_of(field.type)
        if inner is not None:
            yield from _tables(inner, field.encode_name, repeated)


def find_unknown(raw: object, root: type[msgspec.Struct], path: str = "") -> Iterator[UnknownKey]:
    """Keys of the decoded TOML that no struct knows."""
    yield from _find_unknown(raw, _struct(root), path)


def _tables(struct: inspect.StructType, path: str, repeated: bool) -> Iterator[Table]:
    shown = f"{path}[]" if repeated else path
    settings: list[Setting] = []
    below: list[Table] = []
    for field in struct.fields:
        inner, many = _table_of(field.type)
        if inner is None:
            settings.append(_setting(field, shown))
        else:
            below.extend(_tables(inner, f"{shown}.{field.encode_name}", many))
    what = (struct.cls.__doc__ or "").strip().splitlines()
    yield Table(shown, repeated, what[0] if what else "", tuple(settings))
    yield from below


def _setting(field: inspect.Field, path: str) -> Setting:
    kind = field.type
    description = ""
    while isinstance(kind, inspect.Metadata):
        extra = kind.extra_json_schema or {}
        description = str(extra.get("description", "")) or description
        kind = kind.type
    return Setting(
        path=f"{path}.{field.encode_name}",
        type=_type_name(kind),
        limits=_limits(kind),
        default="" if field.required else _default(field),
        required=field.required,
        description=" ".join(description.split()),
    )


def _find_unknown(raw: object, struct: inspect.StructType, path: str) -> Iterator[UnknownKey]:
    if not isinstance(raw, dict):
        return  # wrong type: the conversion says so
    fields = {field.encode_name: field for field in struct.fields}
    for key, value in raw.items():
        here = f"{path}.{key}" if path else key
        field = fields.get(key)
        if field is None:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.6)
            yield UnknownKey(here, tuple(fields), near[0] if near else "")
            continue
        inner, repeated = _table_of(field.type)
        if inner is None:
            continue
        if repeated and isinstance(value, list):
            for number, item in enumerate(value, start=1):
                yield from _find_unknown(item, inner, f"{here}[{number}]")
        else:
            yield from _find_unknown(value, inner, here)


def _struct(root: type[msgspec.Struct]) -> inspect.StructType:
    found = inspect.type_info(root)
    assert isinstance(found, inspect.StructType)
    return found


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _table_of(kind: inspect.Type) -> tuple[inspect.StructType | None, bool]:
    """The struct that a field holds, and whether it holds a list of them."""
    kind = _bare(kind)
    if isinstance(kind, inspect.StructType):
        return kind, False
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        item = _bare(kind.item_type)
        if isinstance(item, inspect.StructType):
            return item, True
    return None, False


def _type_name(kind: inspect.Type) -> str:
    kind = _bare(kind)
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "integer"
        case inspect.FloatType():
            return "number"
        case inspect.StrType():
            return "text"
        case inspect.LiteralType():
            return "one of " + ", ".join(f'"{value}"' for value in kind.values)
        case inspect.EnumType():
            return "one of " + ", ".join(f'"{member.value}"' for member in kind.cls)
        case inspect.VarTupleType() | inspect.ListType():
            return f"list of {_type_name(kind.item_type)}"
        case inspect.DictType():
            return f"table of {_type_name(kind.value_type)}"
        case inspect.UnionType():
            named = [_type_name(one) for one in kind.types if not isinstance(one, inspect.NoneType)]
            return " or ".join(named)
    return type(kind).__name__.removesuffix("Type").lower()


def _limits(kind: inspect.Type) -> str:
    kind = _bare(kind)
    if isinstance(kind, inspect.UnionType):
        real = [_bare(one) for one in kind.types if not isinstance(one, inspect.NoneType)]
        if len(real) != 1:
            return ""
        kind = real[0]
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        low = kind.ge if kind.ge is not None else kind.gt
        lower = "" if low is None else f"above {low:g}" if kind.ge is None else _number(low)
        high = kind.le if kind.le is not None else kind.lt
        upper = "" if high is None else _number(high)
        if lower and upper:
            return f"{lower}, at most {upper}" if kind.ge is None else f"{lower} to {upper}"
        if lower:
            return lower if kind.ge is None else f"at least {lower}"
        return f"at most {upper}" if upper else ""
    return ""


def _number(value: Any) -> str:
    return f"{value:_}" if isinstance(value, int) else f"{value:g}"


def _default(field: inspect.Field) -> str:
    value = field.default
    if value is msgspec.NODEFAULT:
        assert field.default_factory is not msgspec.NODEFAULT
        value = field.default_factory()
    return toml_value(value)


def toml_value(value: object) -> str:
    """A plain value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value) if abs(value) >= 10_000 else str(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml_value(one)}" for key, one in value.items()) + "}"
    if value is None:
        return ""
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
