"""Which items slates show: places by popularity, beside the catalogue and the consumed items."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

TIERS = (("top 1%", 0.01), ("next 9%", 0.10), ("next 40%", 0.50), ("the other half", 1.0))


class Tier(NamedTuple):
    """Shares of the catalogue's items, of the consumed items, and of the shown places."""

    name: str
    items: int
    catalogue: float
    consumed: float
    shown: float


class Exposure(NamedTuple):
    """Gini: 0 if all items of the catalogue have the same share, near 1 if one item has all."""

    tiers: list[Tier]
    gini_shown: float
    gini_consumed: float
    items_shown: int


def exposure(shown: ArrayLike, consumed: ArrayLike, popularity: ArrayLike) -> Exposure:
    """By tiers of popularity [m], the most popular first; ties to the lower item.

    shown: the items (0 to m - 1) of all places, any shape, negative for an empty place. consumed: the items
    that users met.
    """
    counts = np.asarray(popularity, np.float64)
    items = len(counts)
    order = np.argsort(-counts, kind="stable")
    on_slates, met = _counted(shown, items), _counted(consumed, items)
    tiers, begin = [], 0
    for name, share in TIERS:
        end = max(round(share * items), begin)
        rows = order[begin:end]
        tiers.append(Tier(name, len(rows), len(rows) / items, _share(met, rows), _share(on_slates, rows)))
        begin = end
    return Exposure(tiers, gini(on_slates), gini(met), int((on_slates > 0).sum()))


def gini(values: ArrayLike) -> float:
    """The Gini coefficient of amounts; NaN if their sum is 0.

    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 4])
    (0.0, 0.75)
    """
    amounts = np.sort(np.asarray(values, np.float64))
    count, total = len(amounts), amounts.sum()
    if not total:
        return float("nan")
    places = 2 * np.arange(1, count + 1) - count - 1
    return float((places * amounts).sum() / (count * total))


def _counted(items: ArrayLike, size: int) -> NDArray[np.int64]:
    rows = np.asarray(items, np.int64).ravel()
    return np.bincount(rows[rows >= 0], minlength=size)


def _share(counts: NDArray[np.int64], rows: NDArray[np.intp]) -> float:
    total = counts.sum()
    return float(counts[rows].sum() / total) if total else float("nan")
