"""RFC references in the code → docs/conformance.md: section, code, test.

    python tools/rfcxref.py            write docs/conformance.md
    python tools/rfcxref.py --check    exit 1 when it is out of date
    python tools/rfcxref.py --rfc DIR  also check that every RFC and section named exists in DIR

References are written `RFC 9051 §6.3.2`; a folder of RFC texts (`rfc9051.txt`) is needed only for
the last form, and is not part of this repository.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
REFERENCE = re.compile(r"RFC (\d{3,5})((?:(?:,| and|;)? ?§+ ?[0-9A-Z][0-9.]*)*)")
SECTION = re.compile(r"§+ ?([0-9A-Z](?:[0-9.]*[0-9])?)")
HEADING = re.compile(r"^ {0,3}([0-9]+(?:\.[0-9]+)*|[A-Z](?:\.[0-9]+)*)\.? +\S", re.MULTILINE)
APPENDIX = re.compile(r"^ {0,3}Appendix ([A-Z])", re.MULTILINE)

Places = dict[tuple[int, str], set[str]]


def references(folder: str) -> Places:
    """(RFC, section or "") → files under `folder` that name it."""
    found: Places = defaultdict(set)
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix not in {".py", ".imap", ".smtp", ".pop3", ".sql"} or not path.is_file():
            continue
        text = re.sub(r"\s*\n\s*#?\s*", " ", path.read_text(errors="replace"))
        for match in REFERENCE.finditer(text):
            for section in SECTION.findall(match[2]) or [""]:
                found[int(match[1]), section].add(str(path.relative_to(ROOT)))
    return found


def page() -> str:
    """The Markdown of docs/conformance.md."""
    code, tests = references("src"), references("tests")
    lines = [
        "# Where each RFC's rules are",
        "",
        "Made by `python tools/rfcxref.py` from the references in the code and its tests.",
        "What is spoken, and how completely, is in the `docs/rfc.*.toml` tables.",
        "",
        "| RFC | section | code | tests |",
        "|--:|---|---|---|",
    ]
    for rfc, section in sorted({*code, *tests}, key=_order):
        row = (
            " ".join(f"`{name.removeprefix(f'{folder}/')}`" for name in sorted(places))
            for folder, places in (
                ("src/pillarbox", code.get((rfc, section), ())),
                ("tests", tests.get((rfc, section), ())),
            )
        )
        lines.append(f"| {rfc} | {section or '–'} | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def _order(key: tuple[int, str]) -> tuple[int, list[tuple[int, str]]]:
    rfc, section = key
    return rfc, [(int(p), "") if p.isdigit() else (10**6, p) for p in section.split(".")]


def unknown(texts: Path) -> list[str]:
    """References to RFCs or sections that `texts` does not have."""
    wrong = []
    named = sorted({*references("src"), *references("tests")}, key=_order)
    for rfc, section in named:
        text = texts / f"rfc{rfc}.txt"
        if not text.exists():
            continue  # newer than the collection
        body = text.read_text(errors="replace")
        headings = {*HEADING.findall(body), *APPENDIX.findall(body)}
        if section and section not in headings:
            wrong.append(f"RFC {rfc} has no section {section}")
    return wrong


def main() -> int:
    """Write or check the page; 1 on a difference or an unknown reference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="do not write; fail on a difference")
    parser.add_argument("--rfc", type=Path, help="folder of RFC texts to check sections against")
    given = parser.parse_args()
    wrong = unknown(given.rfc) if given.rfc else []
    for line in wrong:
        print(line)
    fresh = page()
    if not given.check:
        PAGE.write_text(fresh)
    elif not PAGE.exists() or PAGE.read_text() != fresh:
        print("docs/conformance.md is out of date; run: python tools/rfcxref.py")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
