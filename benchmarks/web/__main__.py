"""`python -m benchmarks.web`, or `make bench-web`: prints Markdown."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.web import figures, load, roundcube, versus
from benchmarks.web.figures import Figure, percentile
from benchmarks.web.million import running_million
from benchmarks.web.opening import deliver_large, open_large
from benchmarks.web.targets import Targets
from benchmarks.web.window import LOOPBACK, NETWORKS
from support.browsing import CHROMIUM, running_browser
from support.web_site import ALICE, PASSWORD, Site, ready_mail, running_site

PARTS = ("roundcube", "load", "targets", "million")
SEARCHES = "searches"  # those of the targets alone: for who works on them
WORKERS = os.cpu_count() or 1
KEPT = Path(__file__).parents[2] / "var" / "bench-mail"
_WITHIN = 0.1  # opening from a million messages may differ by so much
_NOISE_MS = 8.0  # half a frame: less cannot be seen


def main() -> None:
    """Parse, run, print."""
    options = _options()
    if not CHROMIUM.exists():
        raise SystemExit(f"{CHROMIUM} is missing (package chromium)")
    began = time.monotonic()
    print(_machine(options), flush=True)
    if "roundcube" in options.only:
        _beside_roundcube(options)
    if "load" in options.only:
        with _site(options) as site:
            with running_browser() as browser:
                requests = load.record(browser, site)
            _say(load.table(load.measure(site, requests)))
    if {"targets", "million", SEARCHES} & set(options.only):
        _targets(options)
    ended = f"{time.monotonic() - began:.0f} s in all, load {os.getloadavg()[0]:.1f} in the end"
    _say([ended])


def _beside_roundcube(options: argparse.Namespace) -> None:
    if why := roundcube.missing():
        _say([f"Roundcube is left out: {why}"])
        return
    with (
        roundcube.running_roundcube(ALICE, PASSWORD, options.messages) as other,
        _site(options) as site,
        running_browser() as browser,
    ):
        _say(versus.table(*versus.compare(browser, site, other)))


def _targets(options: argparse.Namespace) -> None:
    network = NETWORKS[options.network]
    with _site(options) as site:
        deliver_large(site)
        with running_browser() as browser:
            targets = Targets(browser, site, network)
            _say(figures.head())
            if "targets" in options.only:
                for one in targets.everything():
                    print(figures.line(one), flush=True)
            elif SEARCHES in options.only:
                targets.searches()
                print(*map(figures.line, targets.figures), sep="\n", flush=True)
            if "million" in options.only and not targets.opened:
                targets.opening()
    if "million" in options.only and targets.opened:
        with running_million(options.million, WORKERS) as site:
            deliver_large(site)
            with running_browser() as browser:
                many, _, _ = open_large(browser, site, network)
        print(figures.line(_alike(targets.opened, many, options)), flush=True)


def _alike(first: list[float], many: list[float], options: argparse.Namespace) -> Figure:
    here, there = percentile(first, 50), percentile(many, 50)
    is_met = there <= here * (1 + _WITHIN) + _NOISE_MS
    return Figure(
        f"open 50 kB, not cached, from {options.million:,} messages",
        f"as from {options.messages:,}, + 10 %",
        f"{there:.0f} / {percentile(many, 95):.0f} ms ({there / here:.2f} ×)",
        is_met,
    )


@contextlib.contextmanager
def _site(options: argparse.Namespace) -> Iterator[Site]:
    """A server over a copy of a store that is made once."""
    data = ready_mail(KEPT, options.messages)
    for other in KEPT.iterdir():
        if other != data:
            shutil.rmtree(other)  # of other sources, or another size
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        running_site(Path(folder), data=data, workers=WORKERS) as site,
    ):
        yield site


def _say(lines: list[str]) -> None:
    print("", *lines, sep="\n", flush=True)


def _machine(options: argparse.Namespace) -> str:
    said = subprocess.run([CHROMIUM, "--version"], capture_output=True, text=True, check=False)
    slow = "" if options.network == LOOPBACK.name else f", network {options.network}"
    browser = said.stdout.partition(" built")[0].strip()
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {browser}, "
        f"{options.messages:,} messages, {WORKERS} worker(s){slow}, load {os.getloadavg()[0]:.1f}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web", description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=(*PARTS, SEARCHES))
    parser.add_argument("--messages", type=int, default=100_000, help="in the inbox")
    parser.add_argument("--million", type=int, default=1_000_000, help="in the largest inbox")
    parser.add_argument("--network", default=LOOPBACK.name, choices=list(NETWORKS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
