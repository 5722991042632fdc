"""The form of a shard of examples on disk: its files, their columns, and the facts that both files carry.

FOLDER/NAME/examples.parquet   a row an example; what has several values is a fixed-size list (C order)
FOLDER/NAME/items.parquet      a row an item: its id, text, attributes and modalities

Both carry the shard's facts (JSON, under `headrace.shard`) in their metadata: lengths and times are known
without reading a column. Pages have checksums.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
import numpy as np

from model.examples import MODALITY

EXAMPLES, ITEMS = "examples.parquet", "items.parquet"
FACTS = b"headrace.shard"
VERSION = 2
"""A shard of version 1 says nothing of where its examples came from; it is read as `no_feedback` has it."""
UNFINISHED = ".writing-"

DTYPES: Mapping[str, type[np.generic]] = {
    "history": np.int32,
    "history_features": np.float32,
    "history_actions": np.uint8,
    "user_features": np.float32,
    "profile": np.int32,
    "words": np.float32,
    "liked": np.float32,
    "query": np.float32,
    "candidates": np.int32,
    "candidate_features": np.float32,
    "action": np.uint8,
    "rating": np.float32,
    "found": np.bool_,
    "user_events": np.int32,
    "item_events": np.int32,
    "ts_ms": np.int64,
    "slate": np.int64,
    "position": np.int32,
    "value": np.float32,
    "surface": np.int64,
    "arm": np.int64,
    "shown": np.bool_,
    "propensity": np.float32,
}
ITEM_DTYPES: Mapping[str, type[np.generic]] = {"text": np.float16, "attributes": np.int32}

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""The names that a shard may have."""


class ShardFacts(msgspec.Struct, frozen=True):
    """Of a shard: how many examples and items, the times of its first and last example, and of each column
    the shape that a row has. `features`: the names of the candidate features, where the writer told them.
    """

    examples: int
    items: int
    first_ms: int
    last_ms: int
    shapes: dict[str, tuple[int, ...]]
    features: tuple[str, ...] = ()
    version: int = VERSION


def dtype_of(name: str) -> type[np.generic]:
    """The type of a column's values."""
    return np.float16 if name.startswith(MODALITY) else {**DTYPES, **ITEM_DTYPES}[name]
