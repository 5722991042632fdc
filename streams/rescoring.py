"""The model in service: item vectors kept up to date, and drafts scored in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.errors import ManifestError
from model.features import LIVE_FEATURES, rank_feature
from model.schema import F32, RescorerInputs, Schema, Scores
from streams.catalog import Catalog
from streams.draft import Draft


class Tower(Protocol):
    """ids int64 [N], text float32 [N, text_dim] -> vectors float32 [N, item_dim]."""

    def __call__(self, ids: NDArray[np.int64], text: F32) -> F32: ...


class Scorer(Protocol):
    """One run of the rescorer."""

    def __call__(self, inputs: RescorerInputs) -> Scores: ...


class ModelInService:
    """A tower, a rescorer and the vectors they share. `name` stands in every slate that it scores."""

    def __init__(
        self,
        name: str,
        schema: Schema,
        vocabulary: Mapping[str, int],
        tower: Tower,
        scorer: Scorer,
        sources: Sequence[str],
    ) -> None:
        self.name, self.schema, self.vocabulary = name, schema, vocabulary
        self.tower, self.scorer = tower, scorer
        self.columns = _columns(schema, sources)
        self.vectors: F32 = np.zeros((0, schema.item_dim), np.float32)
        self.known = 0

    def refresh(self, catalog: Catalog, changed: Sequence[int] = ()) -> None:
        """Make the vectors of items that are new since the last call, and of `changed` ones, anew."""
        items = len(catalog)
        if items > len(self.vectors):
            room = np.zeros((max(items, len(self.vectors) * 3 // 2), self.schema.item_dim), np.float32)
            room[: self.known] = self.vectors[: self.known]
            self.vectors = room
        rows = sorted({*range(self.known, items), *(row for row in changed if row < items)})
        if rows:
            ids = np.array([self.vocabulary.get(catalog.ids[row], 0) for row in rows], np.int64)
            self.vectors[rows] = self.tower(ids, catalog.text[rows])
        self.known = items

    def score(self, drafts: Sequence[Draft]) -> Scores:
        """Scores [B, K] of all drafts in one run; shorter drafts are padded (their surplus scores mean nothing)."""
        size, length = max(len(draft.rows) for draft in drafts), self.schema.history
        batch, dim = len(drafts), self.schema.item_dim
        history = np.zeros((batch, length, dim), np.float32)
        mask = np.zeros((batch, length), np.float32)
        vectors = np.zeros((batch, size, dim), np.float32)
        features = np.zeros((batch, size, len(self.schema.candidate_features)), np.float32)
        for b, draft in enumerate(drafts):
            rows = draft.history[:length]
            history[b, : len(rows)] = self.vectors[rows]
            mask[b, : len(rows)] = 1.0
            vectors[b, : len(draft.rows)] = self.vectors[draft.rows]
            features[b, : len(draft.rows)] = draft.features[:, self.columns]
        inputs = RescorerInputs(
            history_vectors=history,
            history_features=np.stack([draft.history_features for draft in drafts]),
            history_mask=mask,
            user_features=np.stack([draft.user_features for draft in drafts]),
            words=np.stack([draft.words for draft in drafts]),
            candidate_vectors=vectors,
            candidate_features=features,
        )
        return self.scorer(inputs)


def feature_names(sources: Sequence[str]) -> tuple[str, ...]:
    """The columns of a draft's features where the sources are these."""
    return (*LIVE_FEATURES, *(rank_feature(source) for source in sources))


def _columns(schema: Schema, sources: Sequence[str]) -> NDArray[np.intp]:
    """Where each feature that the model wants stands in a draft. A source the model does not know is no feature."""
    names = {name: at for at, name in enumerate(feature_names(sources))}
    missing = [name for name in schema.candidate_features if name not in names]
    if missing:
        raise ManifestError(
            f"the model wants features that this build does not compute: {', '.join(missing)}; retrain it"
        )
    return np.array([names[name] for name in schema.candidate_features], np.intp)
