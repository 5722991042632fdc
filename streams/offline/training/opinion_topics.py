"""Topics of clauses: k-means on the directions of their vectors, named by the words that tell them apart.

Spherical k-means (Dhillon, Modha, Machine Learning 42, 2001) from k-means++ seeds (Arthur, Vassilvitskii,
SODA 2007). A topic is named by class-based TF-IDF (Grootendorst, BERTopic, arXiv 2203.05794, equation 2):
tf(word, topic) * log(1 + words of a topic on average / f(word)).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32

ROUNDS = 30
SPREAD = 0.25
"""The share of a topic's clauses that are too far from its middle to be called of it."""
SLACK = 1e-3
"""Below the bound of a topic: in service a cosine is summed up in another order."""
NAMED_BY = 2
"""Ways to name a topic by two words, before one has to do."""
EVEN = 0.8
"""A word that stands more evenly in all topics than this names none."""
LEAST_SHARE = 0.005
"""Of the words of a topic that one is which names it."""
ALIKE = 4
"""Two words that begin with the same letters, so many, are forms of one."""


class Topics(NamedTuple):
    """vectors [K, dim] of length 1; centre [dim]; least [K]: see `export.opinions`. of int64 [n]: the topic
    of each clause, -1 for none.
    """

    vectors: F32
    centre: F32
    least: F32
    of: NDArray[np.int64]


def found_topics(vectors: F32, count: int, seed: int) -> Topics:
    """At most `count` topics of clauses' vectors [n, dim]; the same ones for the same input."""
    rng, centre = np.random.default_rng(seed), vectors.mean(axis=0)
    units = _units(vectors - centre)
    middles = _seeds(units, min(count, len(units)), rng)
    of = np.zeros(len(units), np.int64)
    for _ in range(ROUNDS):
        now = (units @ middles.T).argmax(axis=1)
        if (now == of).all():
            break
        of = now
        sums = np.zeros_like(middles)
        np.add.at(sums, of, units)
        alone = np.linalg.norm(sums, axis=1) == 0
        middles = np.where(alone[:, None], middles, _units(sums))
    cosines = (units @ middles.T)[np.arange(len(units)), of]
    least = np.array(
        [
            np.quantile(cosines[of == k], SPREAD) - SLACK if (of == k).any() else 1.0
            for k in range(len(middles))
        ],
        np.float32,
    )
    return Topics(middles, centre.astype(np.float32), least, np.where(cosines >= least[of], of, -1))


def names_of(
    clauses: Sequence[str], of: NDArray[np.int64], count: int, words_of: Callable[[str], Sequence[str]]
) -> list[str]:
    """A name for each topic, no two the same; "" for one that has no word of its own."""
    by_topic = [Counter[str]() for _ in range(count)]
    for clause, topic in zip(clauses, of.tolist(), strict=True):
        if topic >= 0:
            by_topic[topic].update(set(words_of(clause)))
    total = sum(by_topic, Counter[str]())
    sizes = np.array([max(sum(counts.values()), 1) for counts in by_topic], np.float64)
    own = {word for word, n in total.items() if n > 2 and _evenness(word, by_topic, sizes) <= EVEN}
    names = list[str]()
    for counts, size in zip(by_topic, sizes.tolist(), strict=True):
        worth = {
            word: n / size * math.log1p(sizes.mean() / total[word])
            for word, n in counts.items()
            if word in own and n >= LEAST_SHARE * size
        }
        best = sorted(worth, key=lambda word: (-worth[word], word))
        names.append(next((name for name in _ways(best) if name not in names), ""))
    return names


def _evenness(word: str, by_topic: Sequence[Counter[str]], sizes: NDArray[np.float64]) -> float:
    """From 0, a word of one topic alone, to 1, a word that all topics use as often: the entropy of where it
    stands, by that of a word without a topic.
    """
    rates = np.array([counts[word] for counts in by_topic]) / sizes
    shares = rates[rates > 0] / rates.sum()
    return float(-(shares * np.log(shares)).sum() / math.log(max(len(sizes), 2)))


def _ways(words: Sequence[str]) -> list[str]:
    """Names of the first words, the best first; two forms of one word are one."""
    if not words:
        return []
    first, *others = words
    others = [word for word in others if not _alike(word, first)]
    return [*(f"{first}, {other}" for other in others[:NAMED_BY]), *words]


def _alike(word: str, other: str) -> bool:
    return word[:ALIKE] == other[:ALIKE] or word.startswith(other) or other.startswith(word)


def _seeds(units: F32, count: int, rng: np.random.Generator) -> F32:
    """k-means++: each next one is drawn by its squared distance from the nearest so far."""
    chosen = [int(rng.integers(len(units)))]
    away = 1.0 - units @ units[chosen[0]]
    while len(chosen) < count:
        chances = np.maximum(away, 0.0).astype(np.float64) ** 2
        if not chances.sum() > 0.0:
            break
        chosen.append(int(rng.choice(len(units), p=chances / chances.sum())))
        away = np.minimum(away, 1.0 - units @ units[chosen[-1]])
    return units[chosen].copy()


def _units(vectors: F32) -> F32:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
