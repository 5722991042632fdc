"""Shards of any form, seeded; nothing in them means anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.examples import EXAMPLE_FIELDS, ITEM_FIELDS, Shard
from model.schema import F32, Schema

DAY_MS = 86_400_000


def random_shard(
    examples: int,
    seed: int = 0,
    items: int = 12,
    candidates: int = 5,
    schema: Schema | None = None,
    begin_ms: int = 1_700_000_000_000,
    step_ms: int = 1_000,
) -> Shard:
    """Examples `step_ms` apart; the widths are those of `schema`, or small ones."""
    rng = np.random.default_rng(seed)
    schema = schema or Schema(
        ("a", "b", "c"), ("d", "e"), ("f",), history=4, text_dim=6, attributes=3, profile=2
    )

    def normal(*shape: int) -> F32:
        return rng.normal(size=shape).astype(np.float32)

    def places(width: int) -> NDArray[np.int32]:
        return rng.integers(-1, items, (examples, width), np.int32)

    chosen = places(candidates)
    chosen[:, 0] = rng.integers(0, items, examples)
    return Shard(
        items=np.array([f"Artikel-{n}-ü" for n in range(items)], np.str_),
        text=normal(items, schema.text_dim).astype(np.float16),
        attributes=rng.integers(0, 99, (items, schema.attributes), np.int32),
        history=places(schema.history),
        history_features=normal(examples, schema.history, len(schema.history_features)),
        history_actions=rng.integers(0, 8, (examples, schema.history), np.uint8),
        user_features=normal(examples, len(schema.user_features)),
        profile=rng.integers(0, 99, (examples, schema.profile), np.int32),
        words=normal(examples, schema.text_dim),
        liked=normal(examples, schema.text_dim),
        query=normal(examples, schema.text_dim),
        candidates=chosen,
        candidate_features=normal(examples, candidates, len(schema.candidate_features)),
        action=rng.integers(0, 8, examples, np.uint8),
        rating=np.where(rng.random(examples) < 0.5, np.nan, rng.integers(1, 6, examples)).astype(np.float32),
        found=rng.random(examples) < 0.7,
        user_events=rng.integers(0, 50, examples, np.int32),
        item_events=rng.integers(0, 50, examples, np.int32),
        ts_ms=begin_ms + step_ms * np.arange(examples, dtype=np.int64),
        slate=rng.integers(0, 2**62, examples, np.int64),
        position=rng.integers(-1, 20, examples, np.int32),
        value=normal(examples),
        surface=rng.integers(0, 2**62, examples, np.int64),
        arm=rng.integers(0, 2**62, examples, np.int64),
        shown=rng.random((examples, candidates)) < 0.2,
        propensity=normal(examples, candidates),
        modalities={name: normal(items, dim).astype(np.float16) for name, dim in schema.modalities.items()},
    )


def assert_same(one: Shard, other: Shard) -> None:
    """Bit for bit, with types and shapes."""
    columns = {name: (getattr(one, name), getattr(other, name)) for name in (*ITEM_FIELDS, *EXAMPLE_FIELDS)}
    assert one.modalities.keys() == other.modalities.keys()
    columns |= {name: (vectors, other.modalities[name]) for name, vectors in one.modalities.items()}
    for name, (ours, theirs) in columns.items():
        assert (ours.shape, ours.dtype.kind) == (theirs.shape, theirs.dtype.kind), name
        if ours.dtype.kind == "U":  # its width is that of the longest
            assert ours.tolist() == theirs.tolist()
        else:
            assert (ours.dtype, ours.tobytes()) == (theirs.dtype, theirs.tobytes()), name
