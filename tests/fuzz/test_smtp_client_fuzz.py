"""Any replies to a transaction: everyone has one outcome, and nobody counts as reached unsaid."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.smtp.client.capabilities import parse_capabilities
from pillarbox.smtp.client.exchange import Exchange
from pillarbox.smtp.client.failure import ClientFailure
from pillarbox.smtp.wire.reply_reader import BadReply, PeerReply
from support.fuzzing import LONGER

CODES = [220, 250, 251, 334, 354, 421, 450, 452, 500, 503, 550, 552, 554]
replies = st.builds(
    PeerReply,
    st.sampled_from(CODES),
    st.sampled_from(["", "4.5.3", "5.1.1", "4.2.2"]),
    st.just(("text",)),
)


@settings(max_examples=300 * LONGER)
@given(
    st.lists(replies, max_size=20),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_a_transaction(
    answers: list[PeerReply], recipients: int, pipelining: bool, data: bool, reset: bool
) -> None:
    exchange = Exchange(
        b"MAIL\r\n",
        dict.fromkeys(range(recipients), b"RCPT\r\n"),
        {},
        pipelining=pipelining,
        reset=reset,
        data=data,
    )
    left = iter(answers)
    sent_end: PeerReply | None = None
    try:
        while exchange.next_commands():
            while exchange.awaits is not None:
                exchange.take(next(left))
        if exchange.wants_empty_end:
            exchange.sending_end()
        elif exchange.wants_message:
            if not data:
                exchange.sending_chunk(last=False)
            exchange.sending_end() if data else exchange.sending_chunk(last=True)
        while exchange.awaits is not None:
            is_end = exchange.awaits == "end"
            reply = next(left)
            exchange.take(reply)
            sent_end = reply if is_end else None
    except (StopIteration, BadReply):
        exchange.end(ClientFailure("end", "gone"))
    outcomes = exchange.outcomes()
    assert len(outcomes) == recipients
    for outcome in outcomes:
        if outcome.kind == "relayed":
            assert sent_end is not None and sent_end.is_positive
            assert outcome.reply is sent_end
        assert outcome.text
    assert not exchange.is_in_doubt
    assert not (exchange.is_uncertain and exchange.lost is None)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=20))
def test_any_answer_to_ehlo(lines: list[str]) -> None:
    found = parse_capabilities(PeerReply(250, "", tuple(lines)))
    assert found.extended
    assert found.size is None or found.size >= 0
