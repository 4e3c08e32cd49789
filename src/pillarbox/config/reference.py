"""The configuration reference (docs/guide/configuration.md), written from the structs."""

from __future__ import annotations

from pillarbox.config.schema import Setting, Table, tables
from pillarbox.config.settings import Settings

HEAD = """\
# Configuration reference

<!-- Written by `pillarbox config reference`; a test compares it with the code. -->

One TOML file, named by `--config`, by the environment variable `PILLARBOX_CONFIG`, or found as
`pillarbox.toml` in the current folder or `/etc/pillarbox/pillarbox.toml`. Every setting has a
default, so that an empty file is a valid configuration; an unknown key is refused. `pillarbox
config check` reads the file as the server would, and SIGHUP makes a running server read it again.

Sizes are in octets and spans in seconds. Integers may be written with underscores (`50_000_000`).
"""


def reference() -> str:
    """The whole page as Markdown."""
    return HEAD + "".join(_section(table) for table in tables(Settings))


def _section(table: Table) -> str:
    bare = table.path.replace("[]", "")
    title = f"[[{bare}]]" if table.repeated else f"[{bare}]"
    lines = ["", f"## `{title}`", "", table.description, ""]
    for setting in table.settings:
        lines.extend(_entry(setting))
    return "\n".join(lines).rstrip() + "\n"


def _entry(setting: Setting) -> list[str]:
    name = setting.path.rpartition(".")[2]
    facts = [setting.type]
    if setting.limits:
        facts.append(setting.limits)
    facts.append("required" if setting.required else f"default `{setting.default or 'none'}`")
    return [f"### `{name}`", "", f"*{'; '.join(facts)}*", "", setting.description, ""]
