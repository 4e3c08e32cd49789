"""One transaction as a state machine: commands out, replies in, an outcome a recipient. Sans-IO.

With PIPELINING the envelope is one burst (RFC 2920 §3.1), else a command at a time. Replies are
matched to commands by counting alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from pillarbox.smtp.client.failure import ClientFailure, Stage
from pillarbox.smtp.client.transaction import Kind, RecipientOutcome
from pillarbox.smtp.wire.reply_reader import BadReply, PeerReply

_CLOSING = 421  # may answer any command; the peer closes the connection
_NO_ROOM_CODES = (452, 552)  # RFC 5321 §4.5.3.1.10: too many recipients
_RSET = b"RSET\r\n"
_DATA = b"DATA\r\n"


class _Awaited(Enum):
    RESET = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    CHUNK = auto()  # a BDAT that is not the last
    END = auto()


_STAGES: dict[_Awaited, Stage] = {
    _Awaited.RESET: "reset",
    _Awaited.MAIL: "mail",
    _Awaited.RCPT: "rcpt",
    _Awaited.DATA: "data",
    _Awaited.CHUNK: "data",
    _Awaited.END: "end",
}


class Exchange:
    """`next_commands` until it has none and no reply is awaited; then the message if wanted."""

    def __init__(
        self,
        mail: bytes,
        rcpts: dict[int, bytes],
        refused: dict[int, RecipientOutcome],
        *,
        pipelining: bool,
        reset: bool,
        data: bool,
    ) -> None:
        """`reset`: the last transaction was left open. `data`: DATA, not BDAT, is used."""
        self._pipelining = pipelining
        self._data = data
        self._todo: deque[tuple[_Awaited, int, bytes]] = deque()
        self._awaited: deque[tuple[_Awaited, int]] = deque()
        self._outcomes: dict[int, RecipientOutcome] = dict(refused)
        self._total = len(rcpts) + len(refused)
        self._accepted: list[int] = []
        self._sender_ok = False
        self._handed_over = False
        self._uncertain = False
        self.go_ahead = False  # 354 came, or chunks may be sent
        self.lost: ClientFailure | None = None  # nothing more can be said on this connection
        self.is_open = False  # a transaction stands at the peer: RSET before the next one
        if reset:
            self._todo.append((_Awaited.RESET, -1, _RSET))
        self._todo.append((_Awaited.MAIL, -1, mail))
        self._todo.extend((_Awaited.RCPT, place, command) for place, command in rcpts.items())
        if data:
            self._todo.append((_Awaited.DATA, -1, _DATA))

    # What is sent

    def next_commands(self) -> bytes:
        """All that may be sent at this point; b"" for nothing."""
        burst: list[bytes] = []
        while self._todo and (self._pipelining or not (self._awaited or burst)):
            kind, place, command = self._todo.popleft()
            self._awaited.append((kind, place))
            burst.append(command)
        return b"".join(burst)

    def sending_chunk(self, *, last: bool) -> None:
        """A BDAT command goes out with its octets."""
        self._awaited.append((_Awaited.END if last else _Awaited.CHUNK, -1))
        self._handed_over |= last

    def sending_end(self) -> None:
        """The final dot goes out."""
        self._awaited.append((_Awaited.END, -1))
        self._handed_over = True

    @property
    def awaits(self) -> Stage | None:
        """What the next reply will answer; None when none is awaited."""
        return _STAGES[self._awaited[0][0]] if self._awaited else None

    @property
    def awaited(self) -> int:
        """Replies that are to come."""
        return len(self._awaited)

    @property
    def wants_message(self) -> bool:
        """Whether the peer waits for the message and somebody is to get it."""
        return bool(self._accepted) and self._ready and self.lost is None

    @property
    def wants_empty_end(self) -> bool:
        """The peer took DATA though it took no recipient (RFC 2920 §3.1)."""
        return self.go_ahead and not self._accepted and not self._handed_over and not self.lost

    @property
    def _ready(self) -> bool:
        return self.go_ahead if self._data else self._sender_ok

    # What comes back

    def take(self, reply: PeerReply) -> None:
        """The reply to the oldest command. Raises BadReply for one that cannot be an answer."""
        if not self._awaited:
            raise BadReply("The other server spoke out of turn.")
        kind, place = self._awaited.popleft()
        if reply.code == _CLOSING:
            self.end(
                ClientFailure(
                    _STAGES[kind], f"The other server closes: {reply.one_line}", reply=reply
                ),
                certain=True,
            )
        elif (300 <= reply.code < 400) != (kind is _Awaited.DATA and reply.code == 354):
            raise BadReply(f"The other server answered out of order: {reply.one_line}")
        elif kind is _Awaited.RCPT:
            self._take_rcpt(place, reply)
        elif kind is _Awaited.MAIL:
            self._take_mail(reply)
        elif kind is _Awaited.RESET:
            if not reply.is_positive:
                raise BadReply(f"The other server refused RSET: {reply.one_line}")
        elif kind is _Awaited.DATA:
            self._take_data(reply)
        elif kind is _Awaited.CHUNK:
            if not reply.is_positive:
                self._decide_rest("data", reply)
        else:
            self._take_end(reply)

    def end(self, failure: ClientFailure, *, certain: bool = False) -> None:
        """The connection is lost: whoever has no answer is tried again later.

        `certain`: the peer said so itself, in the place of a reply.
        """
        self.lost = failure
        self.go_ahead = False
        self._todo.clear()
        self._awaited.clear()
        if certain:
            self._handed_over = False
        for place in self._undecided():
            self._outcomes[place] = RecipientOutcome(
                "later", failure.stage, failure.status, failure.reply, failure.why
            )
            self._uncertain = self._handed_over

    def refuse_in_content(self, failure: ClientFailure) -> None:
        """The peer broke in on DATA: it is its answer to the message, and nothing more can follow.

        The rest of the message would be read as commands, so the connection is given up.
        """
        reply = failure.reply
        if reply is not None and not reply.is_positive and reply.code != _CLOSING:
            self._decide_rest("data", reply)
        self.end(failure, certain=True)

    @property
    def is_uncertain(self) -> bool:
        """Whether somebody may have got the message though nobody said so."""
        return self._uncertain

    @property
    def is_in_doubt(self) -> bool:
        """The last octet went out, and somebody has no answer."""
        return self._handed_over and len(self._outcomes) < self._total

    def outcomes(self) -> Sequence[RecipientOutcome]:
        """One for each recipient; only when all replies are in, or the connection is lost."""
        return [self._outcomes[place] for place in range(self._total)]

    # Replies by what they answer

    def _take_mail(self, reply: PeerReply) -> None:
        if reply.is_positive:
            self._sender_ok = self.is_open = True
            return
        self._todo.clear()
        for place in self._undecided():
            self._outcomes[place] = _refused("mail", reply)

    def _take_rcpt(self, place: int, reply: PeerReply) -> None:
        if place in self._outcomes:  # MAIL was refused, and so is everything behind it
            return
        if reply.is_positive:
            self._accepted.append(place)
        elif self._accepted and _is_full(reply):
            self._outcomes[place] = RecipientOutcome("again", "rcpt", reply.status, reply)
            self._leave_out_unsent(reply)
        else:
            self._outcomes[place] = _refused("rcpt", reply)
        self._drop_data_without_recipients()

    def _leave_out_unsent(self, reply: PeerReply) -> None:
        """The transaction is full: no more recipients are offered in it."""
        for kind, place, _ in self._todo:
            if kind is _Awaited.RCPT:
                self._outcomes[place] = RecipientOutcome("again", "rcpt", reply.status, reply)
        self._todo = deque(step for step in self._todo if step[0] is not _Awaited.RCPT)

    def _drop_data_without_recipients(self) -> None:
        if not self._accepted and not any(step[0] is _Awaited.RCPT for step in self._todo):
            self._todo.clear()

    def _take_data(self, reply: PeerReply) -> None:
        if reply.code == 354:
            self.go_ahead = True
            return
        if reply.is_positive:
            raise BadReply(f"The other server answered out of order: {reply.one_line}")
        self._decide_rest("data", reply)

    def _take_end(self, reply: PeerReply) -> None:
        self._decide_rest("end", reply)
        # Data is over with its dot whatever the answer; a refused BDAT is not (RFC 3030 §2).
        if reply.is_positive or self._data:
            self.is_open = False

    def _decide_rest(self, stage: Stage, reply: PeerReply) -> None:
        outcome = (
            RecipientOutcome("relayed", stage, reply.status, reply)
            if reply.is_positive
            else _refused(stage, reply)
        )
        for place in self._accepted:
            self._outcomes.setdefault(place, outcome)
        self._accepted = []

    def _undecided(self) -> list[int]:
        return [place for place in range(self._total) if place not in self._outcomes]


def _refused(stage: Stage, reply: PeerReply) -> RecipientOutcome:
    kind: Kind = "failed" if reply.is_permanent else "later"
    return RecipientOutcome(kind, stage, reply.status, reply)


def _is_full(reply: PeerReply) -> bool:
    """Whether it was one recipient too many, not a full mailbox."""
    return reply.code in _NO_ROOM_CODES and reply.enhanced[1:] in ("", ".5.3")
