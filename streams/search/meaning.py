"""Items by what their texts mean: the vectors that the catalog has, and the index over them that it keeps.

The index is that of the source *nearest*: exact where items are few, by cells where they are many, with
additions, changes and removals as they come (`streams.ranking.index`). So search keeps no vectors of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from model.text_products import text_products
from streams.ranking.pipeline import Pipeline
from streams.state.catalog import Catalog


def near(
    pipeline: Pipeline, query: F32, blocked: NDArray[np.uint8], limit: int, least: float
) -> NDArray[np.int32]:
    """At most `limit` rows whose text is nearest to a query's vector, best first; their cosine is above
    `least`. blocked uint8 [n or more]: 1 for what is left out.
    """
    sources = pipeline.near
    if not sources or not np.any(query):
        return np.empty(0, np.int32)
    source, catalog = sources[0], pipeline.catalog
    source.refresh(catalog)
    return source.index.find(catalog.text[: len(catalog)], query[None, :], [blocked], [limit], least)[0]


def cosines(catalog: Catalog, rows: NDArray[np.int32], query: F32) -> F32:
    """Of items and a query: float32 [n]; 0 for an item without text, and below it."""
    products = np.empty((len(rows), 1), np.float32)
    text_products(catalog.text, rows, query[None, :], products)
    return np.minimum(np.maximum(products[:, 0], np.float32(0.0)), np.float32(1.0))
