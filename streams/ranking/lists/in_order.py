"""A page of a list that has one order, by a column over all items: the highest values first.

One pass over the column finds a page, whatever the filters leave and however deep it lies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled


@compiled
def next_rows(
    values: NDArray[Any],
    blocked: NDArray[np.uint8],
    last_value: float,
    last_row: int,
    upwards: bool,
    found: NDArray[np.int32],
) -> int:
    """Fill `found` with the rows of the highest `values` [n] above 0 that are not blocked, best first; how
    many there are. Ties go to the lower row, or to the higher one where `upwards` is False.

    It begins behind `last_row`, which had `last_value`: infinity for the first page. blocked uint8 [n or
    more]: 1 for what is left out.

    Rows are looked at in the order of ties, so a row that ties with the last place costs a comparison.
    """
    items, count, room = len(values), 0, len(found)
    best = np.empty(room, np.float64)
    for k in range(items if room > 0 else 0):
        row = k if upwards else items - 1 - k
        value = float(values[row])
        if not value > 0.0 or value > last_value or blocked[row] != 0:  # the first for NaN, too
            continue
        if value == last_value and (row <= last_row if upwards else row >= last_row):
            continue
        if count == room:
            if value <= best[room - 1]:
                continue
        else:
            count += 1
        at = count - 1
        while at > 0 and best[at - 1] < value:
            best[at], found[at] = best[at - 1], found[at - 1]
            at -= 1
        best[at], found[at] = value, row
    return count
