"""Items whose text is near what the user met lately."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import SourceContext
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
        self._seen = 0

    def refresh(self, catalog: Catalog) -> None:
        """Know of the texts that came or changed since the last call."""
        if self._seen != catalog.revision:
            rows = catalog.revised_since(self._seen)
            self.index.keep_up(catalog.text[: len(catalog)], rows)
            self._seen = catalog.revision

    def find(self, context: SourceContext) -> NDArray[np.int32]:
        return self.find_each([context])[0]

    def find_each(self, contexts: Sequence[SourceContext]) -> list[NDArray[np.int32]]:
        """For all of them, which are of one catalog, in one go."""
        found = [np.empty(0, np.int32)] * len(contexts)
        some = [b for b, context in enumerate(contexts) if context.liked_taste.any()]
        if some:
            catalog = contexts[0].catalog
            self.refresh(catalog)
            rows = self.index.find(
                catalog.text[: len(catalog)],
                np.stack([contexts[b].liked_taste for b in some]),
                [contexts[b].blocked for b in some],
                [contexts[b].limit for b in some],
                least=0.0,
            )
            for b, theirs in zip(some, rows, strict=True):
                found[b] = theirs
        return found
