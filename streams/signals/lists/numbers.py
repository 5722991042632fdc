"""How a number of each place, such as its price, compares with its neighbours and with what the user met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.signals.lists.session import Session

OF_FIELD = (
    "median",
    "lowest",
    "new_lowest",
    "over_above",
    "over_below",
    "sorted",
    "spread",
    "near_last",
    "from_chosen",
    "from_met",
    "changed",
    "known",
)
MOST = 3.0
"""Differences beyond this are all alike."""
LARGEST, LEAST = 1e30, 1e-30
"""Numbers beyond the first are cut, and a deviation below the second is none: so no product overflows."""

F64 = NDArray[np.float64]
Known = Mapping[int, Sequence[float]]


class ScaledNumbers(NamedTuple):
    """Numbers of the list [n] and what was told of items before, on one scale."""

    here: F64
    before: Mapping[int, float]


def of_field(rows: NDArray[np.int32], numbers: F64, field: int, known: Known, session: Session) -> list[F64]:
    """A column [n] for each of `OF_FIELD`; all 0 for a place without a number. Differences are of logarithms
    where all numbers are above zero, else in deviations of the list.

    numbers [n]: of field `field`. known: of items that were shown before, the numbers of their fields.
    median: above the list's median. lowest: it is the lowest; new_lowest: lower than all places before it.
    over_above, over_below: above the place before and the one after. sorted: the correlation of number and
    place: which way the list is sorted. spread: the list's deviation. near_last: how far from the item that
    was met last; from_chosen, from_met: above the mean of what was chosen and met in this session. changed:
    above what the item had the last time; known: it had a number.
    """
    there = np.isfinite(numbers)
    zeros = np.zeros(len(numbers))
    if not there.any():
        return [zeros] * len(OF_FIELD)
    met = session.met()
    scaled = _scaled(numbers, {row: known[row][field] for row in {*met, *rows.tolist()} if row in known})
    here, before = scaled
    of_met = [before[row] for row in met if row in before]
    of_chosen = [before[row] for row in session.chose() if row in before]
    filled = np.where(there, here, np.median(here[there]))
    lowest = np.minimum.accumulate(np.where(there, here, np.inf))
    earlier = np.array([before.get(row, np.nan) for row in rows.tolist()])
    steps = np.diff(filled)
    columns = [
        filled - np.median(filled),
        filled == lowest[-1],
        filled < np.concatenate([[np.inf], lowest[:-1]]),
        np.concatenate([[0.0], steps]),
        np.concatenate([-steps, [0.0]]),
        np.full(len(here), _correlation(filled)),
        np.full(len(here), filled.std()),
        np.abs(filled - of_met[0]) if of_met else zeros,
        filled - np.mean(of_chosen) if of_chosen else zeros,
        filled - np.mean(of_met) if of_met else zeros,
        np.nan_to_num(filled - earlier),
        np.isfinite(earlier),
    ]
    return [np.where(there, np.clip(column, -MOST, MOST), 0.0) for column in columns]


def _scaled(numbers: F64, before: Mapping[int, float]) -> ScaledNumbers:
    there = np.isfinite(numbers)
    numbers = numbers.clip(-LARGEST, LARGEST)
    told = {row: min(max(n, -LARGEST), LARGEST) for row, n in before.items() if np.isfinite(n)}
    if min([*numbers[there].tolist(), *told.values()]) > 0:
        return ScaledNumbers(
            np.where(there, np.log(np.where(there, numbers, 1.0)), np.nan),
            {row: float(np.log(number)) for row, number in told.items()},
        )
    deviation = float(numbers[there].std())
    deviation = deviation if deviation > LEAST else 1.0
    return ScaledNumbers(numbers / deviation, {row: number / deviation for row, number in told.items()})


def _correlation(numbers: F64) -> float:
    """Of the ranks of the numbers and their places (Spearman); 0 where all are equal."""
    if len(numbers) < 2 or numbers.min() == numbers.max():
        return 0.0
    ranks = np.searchsorted(np.sort(numbers), numbers, "left") + np.searchsorted(
        np.sort(numbers), numbers, "right"
    )
    return float(np.corrcoef(ranks, np.arange(len(numbers)))[0, 1])
