"""A peer that says what it likes: blocking sockets, octets as they are, no protocol of its own."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

HOST = "127.0.0.1"
WAIT = 30.0


class Silent(Exception):
    """The server said nothing for as long as the test waits."""


class RawPeer:
    """One connection."""

    def __init__(
        self, port: int, *, source: str = HOST, tls: bool = False, wait: float = WAIT
    ) -> None:
        self.socket: socket.socket = socket.create_connection(
            (HOST, port), timeout=wait, source_address=(source, 0)
        )
        self._buffer = bytearray()
        self._ended = False
        self._tag = 0
        if tls:
            self.start_tls()

    def __enter__(self) -> RawPeer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up without a word."""
        self.socket.close()

    def start_tls(self) -> None:
        """Handshake now; the certificate is the test's own business."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    # Out

    def send(self, octets: bytes) -> bool:
        """Send all; False: the server hung up before it took them."""
        try:
            self.socket.sendall(octets)
        except TimeoutError:
            raise Silent from None
        except OSError:
            return False
        return True

    def push(self, octets: bytes, seconds: float) -> int:
        """Send until the server takes no more for so long; how many octets it took."""
        view, sent = memoryview(octets), 0
        self.socket.settimeout(seconds)
        with contextlib.suppress(OSError):
            while sent < len(octets):
                sent += self.socket.send(view[sent : sent + 65_536])
        self.socket.settimeout(WAIT)
        return sent

    # In

    def _more(self) -> bool:
        if self._ended:
            return False
        try:
            octets = self.socket.recv(262_144)
        except TimeoutError:
            raise Silent from None
        except OSError:
            octets = b""
        self._buffer += octets
        self._ended = not octets
        return not self._ended

    def line(self) -> bytes:
        """The next line without its end; b"" when the server hung up."""
        scanned = 0
        while (end := self._buffer.find(b"\n", scanned)) < 0:
            scanned = len(self._buffer)
            if not self._more():
                break
        line = bytes(self._buffer[: end if end >= 0 else None])
        del self._buffer[: len(line) + 1]
        return line.removesuffix(b"\r")

    def up_to(self, mark: bytes) -> bytes:
        """All up to and with `mark`; what there is when the server hung up."""
        scanned = 0
        while (at := self._buffer.find(mark, scanned)) < 0:
            scanned = max(0, len(self._buffer) - len(mark))
            if not self._more():
                return self._take(len(self._buffer))
        return self._take(at + len(mark))

    def exactly(self, octets: int) -> bytes:
        """So many octets."""
        while len(self._buffer) < octets and self._more():
            pass
        return self._take(octets)

    def rest(self) -> bytes:
        """All until the server hangs up; Silent if it does not."""
        while self._more():
            pass
        return self._take(len(self._buffer))

    def is_closed(self, seconds: float) -> bool:
        """Whether the server hangs up within so long; what it said before stays to be read."""
        self.socket.settimeout(seconds)
        try:
            while self._more():
                pass
        except Silent:
            return False
        finally:
            with contextlib.suppress(OSError):
                self.socket.settimeout(WAIT)
        return True

    def _take(self, octets: int) -> bytes:
        taken = bytes(self._buffer[:octets])
        del self._buffer[:octets]
        return taken

    # A round in each language

    def smtp(self, command: bytes = b"") -> bytes:
        """Send a line unless it is empty; the last line of the reply, b"" when hung up."""
        if command:
            self.send(command + b"\r\n")
        while (line := self.line())[3:4] == b"-":
            pass
        return line

    def imap(self, command: bytes) -> bytes:
        """Send a command; all octets up to and with the tagged reply (or the hanging up)."""
        self._tag += 1
        tag = b"x%d" % self._tag
        self.send(tag + b" " + command + b"\r\n")
        return self.imap_reply(tag)

    def imap_reply(self, tag: bytes) -> bytes:
        """All octets up to and with the line that begins with the tag."""
        start = b"" if self._starts_with(tag) else self.up_to(b"\r\n" + tag + b" ")
        return start + self.line()

    def _starts_with(self, tag: bytes) -> bool:
        while len(self._buffer) <= len(tag) and self._more():
            pass
        return self._buffer.startswith(tag + b" ")

    def pop3(self, command: bytes) -> bytes:
        """Send a line; the status line."""
        self.send(command + b"\r\n")
        return self.line()


# Greeted and signed in


def smtp_peer(port: int, *, source: str = HOST, tls: bool = False) -> RawPeer:
    """Greeted on both sides."""
    peer = RawPeer(port, source=source, tls=tls)
    assert peer.smtp().startswith(b"220"), "no greeting"
    assert peer.smtp(b"EHLO peer.example.net").startswith(b"250")
    return peer


def imap_peer(
    port: int, login: str = "", password: str = "", *, source: str = HOST, tls: bool = False
) -> RawPeer:
    """Greeted, and signed in if a login is given."""
    peer = RawPeer(port, source=source, tls=tls)
    greeting = peer.line()
    assert greeting.startswith(b"* OK"), greeting
    if login:
        answer = peer.imap(f'LOGIN "{login}" "{password}"'.encode())
        assert b" OK " in answer, answer
    return peer


def pop3_peer(
    port: int, login: str = "", password: str = "", *, source: str = HOST, tls: bool = False
) -> RawPeer:
    """Greeted, and signed in if a login is given."""
    peer = RawPeer(port, source=source, tls=tls)
    assert peer.line().startswith(b"+OK")
    if login:
        assert peer.pop3(b"USER " + login.encode()).startswith(b"+OK")
        answer = peer.pop3(b"PASS " + password.encode())
        assert answer.startswith(b"+OK"), answer
    return peer


def deliver(port: int, recipient: str, message: bytes) -> bytes:
    """Send a message through the front door; the reply to its end."""
    with smtp_peer(port) as peer:
        assert peer.smtp(b"MAIL FROM:<sender@example.net>").startswith(b"250")
        reply = peer.smtp(b"RCPT TO:<%b>" % recipient.encode())
        assert reply.startswith(b"250"), reply
        assert peer.smtp(b"DATA").startswith(b"354")
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        peer.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return peer.smtp()


# Memory


def memory(pid: int, *names: str) -> int:
    """KiB of these fields of /proc/PID/status together: RssAnon, RssFile, VmHWM …"""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return sum(int(fields[name].split()[0]) for name in names)


class Peak:
    """The most memory of its own that a process had since `watched` began, above the beginning."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.start = memory(pid, "RssAnon", "RssShmem")
        self.most = self.start

    def look(self) -> None:
        """Note what it has now."""
        self.most = max(self.most, memory(self._pid, "RssAnon", "RssShmem"))

    @property
    def growth_mib(self) -> float:
        """MiB above the beginning."""
        return (self.most - self.start) / 1024


@contextlib.contextmanager
def watched(pid: int, every: float = 0.003) -> Iterator[Peak]:
    """Look at a process's memory all the time while the block runs."""
    peak, done = Peak(pid), threading.Event()

    def look() -> None:
        while not done.wait(every):
            peak.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
        peak.look()


# Others meanwhile


class Bystander:
    """Somebody who only wants mail: signs in, asks, leaves; how long each round took."""

    def __init__(self, port: int, login: str, password: str, source: str) -> None:
        self._port, self._who, self._source = port, (login, password), source
        self.seconds: list[float] = []

    def one_round(self) -> None:
        """Sign in, select, leave."""
        begin = time.monotonic()
        with imap_peer(self._port, *self._who, source=self._source) as peer:
            assert b" OK " in peer.imap(b"SELECT INBOX")
        self.seconds.append(time.monotonic() - begin)

    @property
    def longest(self) -> float:
        """Seconds of the slowest round."""
        return max(self.seconds)


@contextlib.contextmanager
def bystander(
    port: int, login: str, password: str, *, source: str = "127.0.0.9", every: float = 0.05
) -> Iterator[Bystander]:
    """Rounds of somebody else, one after the other, while the block runs; at least one."""
    other, done, failures = Bystander(port, login, password, source), threading.Event(), []

    def run() -> None:
        try:
            other.one_round()
            while not done.wait(every):
                other.one_round()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield other
    finally:
        done.set()
        thread.join()
    if failures:
        raise failures[0]
