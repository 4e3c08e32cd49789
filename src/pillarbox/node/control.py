"""What supervisor and worker say to one another over a socket pair: JSON, one message a line.

Either side's end of file means that the other is gone; a worker then stops by itself, so that a
killed supervisor leaves nobody behind.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from pillarbox.accounts.throttle import News
from pillarbox.config.settings import Settings

MAX_LINE = 4 << 20  # octets; the settings are the longest message


class Passed(msgspec.Struct, frozen=True):
    """One listening socket, inherited under this number."""

    descriptor: int
    listener: str


class Assignment(msgspec.Struct, frozen=True, tag="assignment"):
    """A worker's first message: everything that it needs to begin."""

    settings: Settings
    sockets: tuple[Passed, ...]
    slot: int
    workers: int
    local_login: str = ""  # localserve: the account that gets all mail
    tally: int = -1  # descriptor of the memory in which all workers count; -1: this one is alone
    column: int = 0  # this worker's own part of it
    key: bytes = b""  # a secret of this run, the same for all workers


class Order(msgspec.Struct, frozen=True, tag="order"):
    """What a worker is to do next."""

    what: Literal["stop", "retire", "reload"]


class Report(msgspec.Struct, frozen=True, tag="report"):
    """What a worker tells: ready to serve, alive, unable to start, certificates read again,
    no longer listening.
    """

    what: Literal["ready", "alive", "failed", "reloaded", "not_reloaded", "deaf"]
    sentence: str = ""


ToWorker = Assignment | Order | News
FromWorker = Report | News

_encoder = msgspec.json.Encoder()
_to_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)
_from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)


def encode(message: ToWorker | FromWorker) -> bytes:
    """A message as its line."""
    return _encoder.encode(message) + b"\n"


class Lines:
    """Cuts what arrives into lines, a bounded buffer between."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> list[bytes]:
        """Whole lines so far. Raises ValueError when one grows past `MAX_LINE`."""
        *whole, self._rest = (self._rest + octets).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise ValueError("a control message without end")
        return whole


def decode_for_worker(line: bytes) -> ToWorker:
    """Raises msgspec.DecodeError."""
    return _to_worker.decode(line)


def decode_from_worker(line: bytes) -> FromWorker:
    """Raises msgspec.DecodeError."""
    return _from_worker.decode(line)
