"""Small shards of examples with a pattern planted in them."""

from __future__ import annotations

import msgspec
import numpy as np

from model.actions import ACTIONS, EARLIER_ACTIONS
from model.examples import Shard, no_feedback
from model.hashing import ATTRIBUTE_BUCKETS, PROFILE_BUCKETS
from model.schema import Schema
from model.tasks import default_tasks
from model.vocabulary import Vocabulary

ITEMS, HISTORY, CANDIDATES, IMAGE = 30, 6, 9, 5
SCHEMA = Schema(
    candidate_features=("hint", "noise", "popular_ever"),
    user_features=("gap", "interactions"),
    history_features=("liking", "gap"),
    tasks=("click", "rating", "like"),
    history=HISTORY,
    text_dim=12,
    item_dim=16,
    user_dim=8,
)
SEEING = msgspec.structs.replace(SCHEMA, modalities={"image": IMAGE})
TASKS = default_tasks()
VOCABULARY = Vocabulary(tuple(f"i{k}" for k in range(ITEMS)))


def planted(count: int, seed: int = 0, items: int = ITEMS, image: bool = False) -> Shard:
    """The met item is the one after the last item of the history (mod `items`), hinted at by a feature.

    Ratings (NaN for every other example) follow the second user feature. Some histories are short or empty,
    the last candidate of every third example is none, and every other item has no image.
    """
    rng = np.random.default_rng(seed)
    history = rng.integers(0, items, (count, HISTORY), np.int32)
    lengths = rng.integers(0, HISTORY + 1, count)
    history[np.arange(HISTORY) >= lengths[:, None]] = -1
    candidates = rng.integers(0, items, (count, CANDIDATES), np.int32)
    candidates[:, 0] = (history[:, 0] + 1) % items
    candidates[::3, -1] = -1
    features = rng.normal(size=(count, CANDIDATES, 3)).astype(np.float32)
    features[:, 0, 0] += 2.0
    users = rng.normal(size=(count, 2)).astype(np.float32)
    rating = np.clip(3.0 + users[:, 1], 1.0, 5.0).astype(np.float32)
    rating[::2] = np.nan
    steps = rng.normal(size=(count, HISTORY, 2)).astype(np.float32) * (history >= 0)[..., None]
    pictures = rng.normal(size=(items, IMAGE)).astype(np.float16)
    pictures[::2] = 0.0
    return Shard(
        items=np.array([f"i{k}" for k in range(items)], np.str_),
        text=rng.normal(size=(items, 12)).astype(np.float16),
        attributes=rng.integers(0, ATTRIBUTE_BUCKETS + 1, (items, SCHEMA.attributes), np.int32),
        history=history,
        history_features=steps.astype(np.float32),
        history_actions=(rng.integers(0, EARLIER_ACTIONS, history.shape) * (history >= 0)).astype(np.uint8),
        user_features=users,
        profile=rng.integers(0, PROFILE_BUCKETS + 1, (count, SCHEMA.profile), np.int32),
        words=rng.normal(size=(count, 12)).astype(np.float32),
        liked=rng.normal(size=(count, 12)).astype(np.float32),
        query=rng.normal(size=(count, 12)).astype(np.float32),
        candidates=candidates,
        candidate_features=features,
        action=np.where(np.isnan(rating), ACTIONS.index("click"), ACTIONS.index("review")).astype(np.uint8),
        rating=rating,
        found=rng.random(count) < 0.9,
        user_events=rng.integers(0, 50, count, np.int32),
        item_events=rng.integers(0, 50, count, np.int32),
        ts_ms=1_700_000_000_000 + np.arange(count),
        **no_feedback(*candidates.shape),
        modalities={"image": pictures} if image else {},
    )
