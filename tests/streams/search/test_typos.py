"""Corrections: against all words of the catalogue, compared one by one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from streams.search.typos import FREQUENT, RARE, SHORTEST, TWO_FROM, Correction, Spelling

LETTERS = "abcd"


def distance(one: str, other: str) -> int:
    """Letters that are wrong, too many, missing, or exchanged with their neighbour (optimal alignment)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, its in enumerate(other, 1):
            row.append(min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (letter != its)))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                row[j] = min(row[j], rows[i - 2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def one_by_one(term: str, counts: Counter[str]) -> list[Correction]:
    most = 2 if len(term) >= TWO_FROM else 1
    near = [
        (away, -count, word)
        for word, count in counts.items()
        if word != term and count > counts[term] * RARE and (away := distance(term, word)) <= most
        if away == 1 or word[0] == term[0]
    ]
    return [Correction((word,), away) for away, _, word in sorted(near)[:3]]


def words(rng: np.random.Generator, count: int) -> list[str]:
    lengths = rng.integers(SHORTEST, 10, count)
    return ["".join(rng.choice(list(LETTERS), length)) for length in lengths.tolist()]


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_what_a_comparison_with_all_words_finds(seed: int) -> None:
    """Words of all frequencies, which they reach in steps."""
    rng = np.random.default_rng(seed)
    spelling, counts = Spelling(), Counter[str]()
    for _ in range(6):
        more = Counter({word: int(rng.integers(1, 40) ** 2) for word in words(rng, 60)})
        counts.update(more)
        for word in rng.choice(list(counts), 20).tolist():
            more[word] += FREQUENT[0]
            counts[word] += FREQUENT[0]
        spelling.learn_counts(more.items())
    asked = [*counts, *words(rng, 200)]
    found = {term: spelling.correct(term, counts.__getitem__) for term in asked}
    expected = {term: one_by_one(term, counts) for term in asked}
    assert {term: each for term, each in found.items() if counts[term] or expected[term]} == {
        term: each for term, each in expected.items() if counts[term] or each
    }
    of_known = [term for term in counts if expected[term]]
    assert len(of_known) > 5, "some words of the catalogue are taken for mistakes"
    assert len({next(at for at in (*FREQUENT, 0) if counts[term] * RARE >= at) for term in of_known}) > 1


def test_it_lacks_what_it_never_learned() -> None:
    spelling = Spelling()
    spelling.learn(["guitar", "sm57", "the"])
    assert spelling.lacks("banjo")
    assert not spelling.lacks("guitar")
    assert not spelling.lacks("sm58"), "names of models are not learned, so nothing is known of them"
    assert not spelling.lacks("los"), "nor are short words"
