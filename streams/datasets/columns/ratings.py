"""A column of ratings, in numbers or in words, as stars from 1 to 5.

The whole column decides the rule:

1. a cell is a number (3.5, 3,5, "4 stars", "four", ★★★★☆), a share (80%, 4/5, "4 out of 5"), or a word of
   `WORDS` (yes and no, like and dislike, True and False);
2. the kind of most cells is the kind of the column; other cells are bad rows. If most cells are of no kind,
the
   file has no ratings, and a note says so;
3. some numbers mean "not rated" (see `unrated_in`);
4. shares are of five stars; numbers within 1 to 5 stay; the code stretches other numbers from their own
range,
   or from `--scale`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import HIGHEST_RATING, LOWEST_RATING
from streams.datasets.columns.cell_rules import AUTO, CellRules
from streams.datasets.columns.cells import as_numbers, is_absent, plain_value, shown
from streams.datasets.columns.rating_cells import share_in, stars_in, word_in

# 99.9% of the ratings are below a usual one. A rating this many times as high is a slip of the pen: it must
# not stretch the scale for all.
SLIP, USUAL_PERCENT = 10.0, 99.9
# Numbers far beyond a scale that stand for "not rated", as in Jester's -10..10.
FAR = (99.0, 999.0, 9999.0, -99.0, -999.0, -9999.0)
FAR_FROM = 3.0
# Floating point can stretch a scale of a span between these.
LEAST_SPAN, MOST_SPAN = 1e-100, 1e100


class Ratings(NamedTuple):
    """`values` float64, NaN: none; `flawed`: cells that are not of the column's kind.

    `fixed`: the values are stars already. `notes`: how the code read them.
    """

    values: NDArray[np.float64]
    flawed: NDArray[np.bool_]
    fixed: bool = False
    notes: tuple[str, ...] = ()


def read_ratings(cells: Sequence[Any], reading: CellRules = AUTO) -> Ratings:
    """Read a column by the rule above, without its scale.

    >>> read_ratings(["True", "False"]).values.tolist()
    [5.0, 1.0]
    """
    cells = [plain_value(cell) for cell in cells]
    absent = np.fromiter((is_absent(cell) for cell in cells), bool, len(cells))
    none = np.zeros(len(cells), bool)
    if absent.all():
        return Ratings(np.full(len(cells), np.nan), none)
    numbers = np.where(absent, np.nan, as_numbers(cells))
    candidates: dict[str, NDArray[np.float64]] = {
        "numbers": np.where([isinstance(cell, bool) for cell in cells], np.nan, numbers)
    }
    notes: tuple[str, ...] = ()
    if (left := ~absent & ~np.isfinite(candidates["numbers"])).any():
        for name, read in (("numbers", stars_in), ("shares", share_in), ("words", word_in)):
            there = [read(cell) if open_ else np.nan for cell, open_ in zip(cells, left, strict=True)]
            candidates[name] = np.where(
                np.isfinite(candidates.get(name, np.nan)), candidates.get(name, np.nan), there
            )
    kind, values = max(candidates.items(), key=lambda candidate: int(np.isfinite(candidate[1]).sum()))
    if 2 * np.isfinite(values).sum() < (~absent).sum():
        first = shown(cells[int(np.flatnonzero(~absent & ~np.isfinite(values))[0])])
        note = f"ratings can't be read, such as {first}: left out (--map rating=COLUMN names another column)"
        return Ratings(np.full(len(cells), np.nan), none, notes=(note,))
    flawed = ~absent & ~np.isfinite(values)
    if kind == "words":
        good = next(cell for cell, value in zip(cells, values, strict=True) if np.isfinite(value))
        notes = (f"ratings are words such as {shown(good)}: read as 5 for yes, 1 for no",)
        return Ratings(values, flawed, fixed=True, notes=notes)
    if kind == "shares":
        return _shares(values, flawed)
    values, unrated = _without(values, reading)
    if any(isinstance(cell, str) and "," in cell for cell in cells):
        unrated += ("ratings have decimal commas: 3,5 is read as 3.5",)
    finite = values[np.isfinite(values)]
    if len(finite):
        usual = float(np.percentile(np.abs(finite), USUAL_PERCENT, method="lower"))
        flawed |= np.abs(np.nan_to_num(values)) > SLIP * max(usual, HIGHEST_RATING)
    if reading.scale is not None:
        flawed |= (values < reading.scale[0]) | (values > reading.scale[1])
    return Ratings(values, flawed, notes=unrated)


def scaled(
    ratings: Ratings, keep: NDArray[np.bool_], scale: tuple[float, float] | None = None
) -> tuple[NDArray[np.float32], str]:
    """The ratings as stars, and a note: unchanged if all lie in 1 to 5, else stretched from `scale` or the
    usual scale.
    """
    values = np.where(keep, ratings.values, np.nan)
    known = values[np.isfinite(values)]
    if not len(known):
        return values.astype(np.float32), ""
    if ratings.fixed:
        one = known.min() == known.max()
        return (np.full(len(values), np.nan) if one else values).astype(np.float32), (
            "every rating is the same: left out" if one else ""
        )
    occur = float(known.min()), float(known.max())
    if scale is None and occur == (LOWEST_RATING, LOWEST_RATING):
        return np.full(len(values), np.nan, np.float32), (
            "every rating is 1: taken for a mark that there is one, and left out (--scale 1..5 takes it for "
            "one star)"
        )
    low, high = scale or _usual(*occur)
    if scale is None and low >= LOWEST_RATING and high <= HIGHEST_RATING:
        return values.astype(np.float32), ""
    if low == high:
        return np.full(len(values), np.nan, np.float32), f"every rating is {low:g}: left out"
    if not LEAST_SPAN < high - low < MOST_SPAN:
        return np.full(len(values), np.nan, np.float32), (
            f"ratings from {low:g} to {high:g} are on no scale that can be told: left out (--scale sets it)"
        )
    stars = LOWEST_RATING + (values - low) * ((HIGHEST_RATING - LOWEST_RATING) / (high - low))
    note = f"ratings rescaled linearly from {low:g}..{high:g} to 1..5"
    if scale is None and (low, high) != occur:
        note += f"; {occur[0]:g}..{occur[1]:g} occur (--scale sets it)"
    return stars.astype(np.float32), note


def _usual(low: float, high: float) -> tuple[float, float]:
    """The scale of ratings from `low` to `high`. Few people give low ratings, so a scale's lower end may not
    occur.

    >>> _usual(6, 10), _usual(0, 10), _usual(40, 100), _usual(2, 7)
    ((1.0, 10), (0.0, 10), (0.0, 100), (2, 7))
    """
    if high == 10.0 and 0.0 <= low < 10.0:
        return (1.0 if low >= 1.0 else 0.0), high
    if high == 100.0 and 0.0 <= low < 100.0:
        return 0.0, high
    return low, high


def unrated_in(values: NDArray[np.float64]) -> tuple[float, ...]:
    """The numbers of a column that mean "not rated".

    - -1 if all others are 0 or more and go beyond 1 (-1 and 1 alone are a scale);
    - 0 beside whole numbers from 1 up, at least three of them, that go beyond 2: if 0 is the most frequent of
      all, or is further from the next one than those are from each other;
    - 99, 999, 9999 and their negatives, alone beyond three times all others.

    >>> unrated_in(np.array([-1.0, 7, 8, 10])), unrated_in(np.array([0.0, 0, 0, 5, 6, 7]))
    ((-1.0,), (0.0,))
    """
    unrated: list[float] = []
    left = values[np.isfinite(values)]
    for value in FAR:
        others = left[left != value]
        if len(others) and value in left and 0 < float(np.abs(others).max()) * FAR_FROM < abs(value):
            unrated.append(value)
            left = others
    others = left[left != -1.0]
    if len(others) and -1.0 in left and others.min() >= 0 and others.max() > 1:
        unrated.append(-1.0)
        left = others
    others = left[left != 0.0]
    kinds, counts = np.unique(others, return_counts=True)
    if 0.0 in left and len(kinds) >= 3 and kinds[0] >= 1 and kinds[-1] > 2 and bool((kinds % 1 == 0).all()):
        frequent = (left == 0.0).sum() > counts.max()
        if frequent or kinds[0] > np.diff(kinds).max():
            unrated.append(0.0)
    return tuple(unrated)


def _without(values: NDArray[np.float64], reading: CellRules) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The values with NaN for numbers that mean "not rated", and notes on them."""
    unrated = unrated_in(values) if reading.unrated is None else reading.unrated
    at = np.isin(values, unrated)
    notes: list[str] = []
    if at.any():
        names = ", ".join(f"{value:g}" for value in unrated if value in values)
        also = " (--unrated none takes it as a rating)" if reading.unrated is None else ""
        notes.append(f"{names} means not rated in {int(at.sum())} rows{also}")
    left = values[np.isfinite(values) & ~at]
    if reading.unrated is None and len(left) and left.min() == 0 and left.max() > 1:
        notes.append(
            f"0 is taken as a rating in {int((left == 0).sum())} rows (--unrated 0 if it means none)"
        )
    return np.where(at, np.nan, values), tuple(notes)


def _shares(values: NDArray[np.float64], flawed: NDArray[np.bool_]) -> Ratings:
    """Shares as stars: n/5 is n stars. If some lie below a fifth, stretched so that 0 is one star."""
    flawed = flawed | (np.nan_to_num(values) > 1)
    known = values[np.isfinite(values) & ~flawed]
    if len(known) and known.min() < LOWEST_RATING / HIGHEST_RATING:
        stars = LOWEST_RATING + (HIGHEST_RATING - LOWEST_RATING) * values
        return Ratings(stars, flawed, True, ("ratings are shares: stretched from 0..100% to 1..5",))
    return Ratings(HIGHEST_RATING * values, flawed, True, ("ratings are shares: read as shares of 5 stars",))
