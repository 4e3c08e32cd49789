"""The cleaning process: jobs from standard input, answers to standard output, nothing else.

It has no sockets, no files, no database and no keys. Whoever started it may kill it at any time;
the system kills it when a job takes more CPU time or memory than it may.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import BinaryIO

import msgspec

from pillarbox.web.bodies.cleaning import clean_message
from pillarbox.web.bodies.job import Job

LENGTH = 4  # octets in front of a message
_decode = msgspec.msgpack.Decoder(Job).decode
_encode = msgspec.msgpack.Encoder().encode


def main(cpu_seconds: float, memory_octets: int) -> int:
    """Until standard input ends."""
    _confine(memory_octets)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(b"!")  # everything is imported: it is ready
    answers.flush()
    while (octets := _read(requests)) is not None:
        job = _decode(octets)
        # The signal's own doing is the end of the process, wherever it is: also in native code.
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        answer = _encode(clean_message(job))
        signal.setitimer(signal.ITIMER_PROF, 0)
        if len(answer) > job.bounds.result_octets:
            return 1
        answers.write(len(answer).to_bytes(LENGTH, "big") + answer)
        answers.flush()
    return 0


def _confine(memory_octets: int) -> None:
    os.chdir("/")
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started us
    for limit, most in (
        (resource.RLIMIT_AS, memory_octets),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (most, most))


def _read(requests: BinaryIO) -> bytes | None:
    head = requests.read(LENGTH)
    if len(head) < LENGTH:
        return None
    size = int.from_bytes(head, "big")
    octets = requests.read(size)
    return octets if len(octets) == size else None


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), int(sys.argv[2])))
