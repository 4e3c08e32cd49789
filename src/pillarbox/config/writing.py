"""Settings that a program puts together, as TOML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pillarbox.config.schema import toml_value


def to_toml(tables: Mapping[str, object]) -> str:
    """Tables of values, tables within tables and lists of tables, in their order."""
    return "\n".join(_table("", tables)).lstrip("\n") + "\n"


def _table(path: str, table: Mapping[str, object]) -> list[str]:
    lines = [f"{key} = {toml_value(one)}" for key, one in table.items() if not _is_table(one)]
    for key, one in table.items():
        here = f"{path}.{key}" if path else key
        if isinstance(one, Mapping):
            lines += ["", f"[{here}]", *_table(here, one)]
        elif _is_table(one):
            assert isinstance(one, Sequence)
            for item in one:
                lines += ["", f"[[{here}]]", *_table(here, item)]
    return lines


def _is_table(value: object) -> bool:
    if isinstance(value, Mapping):
        return True
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    return bool(value) and isinstance(value[0], Mapping)
