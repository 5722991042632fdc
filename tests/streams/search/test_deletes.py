"""SymSpell finds the same words over packed deletes as over its own."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from symspellpy import SymSpell, Verbosity

from streams.search.typos import PREFIX, Spelling, _Table

words = st.lists(st.text("abcö", min_size=1, max_size=9), max_size=40)


def found(table: SymSpell, term: str, most: int) -> list[tuple[int, str]]:
    return sorted(
        (each.distance, each.term) for each in table.lookup(term, Verbosity.ALL, max_edit_distance=most)
    )


@given(words, words, words, st.integers(1, 2))
def test_the_same_words_are_found(first: list[str], later: list[str], asked: list[str], most: int) -> None:
    """Those that are packed, and those that came since."""
    theirs, ours = SymSpell(2, PREFIX), _Table()
    for word in first:
        theirs.create_dictionary_entry(word, 1)
        ours.create_dictionary_entry(word, 1)
    ours.deletes.take(ours.deletes.packed())
    for word in later:
        theirs.create_dictionary_entry(word, 2)
        ours.create_dictionary_entry(word, 2)
    assert dict(ours.words) == dict(theirs.words)
    for term in [*asked, *first, *later]:
        assert found(ours, term, most) == found(theirs, term, most)


def test_what_is_learned_is_packed_by_and_by() -> None:
    drawn = random.Random(7)
    learned = ["".join(drawn.choices("abcdefghijklmnop", k=drawn.randint(4, 10))) for _ in range(6_000)]
    spelling, whole = Spelling(), SymSpell(2, PREFIX)
    for begin in range(0, len(learned), 1_000):
        spelling.learn(learned[begin : begin + 1_000])
    for word in learned:
        whole.create_dictionary_entry(word, 1)
    deletes = spelling._table.deletes
    packed = len(deletes._packed)
    assert not deletes.due
    assert packed + deletes._came == sum(map(len, whole.deletes.values()))
    assert packed > deletes._came
    for word in learned[::200]:
        typed = f"{word[:2]}{word[3:]}"
        assert found(spelling._table, typed, 2) == found(whole, typed, 2)
