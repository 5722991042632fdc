"""Seeded random inputs of a schema's shapes: for warm-up, export checks and benchmarks. No torch here."""

from __future__ import annotations

import numpy as np

from model.feature_names import EVENTS
from model.hashing import PROFILE_BUCKETS
from model.schema import F32, RescorerInputs, Schema


def random_inputs(schema: Schema, users: int, candidates: int, seed: int = 0) -> RescorerInputs:
    """Normal values; histories of all lengths, newest first; of several users the last one has none. Every
    fifth candidate is one that no user has met.
    """
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> F32:
        return rng.standard_normal(shape, np.float32)

    lengths = rng.integers(1, schema.history + 1, users)
    lengths[-1] = 0 if users > 1 else lengths[-1]
    mask = (np.arange(schema.history) < lengths[:, None]).astype(np.float32)
    kept = mask[..., None]
    features = normal(users, candidates, len(schema.candidate_features))
    if EVENTS in schema.candidate_features:
        features[:, 4::5, schema.candidate_features.index(EVENTS)] = 0.0
    return RescorerInputs(
        history_vectors=normal(users, schema.history, schema.item_dim) * kept,
        history_features=normal(users, schema.history, len(schema.history_features)) * kept,
        history_actions=rng.integers(1, schema.actions + 1, mask.shape) * mask.astype(np.int64),
        history_mask=mask,
        user_features=normal(users, len(schema.user_features)),
        profile=rng.integers(0, PROFILE_BUCKETS + 1, (users, schema.profile)),
        words=normal(users, schema.text_dim),
        liked=normal(users, schema.text_dim),
        query=normal(users, schema.text_dim),
        candidate_vectors=normal(users, candidates, schema.item_dim),
        candidate_features=features,
    )
