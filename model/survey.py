"""The facts from one pass over shards: their items, the tasks that they can teach, and a fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import DataError
from model.examples import EXAMPLE_FIELDS, ITEM_FIELDS, Shard
from model.schema import F32
from model.shard_format import EXAMPLES, ITEMS
from model.shards import ShardFiles
from model.vocabulary import Vocabulary


class Survey(NamedTuple):
    """items: the ids, in the order of their first shard. action, rating [m]: the pairs of both that occur,
    each once. modalities: dimensions by name; history, text_dim: of all shards.
    """

    items: tuple[str, ...]
    action: NDArray[np.uint8]
    rating: F32
    modalities: dict[str, int]
    history: int
    text_dim: int


def survey(shards: Sequence[Shard]) -> Survey:
    """Read the shards one at a time; `DataError` if there is none, or their layouts differ."""
    items: dict[str, None] = {}
    pairs: set[tuple[int, float]] = set()
    unrated: set[int] = set()
    layouts: dict[tuple[int, ...], dict[str, int]] = {}
    for shard in shards:
        items.update(dict.fromkeys(shard.items.tolist()))
        rated = ~np.isnan(shard.rating)
        pairs.update(zip(shard.action[rated].tolist(), shard.rating[rated].tolist(), strict=True))
        unrated.update(shard.action[~rated].tolist())
        modalities = {name: vectors.shape[1] for name, vectors in shard.modalities.items()}
        shape = (shard.history.shape[1], shard.text.shape[1], shard.candidate_features.shape[2])
        layouts[*shape, *modalities.values()] = modalities
    if len(layouts) != 1:
        raise DataError(
            f"expected shards of one layout; got {len(layouts)} "
            f"(history, text and features, modalities: {sorted(layouts)}); build the examples anew"
        )
    ((history, text_dim, *_), modalities) = next(iter(layouts.items()))
    taught = [*sorted(pairs), *((action, np.nan) for action in sorted(unrated))]
    return Survey(
        tuple(items),
        np.array([action for action, _ in taught], np.uint8),
        np.array([rating for _, rating in taught], np.float32),
        modalities,
        history,
        text_dim,
    )


def fingerprint(shards: Sequence[Shard]) -> str:
    """A text that differs for other examples. Of shards on disk it uses the facts and the sizes of the files,
    without reading them.
    """
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(shards, ShardFiles):
        for facts, path in zip(shards.facts, shards.paths, strict=True):
            sizes = [(path / name).stat().st_size for name in (EXAMPLES, ITEMS)]
            digest.update(msgspec.json.encode((facts, sizes)))
        return digest.hexdigest()
    for shard in shards:
        for name in (*ITEM_FIELDS, *EXAMPLE_FIELDS):
            digest.update(getattr(shard, name).tobytes())
        for name in sorted(shard.modalities):
            digest.update(name.encode() + shard.modalities[name].tobytes())
    return digest.hexdigest()


def digest_of(vocabulary: Vocabulary) -> str:
    """A text that differs for other vocabularies."""
    return hashlib.blake2b(msgspec.json.encode(vocabulary), digest_size=16).hexdigest()
