"""Small shards of examples with a pattern planted in them."""

from __future__ import annotations

import numpy as np

from model.examples import Shard
from model.schema import Schema

ITEMS, HISTORY, CANDIDATES = 30, 6, 9
SCHEMA = Schema(
    candidate_features=("hint", "noise", "count"),
    user_features=("gap", "interactions"),
    history_features=("liking", "gap"),
    history=HISTORY,
    text_dim=12,
    item_dim=16,
    words_dim=12,
)


def planted(count: int, seed: int = 0, items: int = ITEMS) -> Shard:
    """The met item is the one after the last item of the history (mod `items`), hinted at by a feature.

    Ratings (NaN for every other example) follow the second user feature. Some histories are short or empty.
    """
    rng = np.random.default_rng(seed)
    history = rng.integers(0, items, (count, HISTORY), np.int32)
    lengths = rng.integers(0, HISTORY + 1, count)
    history[np.arange(HISTORY) >= lengths[:, None]] = -1
    candidates = rng.integers(0, items, (count, CANDIDATES), np.int32)
    candidates[:, 0] = (history[:, 0] + 1) % items
    features = rng.normal(size=(count, CANDIDATES, 3)).astype(np.float32)
    features[:, 0, 0] += 2.0
    users = rng.normal(size=(count, 2)).astype(np.float32)
    rating = np.clip(3.0 + users[:, 1], 1.0, 5.0).astype(np.float32)
    rating[::2] = np.nan
    steps = rng.normal(size=(count, HISTORY, 2)).astype(np.float32) * (history >= 0)[..., None]
    return Shard(
        text=rng.normal(size=(items, 12)).astype(np.float16),
        history=history,
        history_features=steps.astype(np.float32),
        user_features=users,
        words=rng.normal(size=(count, 12)).astype(np.float32),
        candidates=candidates,
        candidate_features=features,
        rating=rating,
    )
