"""Items whose text is near what the user met lately."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.lists import Lists
from streams.ranking.index.vector_index import VectorIndex
from streams.state.catalog import Catalog


class Nearest:
    """Score: cosine between the candidate's text and the mean text of those of the user's last items that
    they liked, away from that of those that they did not.

    `index` is over the texts of one catalog.
    """

    name = "nearest"

    def __init__(self) -> None:
        self.index = VectorIndex(self.name)
        self.seen = 0
        """The revision of the catalog up to which the index goes."""

    def refresh(self, catalog: Catalog) -> None:
        """Know of the texts that came or changed since the last call."""
        if self.seen != catalog.revision:
            rows = catalog.revised_since(self.seen)
            self.index.keep_up(catalog.text[: len(catalog)], rows)
            self.seen = catalog.revision

    def find_all(self, context: BatchContext, chosen: NDArray[np.int64], lists: Lists) -> None:
        tastes, catalog = context.tastes, context.catalog
        some = [b for b in chosen.tolist() if tastes.likes[b]]
        if some:
            self.refresh(catalog)
            texts = catalog.text[: len(catalog)]
            liked = tastes.liked if len(some) == len(tastes.liked) else tastes.liked[some]
            lists.search(self.index, texts, liked, context.blocked, some, 0.0)
