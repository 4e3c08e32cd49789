"""The house rules that no other linter knows: sizes, names, marks and the use of the clock.

Run by `make check`; exits 1 with a line for each breach. The limits are those of ARCHITECTURE.md.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE_LINES, TEST_LINES, FUNCTION_LINES, PARAMETERS = 600, 800, 60, 8
BANNED_NAMES = {"utils", "helpers", "common", "manager", "misc", "base", "info"}
CLOCK_CALLS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("asyncio", "sleep"),
}
# Python before 3.11.5, so Debian 12's, goes wrong where a repetition of such a group ends.
POSSESSIVE_GROUP = re.compile(r"\)[*+?]\+")
# A mark that silences another check, with nothing behind it.
BARE_MARK = re.compile(r"# (?:noqa|type: ignore)(?:: ?[A-Z0-9, ]+|\[[a-z, -]+\])?$")


def breaches(path: Path) -> Iterator[str]:
    """Every rule that one file breaks, as `path:line: sentence`."""
    where = path.relative_to(ROOT)
    text = path.read_text()
    lines = text.count("\n")
    in_source = where.parts[0] == "src"
    limit = SOURCE_LINES if in_source else TEST_LINES
    if lines > limit and not path.stem.endswith("_tables"):
        yield f"{where}:1: {lines} lines; split by what changes together (limit {limit})"
    if path.stem in BANNED_NAMES:
        yield f"{where}:1: a module named {path.stem!r} says nothing; name it for what it holds"
    if in_source:
        for number, line in enumerate(text.splitlines(), 1):
            if POSSESSIVE_GROUP.search(line):
                yield f"{where}:{number}: a possessive group; repeat it greedily"
            if BARE_MARK.search(line):
                yield f"{where}:{number}: a mark that silences a check says why, behind it"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function_breaches(node, f"{where}:{node.lineno}")
        if in_source and isinstance(node, ast.Call) and path.name != "clock.py":
            yield from _clock_breaches(node, f"{where}:{node.lineno}")


def _function_breaches(node: ast.FunctionDef | ast.AsyncFunctionDef, at: str) -> Iterator[str]:
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if length > FUNCTION_LINES:
        yield f"{at}: {node.name} has {length} lines (limit {FUNCTION_LINES})"
    arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    count = len([a for a in arguments if a.arg not in ("self", "cls")])
    if count > PARAMETERS:
        yield f"{at}: {node.name} has {count} parameters (limit {PARAMETERS})"


def _clock_breaches(node: ast.Call, at: str) -> Iterator[str]:
    called = node.func
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        pair = (called.value.id, called.attr)
        if pair in CLOCK_CALLS:
            yield f"{at}: {pair[0]}.{pair[1]}() outside clock.py; take a Clock instead"


def main() -> int:
    """Print every breach; 1 if there is one."""
    found = [
        line
        for folder in ("src", "tests", "tools", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in breaches(path)
    ]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
