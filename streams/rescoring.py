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
        """Scores [B, K] of all drafts in one run; shorter drafts are padded (surplus scores mean nothing)."""
        size, length = max(len(draft.rows) for draft in drafts), self.schema.history
        batch, dim = len(drafts), self.schema.item_dim
        inputs = RescorerInputs(
            history_vectors=np.zeros((batch, length, dim), np.float32),
            history_features=np.zeros((batch, length, len(self.schema.history_features)), np.float32),
            history_mask=np.zeros((batch, length), np.float32),
            user_features=np.empty((batch, len(self.schema.user_features)), np.float32),
            words=np.empty((batch, self.schema.words_dim), np.float32),
            candidate_vectors=np.zeros((batch, size, dim), np.float32),
            candidate_features=np.zeros((batch, size, len(self.schema.candidate_features)), np.float32),
        )
        for b, draft in enumerate(drafts):
            met, candidates = min(len(draft.history), length), len(draft.rows)
            inputs.history_vectors[b, :met] = self.vectors.take(draft.history[:met], axis=0)
            inputs.history_features[b, :met] = draft.history_features[:met]
            inputs.history_mask[b, :met] = 1.0
            inputs.user_features[b] = draft.user_features
            inputs.words[b] = draft.words
            inputs.candidate_vectors[b, :candidates] = self.vectors.take(draft.rows, axis=0)
            inputs.candidate_features[b, :candidates] = draft.features[:, self.columns]
        return self.scorer(inputs)


def feature_names(sources: Sequence[str]) -> tuple[str, ...]:
    """The columns of a draft's features where the sources are these."""
    return (*LIVE_FEATURES, *(rank_feature(source) for source in sources))


def _columns(schema: Schema, sources: Sequence[str]) -> NDArray[np.intp] | slice:
    """Where each feature that the model wants stands in a draft. A source it does not know is no feature."""
    names = {name: at for at, name in enumerate(feature_names(sources))}
    missing = [name for name in schema.candidate_features if name not in names]
    if missing:
        raise ManifestError(
            f"the model wants features that this build does not compute: {', '.join(missing)}; retrain it"
        )
    columns = [names[name] for name in schema.candidate_features]
    if columns == list(range(len(columns))):
        return slice(len(columns))  # the usual case, and much faster
    return np.array(columns, np.intp)
