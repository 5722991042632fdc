"""Shards of random examples, in which the met item has a higher first feature than the others."""

from __future__ import annotations

import numpy as np

from model.examples import Shard, no_feedback
from model.plan import NetworkPlan
from model.schema import Schema
from model.tasks import default_tasks
from model.vocabulary import Vocabulary

ITEMS, HISTORY, CANDIDATES, TEXT_DIM = 40, 6, 9, 12
SCHEMA = Schema(
    candidate_features=("hint", "noise", "popular_ever"),
    user_features=("gap", "interactions"),
    history_features=("liking", "gap"),
    tasks=("click", "rating", "like"),
    history=HISTORY,
    text_dim=TEXT_DIM,
    item_dim=16,
    user_dim=8,
)
NETWORK = NetworkPlan(width=8, hidden=(16, 8))
TASKS = default_tasks()
VOCABULARY = Vocabulary(tuple(f"i{k}" for k in range(ITEMS)))


def random_shard(examples: int, seed: int = 0, rated: float = 1.0) -> Shard:
    """`examples` of them, of which a share of `rated` has a rating."""
    rng = np.random.default_rng(seed)
    history = rng.integers(0, ITEMS, (examples, HISTORY), np.int32)
    history[np.arange(HISTORY) >= rng.integers(0, HISTORY + 1, examples)[:, None]] = -1
    features = rng.normal(size=(examples, CANDIDATES, 3)).astype(np.float32)
    features[:, 0, 0] += 2.0
    rating = rng.integers(1, 6, examples).astype(np.float32)
    rating[rng.random(examples) >= rated] = np.nan
    words = rng.normal(size=(3, examples, TEXT_DIM)).astype(np.float32)
    return Shard(
        items=np.array([f"i{k}" for k in range(ITEMS)]),
        text=rng.normal(size=(ITEMS, TEXT_DIM)).astype(np.float16),
        attributes=rng.integers(0, 50, (ITEMS, SCHEMA.attributes), np.int32),
        history=history,
        history_features=rng.normal(size=(examples, HISTORY, 2)).astype(np.float32),
        history_actions=rng.integers(0, 3, (examples, HISTORY)).astype(np.uint8),
        user_features=rng.normal(size=(examples, 2)).astype(np.float32),
        profile=rng.integers(0, 20, (examples, SCHEMA.profile), np.int32),
        words=words[0],
        liked=words[1],
        query=words[2],
        candidates=rng.integers(0, ITEMS, (examples, CANDIDATES), np.int32),
        candidate_features=features,
        action=np.zeros(examples, np.uint8),
        rating=rating,
        found=np.ones(examples, np.bool_),
        user_events=np.arange(examples, dtype=np.int32),
        item_events=np.arange(examples, dtype=np.int32),
        ts_ms=seed * 1_000_000 + np.arange(examples, dtype=np.int64),
        **no_feedback(examples, CANDIDATES),
        modalities={},
    )
