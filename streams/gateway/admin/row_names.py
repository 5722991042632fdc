"""Which items rows are, out of the store: a gateway without a ranker has no catalog."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from streams.stores.base import Store

TOGETHER = 64
"""Rows that are no further apart are read in one call."""
AT_ONCE = 64
"""So many calls are under way at a time."""


async def row_names(store: Store, rows: Iterable[int]) -> dict[int, str]:
    """The id of the item of each row; those that the store does not have are left out.

    Raises `StoreUnavailableError`.
    """
    spans: list[tuple[int, int]] = []
    for row in sorted({*rows}):
        if spans and row - spans[-1][1] <= TOGETHER:
            spans[-1] = spans[-1][0], row
        else:
            spans.append((row, row))
    found: dict[int, str] = {}
    for begin in range(0, len(spans), AT_ONCE):
        part = spans[begin : begin + AT_ONCE]
        read = await asyncio.gather(*(store.item_ids(first, last - first + 1) for first, last in part))
        for (first, _), ids in zip(part, read, strict=True):
            found |= dict(enumerate(ids, first))
    return found
