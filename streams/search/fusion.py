"""What words and meaning find, as one list.

By scores: each list's scores are scaled to 0..1 and added with weights (Bruch, Gai, Ingber, "An analysis of
fusion functions for hybrid retrieval", TOIS 2023, eq. 3: a convex combination; a word score by the best one,
a cosine as it is). By ranks: the sum over the lists of weight / (constant + rank) (Cormack, Clarke, Büttcher,
SIGIR 2009), scaled so that the first of all lists has 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.search.joining import fused

NO_ROWS, NO_SCORES = np.empty(0, np.int32), np.empty(0, np.float32)


class Found(NamedTuple):
    """One list. rows int32 [n], best first; scores float32 [n] from 0 to 1; weight: what the list counts."""

    rows: NDArray[np.int32]
    scores: F32
    weight: float


class Fused(NamedTuple):
    """rows int32 [n], best first; score float32 [n] from 0 to 1; parts float32 [lists, n]: what each list
    adds to the score.
    """

    rows: NDArray[np.int32]
    score: F32
    parts: F32


def by_scores(lists: Sequence[Found]) -> Fused:
    """Sum of weight * score / the sum of weights; 0 from a list without the row. A list that found nothing
    has no weight: what is asked in another language is found by meaning alone. Ties go to the lower row.

    >>> one = Found(np.array([4, 2], np.int32), np.array([1.0, 0.5], np.float32), 3.0)
    >>> two = Found(np.array([2], np.int32), np.array([1.0], np.float32), 1.0)
    >>> fused = by_scores([one, two])
    >>> fused.rows.tolist(), fused.score.tolist()
    ([4, 2], [0.75, 0.625])
    """
    return _fused(lists, [each.scores for each in lists])


def by_ranks(lists: Sequence[Found], constant: float) -> Fused:
    """Reciprocal rank fusion.

    >>> one = Found(np.array([4, 2], np.int32), np.ones(2, np.float32), 1.0)
    >>> two = Found(np.array([2], np.int32), np.ones(1, np.float32), 1.0)
    >>> by_ranks([one, two], 60.0).rows.tolist()
    [2, 4]
    """
    return _fused(lists, [(constant + 1.0) / (constant + np.arange(1, len(each.rows) + 1)) for each in lists])


def scaled(scores: F32) -> F32:
    """Word scores by the best of them: 0..1."""
    most = scores.max(initial=0.0)
    return scores / most if most > 0 else np.zeros_like(scores)


def _fused(lists: Sequence[Found], scores: Sequence[NDArray[np.floating]]) -> Fused:
    total = sum(each.weight for each in lists if len(each.rows))
    if not total > 0:
        scores, total = [np.zeros(len(each.rows)) for each in lists], 1.0
    shares = np.array([each.weight / total if len(each.rows) else 0.0 for each in lists], np.float32)
    first = np.array([0, *accumulate(len(each.rows) for each in lists)], np.int64)
    rows = np.concatenate([NO_ROWS, *(each.rows for each in lists)])
    return Fused(*fused(rows, np.concatenate([NO_SCORES, *scores], dtype=np.float32), first, shares))
