"""Items as columns: a row number for each item id, and arrays over rows.

Row numbers come from the store (`Store.intern`), so that they mean the same item in every process and in
every stored state. Features for 200 candidates are then a gather, not 200 look-ups.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


class ItemRecord(msgspec.Struct, frozen=True, array_like=True):
    """What is stored of an item. `text`: unit vector in the projected text space, float16; b"" for none."""

    item_id: str
    ts: int
    available: bool = True
    text: bytes = b""
    title: str = ""
    categories: list[str] = []
    price: float | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ItemRecord)


def encode_item(record: ItemRecord) -> bytes:
    """An item record as msgpack."""
    return _encoder.encode(record)


def decode_item(raw: bytes) -> ItemRecord:
    """The record that `encode_item` packed."""
    return _decoder.decode(raw)


class Catalog:
    """All items this process knows.

    text[n, dim]: unit vector of the item's own text, or where it has none, of what reviews said of it; zero
    for neither. available[n]: may be recommended. added_ms[n]: when the item was first announced or met.
    `changed`: rows whose text is not yet in the active model's vectors (see `streams.rescoring`).
    """

    def __init__(self, text_dim: int = 64) -> None:
        self.ids: list[str] = []
        self.rows: dict[str, int] = {}
        self.text: F32 = np.zeros((0, text_dim), np.float32)
        self.own_text = np.zeros(0, np.bool_)
        self.reviews = np.zeros(0, np.float32)
        self.available = np.zeros(0, np.bool_)
        self.added_ms = np.zeros(0, np.int64)
        self.announced_ms = np.zeros(0, np.int64)
        self.changed: set[int] = set()

    def __len__(self) -> int:
        return len(self.ids)

    def extend(self, item_ids: Sequence[str], ts: int = 0) -> None:
        """Add items under the next row numbers, met at `ts`; nothing else is known of them yet."""
        for item_id in item_ids:
            self.rows[item_id] = len(self.ids)
            self.ids.append(item_id)
        size = len(self.ids)
        if size > len(self.available):
            more = max(size - len(self.available), len(self.available) // 2, 64)
            self.text = np.concatenate([self.text, np.zeros((more, self.text.shape[1]), np.float32)])
            self.own_text = np.concatenate([self.own_text, np.zeros(more, np.bool_)])
            self.reviews = np.concatenate([self.reviews, np.zeros(more, np.float32)])
            self.available = np.concatenate([self.available, np.ones(more, np.bool_)])
            self.added_ms = np.concatenate([self.added_ms, np.zeros(more, np.int64)])
            self.announced_ms = np.concatenate([self.announced_ms, np.full(more, -1, np.int64)])
        self.added_ms[size - len(item_ids) : size] = ts
        self.changed.update(range(size - len(item_ids), size))

    def put(self, row: int, record: ItemRecord) -> bool:
        """Take an item as it now is; False where what is known is newer (an old event that came late)."""
        if record.ts < self.announced_ms[row]:
            return False
        if self.announced_ms[row] < 0:
            self.added_ms[row] = record.ts
        self.announced_ms[row] = record.ts
        self.available[row] = record.available
        if record.text:
            self.text[row] = np.frombuffer(record.text, np.float16)
            self.own_text[row] = True
            self.changed.add(row)
        return True

    def hear(self, row: int, words: F32) -> None:
        """A review's vector: speaks for an item without text of its own (a running mean, of unit length)."""
        if self.own_text[row]:
            return
        self.reviews[row] += 1.0
        mean = self.text[row] + (words - self.text[row]) / self.reviews[row]
        length = float(np.linalg.norm(mean))
        self.text[row] = mean / length if length > 0 else mean
        self.changed.add(row)
