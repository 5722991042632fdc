"""What queries found is kept until the index changes, and never what was made while it changed."""

from __future__ import annotations

import threading

from streams.search.remembered import Remembered
from streams.state.catalog import ItemRecord
from tests.streams.search.catalogue import NOW_MS, Goods, shop


def test_an_answer_is_made_once() -> None:
    known, made = Remembered[str, int](2), list[str]()

    def ask(text: str) -> int:
        def make() -> int:
            made.append(text)
            return len(text)

        return known.of(text, make)

    assert [ask("strap"), ask("strap"), ask("drum"), ask("strap"), ask("banjo")] == [5, 5, 4, 5, 5]
    assert made == ["strap", "drum", "banjo"]
    assert (known.at_hand("strap"), known.at_hand("drum"), len(known)) == (5, None, 2)  # the oldest has gone


def test_what_is_made_while_the_index_changes_is_not_kept() -> None:
    """Begun before the change, within it, or before its end: it may be of either state."""
    known = Remembered[str, int](9)
    known.of("old", lambda: 1)
    begun, changed = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        changed.wait()
        return 1

    asking = threading.Thread(target=known.of, args=("across", slow))
    asking.start()
    begun.wait()
    with known.changing():
        assert known.at_hand("old") is None
        assert known.of("within", lambda: 1) == 1
    changed.set()
    asking.join()
    assert [known.at_hand(text) for text in ("old", "across", "within")] == [None, None, None]
    assert (known.of("new", lambda: 2), known.at_hand("new")) == (2, 2)


def test_a_query_is_understood_anew_once_the_index_has_changed() -> None:
    index = shop([Goods("Leather strap")]).indexed
    before = index.understand("lether banjo")
    assert (index.understood("lether banjo"), before.corrected) == (before, "leather banjo")
    assert index.best(before).rows.tolist() == [0]
    assert index.best_known(before) is not None
    index.note(1, ItemRecord("i1", NOW_MS, title="Banjo"))
    assert index.understood("lether banjo") is before  # not found yet, so nothing is forgotten
    index.commit()
    assert (index.understood("lether banjo"), index.best_known(before)) == (None, None)
    assert sorted(index.best(index.understand("lether banjo")).rows.tolist()) == [0, 1]


def test_to_commit_nothing_forgets_nothing() -> None:
    index = shop([Goods("Leather strap")]).indexed
    index.understand("strap")
    assert index.commit() == 0
    assert index.understood("strap") is not None
