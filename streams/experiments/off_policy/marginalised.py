"""Marginalised weights (MIPS): of what an item is, not of which one it is.

With many items the chance of each is small, and its weight is wild. Where an item's reward depends on its
embedding alone (say, its category), the weight of that suffices: the chance that the target shows such a one,
over the chance that the logging arm did.

Saito and Joachims, ICML 2022, "Off-Policy Evaluation for Large Action Spaces via Embeddings" (arXiv
2202.06317).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.errors import DataError
from streams.experiments.off_policy.terms import F64


def marginal_weights(target: F64, logging: F64, likely: F64) -> F64:
    """w(x, e) = p(e | x, target) / p(e | x, logging), [n].

    `target`, `logging` [n, A]: probabilities of all A items. `likely` [n, A]: how likely each item has the
    embedding that was logged in this row, p(e | x, a). The weights go into `weighting.ipw` as any others.
    """
    below = (logging * likely).sum(1)
    if (below <= 0).any():
        raise DataError(
            f"{(below <= 0).sum()} rows were logged with an embedding that the logging arm never shows:"
            " expected a chance above 0; check that all three have the items in one order"
        )
    return np.asarray((target * likely).sum(1) / below)


def of_categories(category: NDArray[np.intp], logged: NDArray[np.intp]) -> F64:
    """`likely` [n, A] where each item has one category [A], and `logged` [n] is what was logged."""
    return np.asarray(category[None, :] == category[logged][:, None], np.float64)


def weights_by_posterior(weight: F64, posterior: F64) -> F64:
    """The same where p(e | x, a) is not known, but which item it was can be guessed: w(x, e) is the mean of
    w(x, a) under pi_logging(a | x, e). Both [n, A].
    """
    return np.asarray((weight * posterior).sum(1))
