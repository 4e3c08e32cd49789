"""What is kept in memory: the latest stays, and one large account drives out few others."""

from __future__ import annotations

from pillarbox.store.search.recent import _EACH, Recent


def test_who_was_asked_for_stays() -> None:
    kept: Recent[str, str] = Recent(4 * (_EACH + 1))
    for key in "abcd":
        kept.keep(key, key, 1, 1)
    assert kept.find("a") == "a"
    kept.keep("e", "e", 1, 1)
    assert [key for key in "abcde" if kept.find(key)] == ["a", "c", "d", "e"]


def test_what_is_empty_takes_room() -> None:
    kept: Recent[int, int] = Recent(10 * _EACH)
    for key in range(10_000):
        kept.keep(key, key, 1, 0)
    assert len(kept) == 10


def test_what_is_larger_than_all_room_is_kept_beside_others() -> None:
    most = 100 * (_EACH + 10)
    kept: Recent[str, int] = Recent(most)
    others = [f"small {n}" for n in range(100)]
    for key in others:
        kept.keep(key, 1, 1, 10)
    for moment in range(1, 20):
        kept.keep("large", moment, moment, 10 * most)
    assert kept.find("large") == 19
    assert sum(kept.find(key) is not None for key in others) == 75
    for n in range(20):
        kept.keep(f"larger {n}", n, 1, 20 * most)
    assert len(kept) == 4  # however many of them there are


def test_what_is_of_a_later_moment_stays() -> None:
    kept: Recent[str, int] = Recent(1000)
    kept.keep("a", 2, 2, 100)
    kept.keep("a", 1, 1, 10)
    assert kept.find("a") == 2
    kept.keep("a", 3, 3, 1)
    assert kept.find("a") == 3
    assert kept._size == 1 + _EACH
    kept.forget("a")
    kept.forget("a")
    assert kept.find("a") is None
    assert kept._size == 0
