"""Columns over item rows, with room for items to come that costs nothing before it is used.

Memory that is asked for as zeros is given page by page, as it is first written to. So a column has room for
as many items again as there are. To copy the columns of a million items would hold up the slates for half a
second: that happens once for each doubling, and not when the first item comes after a start.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)

LEAST = 64


def room_for(items: int) -> int:
    """How many rows a column is given that needs to hold so many items."""
    return max(2 * items, LEAST)


def longer(column: NDArray[Scalar], room: int, known: int | None = None) -> NDArray[Scalar]:
    """A copy of the first `known` rows, or of all, with zeros behind them: [room, ...]."""
    known = len(column) if known is None else known
    grown = np.zeros((room, *column.shape[1:]), column.dtype)
    grown[:known] = column[:known]
    return grown
