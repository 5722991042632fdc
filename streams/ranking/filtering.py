"""Filter: which items each request may not show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.ranking.filters.asked_for import AskedFor
from streams.ranking.filters.consumed import Consumed
from streams.ranking.filters.described import fitting
from streams.ranking.filters.excluded import Excluded
from streams.ranking.filters.rule import Rule
from streams.ranking.filters.unavailable import Unavailable
from streams.ranking.given_fields import described
from streams.ranking.guests import Guests
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog

RULES: tuple[Rule, ...] = (Consumed(), Unavailable(), Excluded(), AskedFor())
"""A rule more is one file in `filters/` and one name here."""


class Filter:
    """Writes `blocked` of the context, and `given`."""

    def __init__(self, catalog: Catalog, workspace: Workspace, rules: Sequence[Rule] = RULES) -> None:
        self.catalog, self.workspace = catalog, workspace
        self.of_items = [rule for rule in rules if not rule.about_user]
        self.of_users = [rule for rule in rules if rule.about_user]

    def enable(self, request: RankRequest) -> bool:
        return True

    def run(self, batch: RankBatch, chosen: Sequence[int]) -> None:
        batch.context.blocked = blocked = self.workspace.blocked(len(batch))
        for b in chosen:
            request, mask = batch.requests[b], blocked[b]
            self._mark(self.of_items, request, mask)
            if request.candidates is not None:
                batch.given[b] = self._given(request, batch.guests, mask)
            self._mark(self.of_users, request, mask)

    def _given(self, request: RankRequest, guests: Guests, mask: NDArray[np.uint8]) -> NDArray[np.int32]:
        """The candidates that may be shown. Of those that the request describes, its own words count."""
        rows, items = guests.rows(request), len(self.catalog)
        if request.given is None:  # the usual case: the catalogue has all of them, and nothing is said
            free: NDArray[np.bool_] = mask[rows] == 0
            return rows[free]
        shown = np.zeros(len(rows), np.bool_)
        known = rows < items
        shown[known] = mask[rows[known]] == 0
        own, items_told = [], []
        for k, row in enumerate(rows.tolist()):
            its = guests.fields_of(request, row)
            if its is not None and (its.filtered or row >= items):
                own.append(k)
                items_told.append(described(its, self.catalog, row if row < items else -1))
        if own:
            shown[own] = fitting(request.filter, items_told)
            shown &= ~np.isin(np.array(request.candidates), request.exclude)
        return rows[shown]

    def _mark(self, rules: Sequence[Rule], request: RankRequest, mask: NDArray[np.uint8]) -> None:
        for rule in rules:
            if rule.enable(request):
                rule.mark(request, self.catalog, mask)
