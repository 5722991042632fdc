"""Items as columns: a row number for each item id, and arrays over rows.

Row numbers come from the store (`Store.intern`), so that they mean the same item in every process and in
every stored state. Features for 120 candidates are then a gather, not 120 look-ups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.hashing import ATTRIBUTES, attributes_of
from streams.state.columns import longer, room_for
from streams.state.facets import Facets
from streams.state.row_set import NO_ROWS, RowSet
from streams.state.stored_format import decoded

VERSION = 1
"""Of item records. Fields are only added, at the end; a field that changes its meaning is a new version."""

F32 = NDArray[np.float32]
REMEMBERED = 1_024
"""So many of the newest changes are known one by one: a model that is not further behind need not look
through all items for them.
"""
AT_ONCE = 10_000
COLUMNS = "text", "attributes", "own_text", "reviews", "available", "added_ms", "announced_ms", "revised"
NO_MODALITIES: Mapping[str, int] = {}


class ItemRecord(msgspec.Struct, frozen=True, array_like=True):
    """What is stored of an item. `text`: unit vector in the projected text space, float16; b"" for none.

    `ts`: the update's own time, or an earlier one where that was ahead of the clock (see `Catalog.announce`).
    `image`, `audio`: vectors of other views of it, float16; b"" for none. `version`: see `VERSION`; older
    builds' records end before it, or before `image`. `added_ms`: when it was first announced (0: at `ts`).
    `attributes`: what the app says of it by name, for filters. `description`: its text in words, of which
    `text` is the vector; None where an older build stored it, which kept the vector alone.
    """

    item_id: str
    ts: int
    available: bool = True
    text: bytes = b""
    title: str = ""
    categories: list[str] = []
    price: float | None = None
    tags: list[str] = []
    image: bytes = b""
    audio: bytes = b""
    version: int = VERSION
    added_ms: int = 0
    attributes: dict[str, str] = {}
    description: str | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ItemRecord)


def encode_item(record: ItemRecord) -> bytes:
    """An item record as msgpack."""
    return _encoder.encode(record)


def decode_item(raw: bytes) -> ItemRecord:
    """The record that `encode_item` packed, of this build or a former one; `StoreError` for anything else."""
    return decoded("item record", _decoder, raw, VERSION, lambda record: record.version)


class Content(NamedTuple):
    """Of n items: text [n, dim], attributes [n, 8], and modalities by name."""

    text: F32
    attributes: NDArray[np.int32]
    modalities: dict[str, NDArray[np.float16]]


class Catalog:
    """All items this process knows.

    text[n, dim]: unit vector of the item's own text, or where it has none, of what reviews said of it; zero
    for neither. attributes[n, 8]: categories, tags and price as hashed numbers (0: none).
    modalities[name][n, its dim]: other views of the item, zero where it has none; only those asked for.
    available[n]: may be recommended; `withdrawn`: the rows that may not. added_ms[n]: when the item was first
    announced or met. revised[n]: the revision at which the item last changed; `revision` is that of the
    newest change, 0 where there was none. A model remembers up to which one its vectors go.
    All columns have room behind the last item.
    """

    def __init__(self, text_dim: int = 64, modalities: Mapping[str, int] = NO_MODALITIES) -> None:
        self.ids: list[str] = []
        self.rows: dict[str, int] = {}
        self.text: F32 = np.zeros((0, text_dim), np.float32)
        self.attributes = np.zeros((0, ATTRIBUTES), np.int32)
        self.modalities = {name: np.zeros((0, dim), np.float16) for name, dim in modalities.items()}
        self.own_text = np.zeros(0, np.bool_)
        self.reviews = np.zeros(0, np.float32)
        self.available = np.zeros(0, np.bool_)
        self.added_ms = np.zeros(0, np.int64)
        self.announced_ms = np.zeros(0, np.int64)
        self.revised = np.zeros(0, np.int64)
        self.revision = 0
        self._changes: deque[range] = deque(maxlen=REMEMBERED)
        self.withdrawn = RowSet()
        self.facets = Facets()
        self._lent = 0
        self.before: Callable[[int], None] | None = None
        """Is told of a row before its text changes."""

    def __len__(self) -> int:
        return len(self.ids)

    def extend(self, item_ids: Sequence[str], ts: int = 0) -> None:
        """Add items under the next row numbers, met at `ts`; nothing else is known of them yet."""
        first = len(self.ids)
        # In parts: no other thread gets its turn while a dictionary takes a million names.
        for at in range(0, len(item_ids), AT_ONCE):
            part = item_ids[at : at + AT_ONCE]
            self.rows.update(zip(part, range(first + at, first + at + len(part)), strict=True))
            self.ids.extend(part)
        size = len(self.ids)
        self.make_room(size)
        self.text[first : max(first, min(size, self._lent))] = 0.0
        self.available[first:size], self.announced_ms[first:size] = True, -1
        self.added_ms[first:size] = ts
        self._revise(range(first, size))

    def lend(self, rows: int) -> None:
        """Let others write into the columns up to so many rows, behind the items: what stands there is of no
        item, and is cleared where one comes (`streams.ranking.guests`).
        """
        self.make_room(rows)
        self._lent = max(self._lent, rows)

    def has_own_text(self, row: int) -> bool:
        """Whether an announcement gave this item a text; of none below 0. May be asked in any thread."""
        known = self.own_text
        return 0 <= row < len(known) and bool(known[row])

    def make_room(self, rows: int) -> None:
        """Make room for so many rows; there may be fewer items."""
        if rows <= len(self.available):
            return
        room = room_for(rows)
        for name in COLUMNS:
            setattr(self, name, longer(getattr(self, name), room))
        self.modalities = {name: longer(vectors, room) for name, vectors in self.modalities.items()}
        self.withdrawn.make_room(room)

    def announce(self, row: int, record: ItemRecord, arrived_ms: int, ahead_ms: int) -> ItemRecord | None:
        """Take an update that came at `arrived_ms`: the record as it is kept, or None where it is late.

        An update counts from its own `ts`, but not from a time after its arrival. It is late where that is
        before the time of what is known. What is known can't have arrived after it: where its time says so,
        by `ahead_ms` at most, a clock ran ahead, and the order of arrival decides.

        Nobody knows when an update was made whose `ts` is after its arrival. It is kept under a time as long
        before its arrival: the order of arrival decides between it and what is made meanwhile. The times of
        the records that are kept never go back.
        """
        known, behind_ms = int(self.announced_ms[row]), max(0, record.ts - arrived_ms)
        ts = record.ts - behind_ms
        if ts < known and not arrived_ms < known <= arrived_ms + ahead_ms:
            return None
        kept = msgspec.structs.replace(record, ts=max(ts - behind_ms, known, 0))
        self.put(row, kept)
        return kept

    def put(self, row: int, record: ItemRecord) -> bool:
        """Take an item as it now is; False where what is known is newer (an old event that came late).

        Where the newer one has no text and the old one had, what reviews said before is void all the same.
        """
        if self.before is not None:
            self.before(row)
        if record.ts < self.announced_ms[row]:
            if record.text and not self.own_text[row]:
                self._silence(row)
            return False
        if self.announced_ms[row] < 0:
            self.added_ms[row] = record.added_ms or record.ts
        self.announced_ms[row] = record.ts
        if record.available != self.available[row]:
            self.available[row] = record.available
            (self.withdrawn.discard if record.available else self.withdrawn.add)(row)
        if record.text:
            self.text[row] = np.frombuffer(record.text, np.float16)
            self.own_text[row] = True
        elif self.own_text[row]:  # a record is the whole item: what it does not say any more is gone
            self.own_text[row] = False
            self._silence(row)
        self.attributes[row] = attributes_of(record.categories, record.tags, record.price)
        self.facets.put(row, record.categories, record.tags, record.attributes, record.price)
        for name, vectors in self.modalities.items():
            found = np.frombuffer(getattr(record, name), np.float16)
            vectors[row] = found if len(found) == vectors.shape[1] else 0.0
        self._revise(range(row, row + 1))
        return True

    def _revise(self, rows: range) -> None:
        self.revision += 1
        self.revised[rows.start : rows.stop] = self.revision
        self._changes.append(rows)

    def revise_all(self) -> None:
        """All items count as changed: their columns were put in place from outside."""
        self.revised = np.zeros(len(self.available), np.int64)
        self.withdrawn = RowSet(np.flatnonzero(~self.available[: len(self)]), len(self.available))
        self._revise(range(len(self)))

    def carry_on(self, before: Catalog, behind: NDArray[np.integer] = NO_ROWS) -> int | None:
        """The revision up to which something counts that was derived from `before`, an earlier catalog: what
        the items of other content need is derived anew after it (`revised_since`). None where it is of no
        use, as rows mean other items.

        behind: the rows for which it was not up with `before`. Nothing may have been derived from this
        catalog yet.
        """
        items = len(before)
        if items > len(self):
            return None
        parts = [slice(at, min(at + AT_ONCE, items)) for at in range(0, items, AT_ONCE)]
        if any(before.ids[part] != self.ids[part] for part in parts):
            return None
        columns: list[tuple[NDArray[Any], NDArray[Any]]] = [
            (before.text, self.text),
            (before.attributes, self.attributes),
            *((before.modalities[name], vectors) for name, vectors in self.modalities.items()),
        ]
        changed = np.ones(len(self), np.bool_)
        for part in parts:
            differ = [(old[part] != new[part]).any(axis=1) for old, new in columns]
            changed[part] = np.logical_or.reduce(differ)
        changed[behind] = True
        seen = self.revision
        self.revision += 1
        self.revised[np.flatnonzero(changed)] = self.revision
        self._changes.clear()
        return seen

    def revised_since(self, revision: int) -> NDArray[np.intp]:
        """Rows of items that changed after `revision`, ascending; 0: all of them."""
        behind = self.revision - revision
        if 0 <= behind <= len(self._changes):
            changes = list(islice(reversed(self._changes), behind))
            if sum(map(len, changes)) <= REMEMBERED:
                return np.array(sorted({row for rows in changes for row in rows}), np.intp)
        return np.flatnonzero(self.revised[: len(self)] > revision)

    def _silence(self, row: int) -> None:
        self.text[row], self.reviews[row] = 0.0, 0.0
        self._revise(range(row, row + 1))

    def date(self, row: int, first_ms: int) -> None:
        """An item that was never announced was added when it was first met."""
        if self.announced_ms[row] < 0:
            self.added_ms[row] = first_ms

    def first_announced(self, row: int, now_ms: int) -> int:
        """When the item was first announced, where that is now happening `now_ms`."""
        return int(self.added_ms[row]) if self.announced_ms[row] >= 0 else now_ms

    def view(self) -> Catalog:
        """The items of now, to be read in another thread: the columns are this catalog's own.

        What changes meanwhile may be read before, amid or after its change. It has a revision that is newer
        than the view's: whoever derives something from the view makes it anew for those rows
        (`revised_since`). An item that comes later is not in the view.
        """
        items = len(self)
        view = Catalog(self.text.shape[1])
        view.ids, view.revision = self.ids[:items], self.revision
        view.text, view.attributes = self.text[:items], self.attributes[:items]
        view.revised = self.revised[:items].copy()
        view.modalities = {name: vectors[:items] for name, vectors in self.modalities.items()}
        return view

    def content(self, rows: Sequence[int] | NDArray[np.int64] | NDArray[np.int32]) -> Content:
        """What a model's item tower reads of `rows`."""
        modalities = {name: vectors[rows] for name, vectors in self.modalities.items()}
        return Content(self.text[rows], self.attributes[rows], modalities)

    def hear(self, row: int, words: F32) -> None:
        """A review's vector: speaks for an item without text of its own (a running mean, of unit length)."""
        if self.own_text[row]:
            return
        if self.before is not None:
            self.before(row)
        self.reviews[row] += 1.0
        mean = self.text[row] + (words - self.text[row]) / self.reviews[row]
        length = float(np.linalg.norm(mean))
        self.text[row] = mean / length if length > 0 else mean
        self._revise(range(row, row + 1))
