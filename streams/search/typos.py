"""Words that are not in the catalogue, as words that are: what was probably meant.

Symmetric deletes (Garbe, SymSpell, 2012) over the catalogue's own words, so no word is offered that finds
nothing. Terms of scripts without spaces, numbers and names of models stay as they are: in them a letter more
is another thing.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from symspellpy import SymSpell, Verbosity

from streams.search.analysis import is_word
from streams.search.deletes import Deletes
from streams.search.pace import Pace

SHORTEST, TWO_FROM = 4, 8
"""Letters from which a word may have one mistake, and two."""
LONGEST = 30
PREFIX = 5
"""Letters of a word that the table of deletes has: over whole words it would be ten times as large."""
MOST_WORDS = 200_000
MOST_LOOKED_AT = 50
RARE = 50
"""A word that is so many times rarer than its neighbour is probably a mistake in a text of the catalogue."""
FREQUENT = (20 * RARE, 4 * RARE, RARE)
"""Words that stand there more often than so have a table of their own. A word of the catalogue may be a
mistake for these alone, and to look among all the others takes the longest.
"""
ONE_BY_ONE = 64
"""So few words are compared one by one in less time than a table takes."""


class Correction(NamedTuple):
    """One or two words that stand for another, and how many letters differ."""

    words: tuple[str, ...]
    distance: int


class Spelling:
    """`learn` may be called in another thread than the rest. How often a word stood in the texts that were
    learned is never less than in how many documents it stands.
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._lock = threading.Lock()
        self._table = _Table()
        self._frequent = [(least, _Table()) for least in FREQUENT]
        self._most: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return int(self._table.word_count)

    def lacks(self, term: str) -> bool:
        """Whether no text that was learned has this word; False for what is no word, which is not learned."""
        return _spelt(term) and term not in self._table.words and len(self) < MOST_WORDS

    def learn(self, terms: Iterable[str]) -> None:
        """These words stand in the catalogue, each as often as it is given."""
        self.learn_counts(Counter(term for term in self._pace.over(terms) if _spelt(term)).items())

    def learn_counts(self, counts: Iterable[tuple[str, int]]) -> None:
        """The same for words and how often they stand there."""
        for term, count in self._pace.over(counts):
            if _spelt(term):
                with self._lock:
                    if term in self._table.words or len(self) < MOST_WORDS:
                        self._learn(term, count)
        for table in (self._table, *(table for _, table in self._frequent)):
            if table.deletes.due:
                packed = table.deletes.packed()
                with self._lock:
                    table.deletes.take(packed)
        known, frequent = self._table.words, self._frequent[0][1].words
        self._most = sorted((-known[word], word) for word in frequent)

    def _learn(self, term: str, count: int) -> None:
        before = self._table.words.get(term, 0)
        self._table.create_dictionary_entry(term, count)
        for least, frequent in self._frequent:
            if before <= least < before + count:
                frequent.create_dictionary_entry(term, 1)

    def correct(self, term: str, frequency: Callable[[str], int]) -> list[Correction]:
        """What may have been meant by a term, the likeliest first, three at most; [] where it is right.

        frequency: in how many documents a term stands now.
        """
        if not _spelt(term):
            return []
        own, most = frequency(term), 2 if len(term) >= TWO_FROM else 1
        near = [
            (distance, -count, word)
            for distance, word in self._near(term, most, own * RARE)
            if distance == 1 or word[0] == term[0]
            for count in (frequency(word),)
            if count > own * RARE
        ]
        corrections = [Correction((word,), distance) for distance, _, word in sorted(near)[:3]]
        if not own and not corrections:
            corrections = self._in_two(term, frequency)
        return corrections

    def _near(self, term: str, most: int, least: int) -> list[tuple[int, str]]:
        """Other words that differ in at most so many letters and stand there more often than `least`, with
        their distance: the nearest, and of these the most frequent, `MOST_LOOKED_AT` of them.
        """
        if least >= FREQUENT[0]:
            frequent = self._most  # once: another thread exchanges it
            more_frequent = bisect_left(frequent, (-least, ""))
            if more_frequent <= ONE_BY_ONE:
                return self._compared(term, most, frequent[:more_frequent])
        table = next((table for above, table in self._frequent if above <= least), self._table)
        with self._lock:
            found = table.lookup(term, Verbosity.ALL, max_edit_distance=most)
            counts = self._table.words
            near = [(each.distance, -counts[each.term], each.term) for each in found if each.term != term]
        chosen = sorted(each for each in near if -each[1] > least)[:MOST_LOOKED_AT]
        return [(distance, word) for distance, _, word in chosen]

    def _compared(self, term: str, most: int, words: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
        """The same among a few words, which come with how often they stand there, below 0."""
        compare = self._table.distance_comparer.compare
        found = [
            (distance, count, word)
            for count, word in words
            if abs(len(word) - len(term)) <= most and (distance := compare(term, word, most)) > 0
        ]
        return [(distance, word) for distance, _, word in sorted(found)[:MOST_LOOKED_AT]]

    def _in_two(self, term: str, frequency: Callable[[str], int]) -> list[Correction]:
        """Two words that were written as one; the split whose rarer word is the more frequent."""
        ways = [(term[:at], term[at:]) for at in range(3, len(term) - 2)]
        scored = [(min(frequency(first), frequency(second)), first, second) for first, second in ways]
        least, first, second = max(scored, default=(0, "", ""))
        return [Correction((first, second), 1)] if least else []


class _Table(SymSpell):  # type: ignore[misc]  # it has no types
    """With its deletes packed."""

    def __init__(self) -> None:
        super().__init__(max_dictionary_edit_distance=2, prefix_length=PREFIX)
        self._deletes: Any = Deletes()

    @property
    def deletes(self) -> Any:
        return self._deletes


def _spelt(term: str) -> bool:
    return SHORTEST <= len(term) <= LONGEST and is_word(term)
