"""What sources bring for a batch: a list for each source and request, all of them in one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.candidates.context import BatchContext
from streams.ranking.candidates.source import Source
from streams.ranking.index.vector_index import VectorIndex


class Lists(NamedTuple):
    """Of one source: for request b it may bring as many rows as `rows[first[b]:first[b + 1]]` has room for,
    best first; counts[b] says how many there are. rows int32 [room], first int64 [B + 1], counts int64 [B].
    """

    rows: NDArray[np.int32]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]

    def put(self, b: int, rows: NDArray[np.int32]) -> None:
        """The list of request b."""
        begin, end = self.first[b : b + 2].tolist()
        if len(rows) > end - begin:
            raise ValueError(
                f"a source brings {len(rows)} rows; expected {end - begin} at most, see context.limit"
            )
        self.rows[begin : begin + len(rows)], self.counts[b] = rows, len(rows)

    def search(
        self,
        index: VectorIndex,
        vectors: F32,
        queries: F32,
        blocked: NDArray[np.uint8],
        chosen: Sequence[int],
        least: float = -np.inf,
    ) -> None:
        """The lists of the requests `chosen`, by what `index` finds for queries [len(chosen), dim] among
        `vectors`, in one go (`VectorIndex.find`). blocked uint8 [B, n]: of all requests.
        """
        first = self.first.tolist()
        limits = [first[b + 1] - first[b] for b in chosen]
        found = index.find(vectors, queries, [blocked[b] for b in chosen], limits, least)
        for b, rows in zip(chosen, found, strict=True):
            self.rows[first[b] : first[b] + len(rows)], self.counts[b] = rows, len(rows)

    def of(self, b: int) -> NDArray[np.int32]:
        """The list of request b: int32 [n]."""
        return self.rows[self.first[b] : self.first[b] + self.counts[b]]


class BatchSource(Protocol):
    """A source that finds for many requests in one go. As for `Source`, no row is blocked, and each is there
    once.
    """

    name: str

    def find_all(self, context: BatchContext, chosen: NDArray[np.int64], lists: Lists) -> None:
        """Write the lists of the requests `chosen`; those of the others stay as they are."""
        ...


class FoundLists(NamedTuple):
    """Of all sources: rows int32 [sources, room], counts int64 [sources, B]; see `Lists`."""

    rows: NDArray[np.int32]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]

    def source(self, at: int) -> Lists:
        """Those of one source."""
        return Lists(self.rows[at], self.first, self.counts[at])


def empty_lists(sources: int, first: NDArray[np.int64]) -> FoundLists:
    """Lists with room, for request b from first[b] on, and nothing in them."""
    return FoundLists(
        np.empty((sources, int(first[-1])), np.int32), first, np.zeros((sources, len(first) - 1), np.int64)
    )


def fill(
    sources: Sequence[Source | BatchSource],
    asked: Sequence[NDArray[np.int64]],
    context: BatchContext,
    found: FoundLists,
) -> None:
    """Have each source find for the requests that ask it."""
    for at, source in enumerate(sources):
        if not len(asked[at]):
            continue
        lists = found.source(at)
        if hasattr(source, "find_all"):
            source.find_all(context, asked[at], lists)
        else:
            for b in asked[at].tolist():
                lists.put(b, source.find(context.of(b)))
