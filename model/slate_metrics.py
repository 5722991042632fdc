"""How well an order of a list puts what was clicked on it first. No torch here.

Of one list of n places that was shown; clicked: bool [n], at least one True. Gains are 1 for what was clicked
and 0 for the rest (Järvelin and Kekäläinen 2002: discounts 1 / log2(place + 1)).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
METRICS = ("auc", "mrr", "ndcg@5", "ndcg@10")


class ListFigures(NamedTuple):
    """auc: the share of pairs of a clicked and another place that stand in the right order, half of those
    with equal scores; NaN where all were clicked. mrr: 1 / the place of the first clicked one. ndcg@5 and
    ndcg@10.
    """

    auc: float
    mrr: float
    ndcg5: float
    ndcg10: float


def figures_of(
    scores: NDArray[np.floating], clicked: NDArray[np.bool_], ties: NDArray[np.int64]
) -> ListFigures:
    """The figures of the order by `scores` [n], which are finite, the highest first; among equal scores that
    with the smaller number in `ties` [n] comes first.

    >>> figures_of(np.array([3.0, 1.0, 2.0]), np.array([False, False, True]), np.arange(3))
    ListFigures(auc=0.5, mrr=0.5, ndcg5=0.6309297535714575, ndcg10=0.6309297535714575)
    """
    order = np.lexsort((ties, -scores))
    places = np.flatnonzero(clicked[order]) + 1
    return ListFigures(auc_of(scores, clicked), 1.0 / float(places[0]), _ndcg(places, 5), _ndcg(places, 10))


def auc_of(scores: NDArray[np.floating], clicked: NDArray[np.bool_]) -> float:
    """The area under the ROC curve; NaN where there is no pair."""
    these, others = scores[clicked][:, None], scores[~clicked][None, :]
    if not these.size or not others.size:
        return float("nan")
    return float((these > others).mean() + (these == others).mean() / 2)


def _ndcg(places: NDArray[np.int64], k: int) -> float:
    """Of the places of what was clicked, from 1."""
    ideal = np.arange(1, min(len(places), k) + 1)
    return float((1 / np.log2(places[places <= k] + 1)).sum() / (1 / np.log2(ideal + 1)).sum())
