"""Training examples as columns, in shards: what was known when each event came, and what it was.

Candidate 0 of every example is the item that was met; the others were not. Items are catalogue rows; a shard
carries the text vectors of its items as they were when it began, so no example sees text written later.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from model.errors import DataError
from model.schema import F32


@dataclass(frozen=True)
class Shard:
    """n examples, L history items, K candidates, F candidate features.

    history [n, L] and candidates [n, K] are catalogue rows (-1: none); rating is NaN where there is none.
    """

    text: NDArray[np.float16]
    history: NDArray[np.int32]
    history_features: F32
    user_features: F32
    words: F32
    candidates: NDArray[np.int32]
    candidate_features: F32
    rating: F32

    def __len__(self) -> int:
        return len(self.rating)


FIELDS = tuple(field.name for field in fields(Shard))


class Example(NamedTuple):
    """One row of a shard."""

    history: NDArray[np.int32]
    history_features: F32
    user_features: F32
    words: F32
    candidates: NDArray[np.int32]
    candidate_features: F32
    rating: float


def shard(examples: Sequence[Example], text: F32) -> Shard:
    """Stack examples; `text` [items, dim] is the catalogue's text as of the first of them."""
    return Shard(
        text=text.astype(np.float16),
        history=np.stack([e.history for e in examples]),
        history_features=np.stack([e.history_features for e in examples]),
        user_features=np.stack([e.user_features for e in examples]),
        words=np.stack([e.words for e in examples]),
        candidates=np.stack([e.candidates for e in examples]),
        candidate_features=np.stack([e.candidate_features for e in examples]),
        rating=np.array([e.rating for e in examples], np.float32),
    )


def save(shards: Sequence[Shard], path: Path) -> None:
    """Write shards into one .npz file (arrays only, never pickled objects)."""
    columns = {f"{k}.{name}": getattr(each, name) for k, each in enumerate(shards) for name in FIELDS}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)


def load(path: Path) -> list[Shard]:
    """The shards that `save` wrote; `DataError` where the file is not such a file."""
    try:
        with path.open("rb") as file:
            columns = np.load(file, allow_pickle=False)
            if not isinstance(columns, NpzFile):
                raise ValueError("it holds a single array")
            count = len({name.split(".")[0] for name in columns})
            return [Shard(*(columns[f"{k}.{field}"] for field in FIELDS)) for k in range(count)]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: expected examples written by `headrace train`: {error}") from None
