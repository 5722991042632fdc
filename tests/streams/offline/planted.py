"""A stream in which most events follow a hidden order of the items, for whole runs of `replay`."""

from __future__ import annotations

import numpy as np

from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.datasets.item_texts import ItemText


def planted(events: int = 900, users: int = 30, items: int = 60, seed: int = 1) -> Dataset:
    """Eight times in ten the next item is the last one's successor; nobody meets an item twice.

    Some events share a second; half of them have a rating.
    """
    rng = np.random.default_rng(seed)
    successor = rng.permutation(items)
    last = rng.integers(0, items, users)
    met: list[set[int]] = [set() for _ in range(users)]
    stream_users: list[str] = []
    stream_items: list[str] = []
    while len(stream_users) < events:
        user = int(rng.integers(users))
        item = int(successor[last[user]]) if rng.random() < 0.8 else int(rng.integers(items))
        if item in met[user]:
            last[user] = int(rng.integers(items))
            continue
        met[user].add(item)
        last[user] = item
        stream_users.append(f"u{user}")
        stream_items.append(f"i{item}")
    rating = np.where(rng.random(events) < 0.5, rng.integers(1, 6, events), np.nan).astype(np.float32)
    ts_ms = 1_700_000_000_000 + 1_000 * np.cumsum(rng.integers(0, 2, events))
    described = {f"i{item}": ItemText() for item in range(0, items, 2)}  # announced; the others are met
    return Dataset(Interactions(stream_users, stream_items, ts_ms, rating), described)
