"""Training examples from the stream itself: taken before each event is learned, by the core that serves."""

from __future__ import annotations

import numpy as np

from model.examples import Example, Shard, shard
from model.schema import F32
from streams.draft import Draft
from streams.recommender import Recommender
from streams.user_state import UserState

NEAR, FAR = 200, 500
NEGATIVES_NEAR, NEGATIVES_FAR = 24, 24


class ExampleCollector:
    """Collects an example for each interaction it is shown, in shards of `shard_size`.

    Negatives: half from the best `NEAR` of the pool, half from the best `FAR`; with the near ones alone, an
    item that no source had found would give itself away by its missing ranks.
    """

    def __init__(self, recommender: Recommender, seed: int, shard_size: int = 2_500) -> None:
        self.recommender, self.shard_size = recommender, shard_size
        self._rng = np.random.default_rng(seed)
        self._pending: list[Example] = []
        self._text: F32 = np.zeros((0, 0), np.float32)
        self._shards: list[Shard] = []

    def take(self, state: UserState, now_ms: int, row: int, rating: float) -> None:
        """One example: this user at this moment met `row`."""
        draft = self.recommender.pipeline.draft(state, now_ms, pool_size=FAR, also=[row])
        chosen = self._choose(draft, row)
        if chosen is None:
            return
        catalog = self.recommender.catalog
        if not self._pending:
            self._text = catalog.text[: len(catalog)].copy()
        length = self.recommender.settings.state.history
        history = np.full(length, -1, np.int32)
        history[: len(draft.history)] = draft.history[:length]
        if len(catalog) > len(self._text):  # items that came while this shard was filled
            self._text = np.concatenate([self._text, catalog.text[len(self._text) : len(catalog)]])
        self._pending.append(
            Example(
                history=history,
                history_features=draft.history_features,
                user_features=draft.user_features,
                words=draft.words,
                candidates=draft.rows[chosen],
                candidate_features=draft.features[chosen],
                rating=rating,
            )
        )
        if len(self._pending) >= self.shard_size:
            self._close()

    def shards(self) -> list[Shard]:
        """All examples so far."""
        self._close()
        return self._shards

    def _choose(self, draft: Draft, row: int) -> np.ndarray | None:
        """Indices into the draft: the met item first, then the negatives; None where there are too few."""
        pool = len(draft.rows) - 1
        found = np.flatnonzero(draft.rows[:pool] == row)
        positive = int(found[0]) if len(found) else pool
        near = np.delete(np.arange(min(NEAR, pool)), found[found < NEAR])
        if not len(near):
            return None
        far = np.delete(np.arange(pool), found)
        picked = [
            self._rng.choice(near, NEGATIVES_NEAR, replace=len(near) < NEGATIVES_NEAR),
            self._rng.choice(far, NEGATIVES_FAR, replace=len(far) < NEGATIVES_FAR),
        ]
        return np.concatenate([[positive], *picked])

    def _close(self) -> None:
        if self._pending:
            self._shards.append(shard(self._pending, self._text))
            self._pending = []
