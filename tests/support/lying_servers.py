"""IMAP and POP3 servers that lie, refuse and forget, as servers do; for what collects from them.

Each is a small honest server with switches for its lies. They run in threads on loopback.
"""

from __future__ import annotations

import contextlib
import re
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from support.server import HOST, PASSWORD

LOGIN = "liar@example.org"
_CRLF = b"\r\n"


@dataclass(slots=True)
class LyingMessage:
    """A message and what the server says of it."""

    uid: int
    octets: bytes = field(repr=False)
    flags: str = ""
    date: str = "01-Feb-2003 04:05:06 +0000"
    said_size: int | None = None  # in lists; None: the truth
    announced: int | None = None  # octets of its literal; None: as many as come
    body: str = "whole"  # "nil", "none" (no answer), "no", "bad", "bye", "empty"
    uidl: str = ""  # "": made of the uid


@dataclass(slots=True)
class LyingFolder:
    """A folder."""

    messages: list[LyingMessage]
    validity: int = 1
    attributes: str = ""


@dataclass(slots=True)
class Lies:
    """What goes wrong; all off at first."""

    greeting: bytes = b""  # instead of the usual one; the connection ends behind it
    sign_in: bytes = b""  # the answer to any sign-in, such as b"NO [AUTHENTICATIONFAILED] no"
    after_bodies: tuple[int, Callable[[], None]] | None = None  # called once, after so many
    throttle_after: int | None = None  # bodies; then each command gets `throttled`
    throttled: bytes = b"NO [LIMIT] Too much, try again later"
    capabilities: str = "IMAP4rev1 UIDPLUS NAMESPACE SASL-IR AUTH=PLAIN"
    cut: bool = False  # set by an `after_bodies` call: connections end


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is no news."""


class Liar:
    """What both kinds have: a port, messages, switches, and what was asked of it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.lies = Lies()
        self.folders: dict[str, LyingFolder] = {"INBOX": LyingFolder([])}
        self.said: list[bytes] = []  # lines of clients, without sign-ins
        self.bodies = 0  # that were sent whole
        self.sign_ins = 0
        self.proofs: list[bytes] = []  # what AUTHENTICATE brought at once
        self.tls = tls
        self.lock = threading.Lock()
        self.server: _Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self.server is not None
        port: int = self.server.server_address[1]
        return port

    def fill(self, messages: list[bytes], name: str = "INBOX") -> list[LyingMessage]:
        """Put messages into a folder, UIDs from 1; to be changed into lies by the caller."""
        made = [LyingMessage(uid, octets) for uid, octets in enumerate(messages, 1)]
        self.folders[name] = LyingFolder(made)
        return made

    def count_body(self) -> None:
        """One more was sent."""
        with self.lock:
            self.bodies += 1
            if self.lies.after_bodies and self.bodies >= self.lies.after_bodies[0]:
                call = self.lies.after_bodies[1]
                self.lies.after_bodies = None
                call()

    @property
    def is_throttling(self) -> bool:
        """Whether enough was sent."""
        return self.lies.throttle_after is not None and self.bodies >= self.lies.throttle_after


@contextlib.contextmanager
def lying_imap(tls: ssl.SSLContext | None = None) -> Iterator[Liar]:
    """An IMAP server; with a context, TLS from the first octet."""
    with _running(Liar(tls), _ImapSession) as liar:
        yield liar


@contextlib.contextmanager
def lying_pop3(tls: ssl.SSLContext | None = None) -> Iterator[Liar]:
    """A POP3 server that serves INBOX."""
    with _running(Liar(tls), _Pop3Session) as liar:
        yield liar


@contextlib.contextmanager
def _running(liar: Liar, session: type[_Session]) -> Iterator[Liar]:
    class Handler(session):  # type: ignore[valid-type,misc]
        of = liar

    liar.server = _Server((HOST, 0), Handler)
    threading.Thread(target=liar.server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield liar
    finally:
        liar.server.shutdown()
        liar.server.server_close()


class _Session(socketserver.StreamRequestHandler):
    of: Liar

    def setup(self) -> None:
        if self.of.tls is not None:
            self.request = self.of.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):
            if self.of.lies.greeting:
                self.put(self.of.lies.greeting)
                return
            self.greet()
            while (line := self.rfile.readline()) and not self.of.lies.cut:
                if not self.answer(line.rstrip(_CRLF)):
                    return

    def put(self, *lines: bytes) -> None:
        """Each with its CRLF."""
        self.wfile.write(b"".join(line + _CRLF for line in lines))
        self.wfile.flush()

    def greet(self) -> None:
        raise NotImplementedError

    def answer(self, line: bytes) -> bool:
        """False: that was all."""
        raise NotImplementedError


class _ImapSession(_Session):
    selected: LyingFolder | None = None

    def greet(self) -> None:
        self.put(b"* OK [CAPABILITY %s] ready" % self.of.lies.capabilities.encode())

    def answer(self, line: bytes) -> bool:
        while match := re.search(rb"\{(\d+)\+?\}$", line):
            if not match[0].endswith(b"+}"):
                self.put(b"+ go on")
            line += _CRLF + self.rfile.read(int(match[1]))
            line += self.rfile.readline().rstrip(_CRLF)
        tag, _, rest = line.partition(b" ")
        verb, _, arguments = rest.partition(b" ")
        if verb.upper() == b"UID":
            verb, _, arguments = arguments.partition(b" ")
        method = getattr(self, "do_" + verb.decode().lower(), None)
        if verb.upper() not in (b"LOGIN", b"AUTHENTICATE"):
            self.of.said.append(line)
        if method is None:
            self.put(tag + b" BAD What is that?")
            return True
        if self.of.is_throttling and verb.upper() != b"LOGOUT":
            self.put(tag + b" " + self.of.lies.throttled)
            return True
        return bool(method(tag, arguments))

    def done(self, tag: bytes, *untagged: bytes) -> bool:
        self.put(*untagged, tag + b" OK done")
        return True

    def do_capability(self, tag: bytes, _: bytes) -> bool:
        return self.done(tag, b"* CAPABILITY " + self.of.lies.capabilities.encode())

    def do_noop(self, tag: bytes, _: bytes) -> bool:
        return self.done(tag)

    do_close = do_unselect = do_check = do_id = do_enable = do_noop

    def do_logout(self, tag: bytes, _: bytes) -> bool:
        self.done(tag, b"* BYE see you")
        return False

    def do_authenticate(self, tag: bytes, arguments: bytes) -> bool:
        self.of.proofs.append(arguments)
        if b" " not in arguments:
            self.put(b"+ ")
            self.rfile.readline()
        return self.sign_in(tag)

    def do_login(self, tag: bytes, _: bytes) -> bool:
        return self.sign_in(tag)

    def sign_in(self, tag: bytes) -> bool:
        self.of.sign_ins += 1
        if refusal := self.of.lies.sign_in:
            self.put(refusal if refusal.startswith(b"*") else tag + b" " + refusal)
            return not refusal.startswith(b"* BYE")
        return self.done(tag)

    def do_namespace(self, tag: bytes, _: bytes) -> bool:
        return self.done(tag, b'* NAMESPACE (("" ".")) NIL NIL')

    def do_list(self, tag: bytes, arguments: bytes, word: bytes = b"LIST") -> bool:
        if arguments.endswith((b'""', b'"" ""')):
            return self.done(tag, b'* LIST (\\Noselect) "." ""')
        rows = [
            b'* %s (%s) "." "%s"' % (word, folder.attributes.encode(), name.encode())
            for name, folder in self.of.folders.items()
        ]
        return self.done(tag, *rows)

    def do_lsub(self, tag: bytes, arguments: bytes) -> bool:
        return self.do_list(tag, arguments, b"LSUB")

    def find(self, arguments: bytes) -> LyingFolder | None:
        if literal := re.match(rb"\{(\d+)\+?\}\r\n", arguments):
            name = arguments[literal.end() : literal.end() + int(literal[1])]
        else:
            found = re.match(rb'"((?:\\.|[^"])*)"|(\S+)', arguments)
            assert found is not None, arguments
            name = re.sub(rb"\\(.)", rb"\1", found[1] or found[2])
        return self.of.folders.get(name.decode())

    def do_status(self, tag: bytes, arguments: bytes) -> bool:
        if (folder := self.find(arguments)) is None:
            self.put(tag + b" NO [NONEXISTENT] no such folder")
            return True
        name = arguments.partition(b" (")[0]
        next_uid = max((one.uid for one in folder.messages), default=0) + 1
        counts = (len(folder.messages), next_uid, folder.validity)
        row = b"MESSAGES %d UIDNEXT %d UIDVALIDITY %d" % counts
        return self.done(tag, b"* STATUS %s (%s)" % (name, row))

    def do_select(self, tag: bytes, arguments: bytes) -> bool:
        if (folder := self.find(arguments)) is None:
            self.put(tag + b" NO [NONEXISTENT] no such folder")
            return True
        self.selected = folder
        next_uid = max((one.uid for one in folder.messages), default=0) + 1
        return self.done(
            tag,
            b"* %d EXISTS" % len(folder.messages),
            b"* FLAGS (\\Seen \\Deleted)",
            b"* OK [UIDVALIDITY %d] valid" % folder.validity,
            b"* OK [UIDNEXT %d] next" % next_uid,
        )

    do_examine = do_select

    def do_search(self, tag: bytes, _: bytes) -> bool:
        found = self.selected.messages if self.selected else []
        return self.done(tag, b"* SEARCH" + b"".join(b" %d" % one.uid for one in found))

    def do_fetch(self, tag: bytes, arguments: bytes) -> bool:
        wanted, _, items = arguments.partition(b" ")
        folder = self.selected
        if folder is None:
            self.put(tag + b" BAD nothing is selected")
            return True
        for place, message in enumerate(list(folder.messages), 1):
            if not _within(message.uid, wanted):
                continue
            if self.of.is_throttling:
                self.put(tag + b" " + self.of.lies.throttled)
                return True
            if self.of.lies.cut:
                return False
            if b"BODY" not in items and b"RFC822" not in items.replace(b"RFC822.SIZE", b""):
                self.put(b"* %d FETCH (%s)" % (place, _listed(message)))
            elif (refusal := self.put_body(place, message, items)) is not None:
                if refusal:
                    self.put(tag + b" " + refusal)
                return bool(refusal)
        return self.done(tag)

    def put_body(self, place: int, message: LyingMessage, items: bytes) -> bytes | None:
        """None: go on; octets: end the command so; b"": end the connection."""
        head = b"* %d FETCH (%s BODY[] " % (place, _listed(message))
        if b"BODY.PEEK[HEADER" in items:
            fields = message.octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            section = re.search(rb"BODY\.PEEK(\[[^\]]*\])", items)
            assert section is not None
            head = head.replace(b"BODY[]", b"BODY" + section[1])
            self.wfile.write(head + b"{%d}\r\n" % len(fields) + fields + b")\r\n")
            return None
        match message.body:
            case "nil":
                self.put(head + b"NIL)")
            case "empty":
                self.put(head + b'"")')
            case "none":
                pass
            case "no":
                return b"NO [SERVERBUG] That message cannot be read"
            case "bad":
                return b"BAD Oops"
            case "bye":
                self.put(b"* BYE I am leaving")
                return b""
            case _:
                size = len(message.octets) if message.announced is None else message.announced
                self.wfile.write(head + b"{%d}\r\n" % size + message.octets + b")\r\n")
                self.wfile.flush()
                if message.announced is not None:
                    return b""  # nobody can say where the next answer begins
                self.of.count_body()
        return None


def _listed(message: LyingMessage) -> bytes:
    size = len(message.octets) if message.said_size is None else message.said_size
    return b'UID %d FLAGS (%s) INTERNALDATE "%s" RFC822.SIZE %d' % (
        message.uid,
        message.flags.encode(),
        message.date.encode(),
        size,
    )


def _within(uid: int, wanted: bytes) -> bool:
    for part in wanted.split(b","):
        first, _, last = part.partition(b":")
        low = 2**32 if first == b"*" else int(first)
        high = low if not last else 2**32 if last == b"*" else int(last)
        if min(low, high) <= uid <= max(low, high):
            return True
    return False


class _Pop3Session(_Session):
    def greet(self) -> None:
        self.put(b"+OK ready")
        self.deleted: set[int] = set()
        self.folder = self.of.folders["INBOX"]
        self.listed = list(self.folder.messages)

    def answer(self, line: bytes) -> bool:
        verb, _, argument = line.partition(b" ")
        name = verb.decode().upper()
        if name not in ("PASS", "AUTH"):
            self.of.said.append(line)
        if self.of.is_throttling and name in ("RETR", "TOP"):
            self.put(b"-ERR [SYS/TEMP] Too much, try again later")
            return True
        method = getattr(self, "do_" + name.lower(), None)
        if method is None:
            self.put(b"-ERR What is that?")
            return True
        return method(argument) is not False

    def do_capa(self, _: bytes) -> None:
        self.put(b"+OK", b"USER", b"UIDL", b"TOP", b"PIPELINING", b"RESP-CODES", b".")

    def do_user(self, _: bytes) -> None:
        self.put(b"+OK")

    def do_pass(self, password: bytes) -> None:
        self.of.sign_ins += 1
        if self.of.lies.sign_in:
            self.put(self.of.lies.sign_in)
        elif password != PASSWORD.encode():
            self.put(b"-ERR [AUTH] no")
        else:
            self.put(b"+OK")

    def do_noop(self, _: bytes) -> None:
        self.put(b"+OK")

    def do_stat(self, _: bytes) -> None:
        self.put(b"+OK %d %d" % (len(self.listed), sum(len(one.octets) for one in self.listed)))

    def do_list(self, argument: bytes) -> None:
        sizes = [
            b"%d %d" % (number, len(one.octets) if one.said_size is None else one.said_size)
            for number, one in enumerate(self.listed, 1)
        ]
        self.table(argument, sizes)

    def do_uidl(self, argument: bytes) -> None:
        names = [
            b"%d %s" % (number, (one.uidl or f"uidl-{one.uid}").encode())
            for number, one in enumerate(self.listed, 1)
        ]
        self.table(argument, names)

    def table(self, argument: bytes, rows: list[bytes]) -> None:
        if argument:
            self.put(b"+OK " + rows[int(argument) - 1])
        else:
            self.put(b"+OK", *rows, b".")

    def do_retr(self, argument: bytes) -> bool | None:
        message = self.listed[int(argument) - 1]
        if message.body == "no":
            self.put(b"-ERR That message cannot be read")
            return None
        stuffed = re.sub(rb"(?m)^\.", b"..", message.octets)
        if self.of.lies.cut or message.body == "bye":
            self.wfile.write(b"+OK\r\n" + stuffed[: len(stuffed) // 2])
            return False
        ending = b"" if stuffed.endswith(_CRLF) or not stuffed else _CRLF
        self.wfile.write(b"+OK\r\n" + stuffed + ending + b".\r\n")
        self.wfile.flush()
        self.of.count_body()
        return None

    def do_dele(self, argument: bytes) -> None:
        self.deleted.add(int(argument))
        self.put(b"+OK")

    def do_rset(self, _: bytes) -> None:
        self.deleted.clear()
        self.put(b"+OK")

    def do_quit(self, _: bytes) -> bool:
        gone = {id(self.listed[number - 1]) for number in self.deleted}
        self.folder.messages = [one for one in self.folder.messages if id(one) not in gone]
        self.put(b"+OK")
        return False
