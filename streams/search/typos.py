"""Words that are not in the catalogue, as words that are: what was probably meant.

Symmetric deletes (Garbe, SymSpell, 2012) over the catalogue's own words, so no word is offered that finds
nothing. Terms of scripts without spaces, numbers and names of models stay as they are: in them a letter more
is another thing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from symspellpy import SymSpell, Verbosity

from streams.search.analysis import is_word

SHORTEST, TWO_FROM = 4, 8
"""Letters from which a word may have one mistake, and two."""
LONGEST = 30
PREFIX = 5
"""Letters of a word that the table of deletes has: over whole words it would be ten times as large."""
MOST_WORDS = 200_000
MOST_LOOKED_AT = 50
RARE = 50
"""A word that is so many times rarer than its neighbour is probably a mistake in a text of the catalogue."""


class Correction(NamedTuple):
    """One or two words that stand for another, and how many letters differ."""

    words: tuple[str, ...]
    distance: int


class Spelling:
    """`learn` may be called in another thread than the rest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._table = SymSpell(max_dictionary_edit_distance=2, prefix_length=PREFIX)

    def __len__(self) -> int:
        return int(self._table.word_count)

    def learn(self, terms: Iterable[str]) -> None:
        """These words stand in the catalogue, each as often as it is given."""
        self.learn_counts(Counter(term for term in terms if _spelt(term)).items())

    def learn_counts(self, counts: Iterable[tuple[str, int]]) -> None:
        """The same for words and how often they stand there."""
        for term, count in counts:
            if _spelt(term):
                with self._lock:
                    if term in self._table.words or len(self) < MOST_WORDS:
                        self._table.create_dictionary_entry(term, count)

    def correct(self, term: str, frequency: Callable[[str], int]) -> list[Correction]:
        """What may have been meant by a term, the likeliest first, three at most; [] where it is right.

        frequency: in how many documents a term stands now.
        """
        if not _spelt(term):
            return []
        own, most = frequency(term), 2 if len(term) >= TWO_FROM else 1
        with self._lock:
            found = self._table.lookup(term, Verbosity.ALL, max_edit_distance=most)
        near = [
            (each.distance, -count, each.term)
            for each in found[:MOST_LOOKED_AT]
            if each.term != term and (each.distance == 1 or each.term[0] == term[0])
            for count in (frequency(each.term),)
            if count > own * RARE
        ]
        corrections = [Correction((word,), distance) for distance, _, word in sorted(near)[:3]]
        if not own and not corrections:
            corrections = self._in_two(term, frequency)
        return corrections

    def _in_two(self, term: str, frequency: Callable[[str], int]) -> list[Correction]:
        """Two words that were written as one; the split whose rarer word is the more frequent."""
        ways = [(term[:at], term[at:]) for at in range(3, len(term) - 2)]
        scored = [(min(frequency(first), frequency(second)), first, second) for first, second in ways]
        least, first, second = max(scored, default=(0, "", ""))
        return [Correction((first, second), 1)] if least else []


def _spelt(term: str) -> bool:
    return SHORTEST <= len(term) <= LONGEST and is_word(term)
