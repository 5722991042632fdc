"""What text vectors alone recall: the next item's place among all items, by cosine to the user's history.

An item's vector is the catalogue's, as served: of its own text, or the running mean of its reviews.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.datasets.interactions import Interactions
from streams.state.catalog import Catalog, ItemRecord

HISTORY = 10


def next_item_ranks(
    stream: Interactions,
    announced: Mapping[str, F32],
    words: Mapping[int, F32],
    begin: int,
    until: int,
) -> NDArray[np.int64]:
    """For each event of [begin, until) the place (from 1) of its item among all items that the user has not
    met.

    `announced`: vectors of the items' own texts; `words`: of each event's review; all of one dimension, and
    of length 1. The function learns the events up to `begin`; later events it ranks first, then learns. 0 is
    a miss: an item or a history without any text, or an item that is not new to the user. Means count misses
    too. Items with the same score come before the true one.
    """
    dim = len(next(iter((*announced.values(), *words.values()))))
    catalog = Catalog(dim)
    _meet(catalog, list(announced))
    for item, vector in announced.items():
        catalog.put(catalog.rows[item], ItemRecord(item, 0, text=vector.astype(np.float16).tobytes()))
    met: dict[str, list[int]] = {}
    ranks = []
    for k in range(until):
        user, item = stream.user[k], stream.item[k]
        if k >= begin:
            ranks.append(_rank(catalog, met.get(user, []), catalog.rows.get(item, -1)))
        if item not in catalog.rows:
            _meet(catalog, [item])
        if k in words:
            catalog.hear(catalog.rows[item], words[k])
        met.setdefault(user, []).append(catalog.rows[item])
    return np.array(ranks, np.int64)


def _rank(catalog: Catalog, met: list[int], row: int) -> int:
    text = catalog.text[: len(catalog)]
    taste = text[met[-HISTORY:]].sum(axis=0)
    if row < 0 or row in met or not taste.any() or not text[row].any():
        return 0
    scores = text @ taste
    scores[~text.any(axis=1)] = -np.inf
    scores[met] = -np.inf
    return int((scores >= scores[row]).sum())


def _meet(catalog: Catalog, items: list[str]) -> None:
    if items:
        catalog.extend(items)
