"""What a signature costs beside dkimpy and OpenDKIM: `python -m benchmarks.dkim`.

One thread, CPU time, the same messages, keys and canonical forms (relaxed on both sides) for all;
the best of some rounds, which take turns. Keys are at hand: in a dictionary for us and dkimpy, in a
file of two lines for OpenDKIM, whose library (not its milter) is called through ctypes. Each lists
the header fields that it signs by default.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dkim

from benchmarks.messages import MessageMaker
from pillarbox.trust.dkim import SigningKey, sign, verify
from support.dkim_keys import (
    DOMAIN,
    SETTINGS,
    ed_key,
    ed_secret,
    key_name,
    resolver,
    rsa_key,
    zone,
)
from support.dkim_opendkim import OpenDkim

Step = Callable[[bytes], object]
RSA, ED = rsa_key(), ed_key()
KEYS = [RSA, ED]
NAMES = ("pillarbox", "dkimpy", "opendkim")


def main() -> None:
    """Measure and print: microseconds for a message and how many a second on one core."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dkim", description=__doc__)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    show(options.messages, options.rounds)


def show(most: int = 100, rounds: int = 5) -> None:
    """The table of all sizes and algorithms."""
    print("DKIM signing and verifying, CPU-µs a message and messages a second on one core")
    with tempfile.TemporaryDirectory(prefix="dkim-") as folder:
        library = OpenDkim(Path(folder), KEYS)
        print(f"{'':28}" + "".join(f"{name:>22}" for name in NAMES))
        for size in (4096, 65_536, 1024 * 1024):
            count = max(3, most * 4096 // max(size, 4096))
            maker = MessageMaker(size)
            messages = [next(maker) for _ in range(count)]
            for label, steps, fed in _table(messages, library):
                best = _best(steps, fed, rounds)
                cells = "".join(f"{one:12.0f} µs {1e6 / one:6.0f}/s" for one in best)
                print(f"{label:14}{size // 1024:6} KiB    {cells}", flush=True)
        library.close()


def _table(
    messages: list[bytes], library: OpenDkim
) -> list[tuple[str, tuple[Step, ...], list[bytes]]]:
    rows: list[tuple[str, tuple[Step, ...], list[bytes]]] = []
    for label, key in (("rsa-2048", RSA), ("ed25519", ED)):
        signed = [
            sign(message, len(message), [key], datetime.now(UTC)) + message for message in messages
        ]
        rows.append((f"sign {label}", _signers(key, library), messages))
        rows.append((f"verify {label}", _verifiers(library), signed))
    return rows


def _signers(key: SigningKey, library: OpenDkim) -> tuple[Step, ...]:
    secret = key.secret.reveal() if key is RSA else ed_secret(key)
    algorithm = key.algorithm.encode()

    def dkimpy(message: bytes) -> object:
        return dkim.DKIM(message).sign(
            key.selector.encode(),
            DOMAIN.encode(),
            secret,
            canonicalize=(b"relaxed", b"relaxed"),
            signature_algorithm=algorithm,
        )

    return (
        lambda message: sign(message, len(message), [key], datetime.now(UTC)),
        dkimpy,
        lambda message: library.sign(message, key),
    )


def _verifiers(library: OpenDkim) -> tuple[Step, ...]:
    ours = resolver(*KEYS)
    records = {key_name(key): str(zone(key)[key_name(key)]["TXT"][0]).encode() for key in KEYS}

    def pillarbox(message: bytes) -> None:
        step = verify(message, ours, datetime.now(UTC), SETTINGS)
        # The messages bring a signature of nobody's along; ours stands in front.
        assert loop.run_until_complete(step)[0].result == "pass"

    def dkimpy(message: bytes) -> None:
        def dns(name: bytes, timeout: int = 5) -> bytes:
            return records[name.decode().rstrip(".")]

        assert dkim.DKIM(message).verify(dnsfunc=dns)

    def opendkim(message: bytes) -> None:
        assert library.verify(message)[0]

    loop = asyncio.new_event_loop()
    return pillarbox, dkimpy, opendkim


def _best(steps: tuple[Step, ...], messages: list[bytes], rounds: int) -> list[float]:
    """CPU-µs for a message, of each step its best round."""
    best = [float("inf")] * len(steps)
    for _ in range(rounds):
        for number, step in enumerate(steps):
            began = time.process_time()
            for message in messages:
                step(message)
            spent = (time.process_time() - began) / len(messages) * 1e6
            best[number] = min(best[number], spent)
    return best


if __name__ == "__main__":
    main()
