"""What a search may be asked for beside its best items: another order, and facets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sort = Literal["relevance", "price:asc", "price:desc", "newest", "popular"]
RELEVANCE: Sort = "relevance"
VALUES, VALUES_MOST = 10, 100
"""Of a facet that are given where nobody says how many, and at most."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`facets`: the fields to count by (`streams.search.facet_fields`); `values`: of each so many."""

    sort: Sort = RELEVANCE
    facets: tuple[str, ...] = ()
    values: int = VALUES

    @property
    def sorted(self) -> bool:
        """Whether it is in another order than relevance."""
        return self.sort != RELEVANCE


NOTHING_WANTED = Wanted()
