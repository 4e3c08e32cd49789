"""Threads of messages: ORDEREDSUBJECT and REFERENCES (RFC 5256 §3, BASE.6.4.THREAD). Pure.

Nothing here recurses: a thread can be as deep as there are messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from pillarbox.store.query import ThreadRow


class Node:
    """A message in its thread, or a dummy for one that was not searched or does not exist."""

    __slots__ = ("children", "offspring", "parent", "place", "row")

    def __init__(self, row: ThreadRow | None = None, place: int = -1) -> None:
        self.row = row  # None: a dummy
        self.place = place  # among the searched messages: decides between equal dates
        self.parent: Node | None = None
        self.offspring = 0  # number of nodes whose parent this is
        self.children: list[Node] = []  # filled when all links are made

    @property
    def key(self) -> tuple[int, int]:
        """Sent date and place; a dummy, sorted inside, stands where its first child would."""
        first = self.first
        return (first.row.sent_at, first.place) if first.row is not None else (0, 0)

    @property
    def first(self) -> Node:
        """The message itself, or a dummy's first child."""
        return self if self.row is not None or not self.children else self.children[0]


def ordered_subject(rows: Sequence[ThreadRow]) -> list[Node]:
    """Poor man's threading: one thread a base subject, its first message above all others."""
    nodes = [Node(row, place) for place, row in enumerate(rows)]
    nodes.sort(key=lambda n: (_subject(n), n.key))
    threads = []
    for _, group in groupby(nodes, _subject):
        head, *others = group
        head.children = others
        threads.append(head)
    threads.sort(key=lambda n: n.key)
    return threads


def references(rows: Sequence[ThreadRow], max_climb: int) -> list[Node]:
    """Threads by who answers whom; the numbers below are the RFC's steps.

    `max_climb` ancestors are looked at before two messages are linked; past it the link counts as
    a loop. Without a bound, messages made for it could cost the square of their number.
    """
    roots = _prune(_gather(_link(rows, max_climb)))  # 1, 2, 3
    for root in roots:  # 4
        if root.row is None:
            root.children.sort(key=lambda n: n.key)
    roots.sort(key=lambda n: n.key)
    roots = _merge_subjects(roots)  # 5
    _sort_all(roots)  # 6
    return roots


# Step 1: links


def _link(rows: Sequence[ThreadRow], max_climb: int) -> list[Node]:
    """All messages and dummies with their parents set."""
    nodes: list[Node] = []
    by_id: dict[int, Node] = {}
    for place, row in enumerate(rows):
        node = Node(row, place)
        nodes.append(node)
        if row.message_id:
            by_id.setdefault(row.message_id, node)  # a later double counts as without an id
    for node in nodes[:]:
        assert node.row is not None
        above: Node | None = None
        for reference in node.row.references:
            found = by_id.get(reference)
            if found is None:
                found = by_id[reference] = Node()
                nodes.append(found)
            if (
                above is not None
                and found.parent is None
                and not _descends(above, found, max_climb)
            ):
                _adopt(above, found)
            above = found
        _leave(node)
        if above is not None and not _descends(above, node, max_climb):
            _adopt(above, node)
    return nodes


def _adopt(parent: Node, child: Node) -> None:
    child.parent = parent
    parent.offspring += 1


def _leave(child: Node) -> None:
    if child.parent is not None:
        child.parent.offspring -= 1
        child.parent = None


def _descends(node: Node, other: Node, max_climb: int) -> bool:
    """Whether `node` is `other` or below it."""
    if node is other:
        return True
    if not other.offspring:
        return False
    above = node.parent
    for _ in range(max_climb):
        if above is None:
            return False
        if above is other:
            return True
        above = above.parent
    return True


# Steps 2 and 3: roots without superfluous dummies


def _gather(nodes: Iterable[Node]) -> list[Node]:
    roots = []
    for node in nodes:
        if node.parent is None:
            roots.append(node)
        else:
            node.parent.children.append(node)
    return roots


def _downwards(roots: Iterable[Node]) -> list[Node]:
    """Every node, parents before their children."""
    order = list(roots)
    for node in order:  # grows while it is walked
        order.extend(node.children)
    return order


def _prune(roots: list[Node]) -> list[Node]:
    for node in reversed(_downwards(roots)):
        if any(child.row is None for child in node.children):
            kept: list[Node] = []
            for child in node.children:
                if child.row is None:
                    kept.extend(child.children)
                else:
                    kept.append(child)
            node.children = kept
    pruned = []
    for root in roots:
        if root.row is not None or len(root.children) > 1:
            pruned.append(root)
        else:
            pruned.extend(root.children)
    return pruned


# Step 5: threads of one subject


def _subject(node: Node) -> str:
    row = node.first.row
    return row.base_subject if row is not None else ""


def _is_reply(node: Node) -> bool:
    return node.row is not None and node.row.is_reply


def _merge_subjects(roots: list[Node]) -> list[Node]:
    table = _subject_table(roots)
    merged: set[Node] = set()  # roots no more
    fresh: list[Node] = []
    for node in roots:
        subject = _subject(node)
        chosen = table.get(subject)
        if chosen is None or chosen is node:
            continue
        merged.add(node)
        if chosen.row is None:
            # Two dummies' children become siblings; a message becomes a sibling of a dummy's.
            chosen.children.extend(node.children if node.row is None else [node])
        elif _is_reply(node) and not _is_reply(chosen):
            chosen.children.append(node)
        else:
            dummy = Node()
            dummy.children = sorted([chosen, node], key=lambda n: n.key)
            merged.add(chosen)
            fresh.append(dummy)
            table[subject] = dummy
    return [root for root in roots + fresh if root not in merged]


def _subject_table(roots: Iterable[Node]) -> dict[str, Node]:
    table: dict[str, Node] = {}
    for node in roots:
        subject = _subject(node)
        if not subject:
            continue
        known = table.get(subject)
        if known is None or (
            known.row is not None
            and (node.row is None or (_is_reply(known) and not _is_reply(node)))
        ):
            table[subject] = node
    return table


# Step 6, and the way out


def _sort_all(roots: list[Node]) -> None:
    for node in reversed(_downwards(roots)):
        if len(node.children) > 1:
            node.children.sort(key=lambda n: n.key)
    roots.sort(key=lambda n: n.key)


def encode_threads(threads: Iterable[Node], numbers: Mapping[int, int]) -> bytes:
    """RFC 5256 §5 thread-list; `numbers` by UID: sequence numbers, or the UIDs themselves."""
    pieces: list[str] = []
    waiting: list[Node | str] = [*threads]
    waiting.reverse()
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            pieces.append(node)
            continue
        pieces.append("(")
        chain = [] if node.row is None else [str(numbers[node.row.uid])]
        while node.row is not None and len(node.children) == 1:
            node = node.children[0]
            assert node.row is not None  # dummies are only at the top
            chain.append(str(numbers[node.row.uid]))
        pieces.append(" ".join(chain))
        if chain and node.children:
            pieces.append(" ")
        waiting.append(")")
        waiting.extend(reversed(node.children))
    return "".join(pieces).encode("ascii")
