"""Guests: candidates that the catalogue lacks, for the time of one batch.

A guest has a row behind the last item, where all columns have room and nothing stands. So whatever reads a
candidate by its row reads an item that nobody has met, and whatever goes over the items does not see it. Its
text and the moment at which it came are written there; an item that is met later clears them
(`Catalog.extend`). Behind the guests stand texts that requests bring for items that the catalogue has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.counters.counters import Counters
from streams.ranking.given_fields import CandidateFields
from streams.ranking.request import RankRequest
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog


class Guests:
    """Of one batch; `fields`: of each guest, that of row `items + k` at place k; `texts`: those behind the
    guests, in their order. Requests that have the same fields share their guests and texts.
    """

    def __init__(self, items: int = 0) -> None:
        self.items, self.fields, self.texts = items, list[CandidateFields](), list[F32]()
        self._first, self._told = dict[int, int](), dict[int, dict[int, int]]()

    def __len__(self) -> int:
        """How many rows they take."""
        return len(self.fields) + len(self.texts)

    def rows(self, request: RankRequest) -> NDArray[np.int32]:
        """The rows of a request's candidates, int32 [n]: those below 0 are its guests'."""
        rows = np.array(request.candidates, np.int32)
        if request.given is not None:
            unknown = rows < 0
            rows[unknown] = self.items + self._first[id(request.given)] - 1 - rows[unknown]
        return rows

    def fields_of(self, request: RankRequest, row: int) -> CandidateFields | None:
        """What the request says of the candidate of a row, if anything."""
        if row >= self.items:
            return self.fields[row - self.items]
        return None if request.given is None else request.given.of.get(row)

    def text_rows(
        self, requests: Sequence[RankRequest], offsets: NDArray[np.int64], rows: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Where the text of each candidate stands: its own row, but for texts that its request brings."""
        if not self.texts:
            return rows
        found, behind = rows.copy(), self.items + len(self.fields)
        for b, request in enumerate(requests):
            told = self._told.get(id(request.given), {})
            for k in range(offsets[b], offsets[b + 1]) if told else ():
                if (at := told.get(int(rows[k]))) is not None:
                    found[k] = behind + at
        return found

    def item_id(self, ids: Sequence[str], row: int) -> str:
        """The id of a row; `ids`: of the catalogue's items."""
        return ids[row] if row < self.items or not self.fields else self.fields[row - self.items].item_id

    def item_ids(self, ids: Sequence[str], rows: Sequence[int]) -> list[str]:
        """Those of many rows; most batches have no guest."""
        return [self.item_id(ids, row) for row in rows] if self.fields else [ids[row] for row in rows]

    def take(self, request: RankRequest) -> None:
        """Those of one request more."""
        given = request.given
        if given is None or id(given) in self._first:
            return
        self._first[id(given)] = len(self.fields)
        self.fields += given.guests
        told = self._told[id(given)] = dict[int, int]()
        for row, fields in given.of.items():
            if row >= 0 and fields.text is not None:
                told[row] = len(self.texts)
                self.texts.append(fields.text)


NO_GUESTS = Guests()


def guests_of(
    requests: Sequence[RankRequest], catalog: Catalog, counters: Counters, workspace: Workspace
) -> Guests:
    """The guests of a batch, with their columns written."""
    if not any(request.given is not None for request in requests):
        return NO_GUESTS
    items, now_ms = len(catalog), max(request.now_ms for request in requests)
    guests = Guests(items)
    for request in requests:
        guests.take(request)
    if not guests:
        return guests
    end = items + len(guests)
    catalog.lend(end)
    counters.make_room(end)
    workspace.make_room(end)
    catalog.text[items:end], catalog.added_ms[items:end] = 0.0, now_ms
    for row, fields in enumerate(guests.fields, items):
        if fields.text is not None:
            catalog.text[row] = fields.text
    if guests.texts:
        catalog.text[items + len(guests.fields) : end] = guests.texts
    return guests


def rows_of(request: RankRequest, catalog: Catalog, item_ids: Sequence[str]) -> list[int]:
    """The rows of a slate's items, as a batch of this request alone has them."""
    guests = () if request.given is None else request.given.guests
    own = {fields.item_id: row for row, fields in enumerate(guests, len(catalog))}
    return [own[item] if item in own else catalog.rows[item] for item in item_ids]
