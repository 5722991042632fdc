"""Several arms or metrics at once: how evidence is corrected for having looked at all of them.

p-values that hold at any time may be corrected at every look as usual ones are: then the chance of one wrong
claim among them, ever, is at most alpha (Holm, "A simple sequentially rejective multiple test procedure",
Scandinavian Journal of Statistics 1979; it is a closed test, so it holds whatever hangs together). For a long
list of metrics e-BH keeps the share of wrong claims among all claims at alpha (Wang and Ramdas, "False
discovery rate control with e-values", JRSS B 2022, arXiv 2009.02824, the base e-BH procedure).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.experiments.readings.moments import F64

Flags = NDArray[np.bool_]


def holm(p: F64) -> F64:
    """Corrected p-values, in the order of `p` [tests].

    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty(len(p))
    found[order] = np.minimum(1.0, steps)
    return found


def e_bh(log_e: F64, alpha: float) -> Flags:
    """Which claims stand when at most a share alpha of the claims shall be wrong, on average.

    The k largest stand, for the largest k with e_(k) >= tests / (k alpha).

    >>> e_bh(np.log([100.0, 45.0, 2.0]), 0.05).tolist()
    [True, True, False]
    """
    tests = len(log_e)
    order = np.argsort(-log_e, kind="stable")
    enough = log_e[order] >= np.log(tests / (np.arange(1, tests + 1) * alpha))
    largest = int(np.flatnonzero(enough)[-1]) + 1 if enough.any() else 0
    found = np.zeros(tests, bool)
    found[order[:largest]] = True
    return found
