"""What reviews say of items that have no text of their own, as it is at one moment, copied in small pieces.

It works as the copy of the counters does (streams/counters/gradual_copy.py): a row that is about to change is
copied first. Both `before` and `step` are called in the core's thread.
"""

from __future__ import annotations

import numpy as np

from streams.state.catalog import Catalog

SLICE_ROWS = 1_024


class HeardCopy:
    """`rows` int32 [n], `reviews` float32 [n], how many; `text` float32 [n, dim], whole after the last
    `step`.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        count = len(catalog)
        heard = (catalog.reviews[:count] > 0) & ~catalog.own_text[:count]
        self.rows = np.flatnonzero(heard).astype(np.int32)
        self.reviews = catalog.reviews[self.rows]
        self.text = np.zeros((len(self.rows), catalog.text.shape[1]), np.float32)
        self._taken = np.zeros(len(self.rows), np.bool_)
        self._next = 0

    def before(self, row: int) -> None:
        """This row is about to change."""
        at = int(np.searchsorted(self.rows, row))
        if at < len(self.rows) and self.rows[at] == row and not self._taken[at]:
            self.text[at] = self._catalog.text[row]
            self._taken[at] = True

    def step(self) -> bool:
        """Copy the next rows; whether those were the last."""
        part = slice(self._next, self._next + SLICE_ROWS)
        left = self._next + np.flatnonzero(~self._taken[part])
        self.text[left] = self._catalog.text[self.rows[left]]
        self._taken[part] = True
        self._next += SLICE_ROWS
        return self._next >= len(self.rows)
