"""The model in service: item vectors kept up to date, and drafts scored in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.actions import known_codes
from model.errors import ManifestError
from model.features import LIVE_FEATURES, rank_feature
from model.schema import F32, RescorerInputs, Schema, Scores, UserInputs
from model.vocabulary import Vocabulary
from streams.ranking.draft import Draft
from streams.state.catalog import Catalog


class Tower(Protocol):
    """ids int64 [N] and what is known of N items -> vectors [N, item_dim], keys [N, user_dim], float32."""

    def __call__(self, ids: NDArray[np.int64], content: Mapping[str, NDArray[Any]]) -> tuple[F32, F32]: ...


class UserTower(Protocol):
    """One run of the user tower: float32 [B, user_dim]."""

    def __call__(self, inputs: UserInputs) -> F32: ...


class Scorer(Protocol):
    """One run of the rescorer."""

    def __call__(self, inputs: RescorerInputs) -> Scores: ...


class ModelInService:
    """An item tower, a user tower, a rescorer and the vectors they share. `name` stands in every slate that
    it scores. `users` None: the model retrieves nothing by itself. `actions`: what stands for each code of an
    action in the model's inputs.
    """

    def __init__(
        self,
        name: str,
        schema: Schema,
        vocabulary: Vocabulary,
        tower: Tower,
        users: UserTower | None,
        scorer: Scorer,
        sources: Sequence[str],
    ) -> None:
        self.name, self.schema, self.numbering = name, schema, vocabulary.numbering()
        self.actions = known_codes(schema.actions) + 1
        self.tower, self.users, self.scorer = tower, users, scorer
        self.columns = _columns(schema, sources)
        self.vectors: F32 = np.zeros((0, schema.item_dim), np.float32)
        self.keys: F32 = np.zeros((0, schema.user_dim), np.float32)
        self.known = 0

    def read_actions(self, says: NDArray[np.int8]) -> None:
        """Read actions that the model was trained without as old ones that say the same (`Meanings.says`)."""
        self.actions = known_codes(self.schema.actions, says) + 1

    def refresh(self, catalog: Catalog, changed: Sequence[int] = ()) -> None:
        """Make the vectors of items that are new since the last call, and of `changed` ones, anew."""
        items = len(catalog)
        if items > len(self.vectors):
            room = max(items, len(self.vectors) * 3 // 2)
            self.vectors, self.keys = (_grown(each, room, self.known) for each in (self.vectors, self.keys))
        rows = sorted({*range(self.known, items), *(row for row in changed if row < items)})
        if rows:
            ids = np.array(self.numbering.of([catalog.ids[row] for row in rows]), np.int64)
            self.vectors[rows], self.keys[rows] = self.tower(ids, self._content(catalog, rows))
        self.known = items

    def _content(self, catalog: Catalog, rows: Sequence[int]) -> dict[str, NDArray[Any]]:
        """The tower's inputs besides the ids. A modality the catalog does not keep is missing for all."""
        text, attributes, modalities = catalog.content(rows)
        content: dict[str, NDArray[Any]] = {"text": text, "attributes": attributes.astype(np.int64)}
        for name, dim in self.schema.modalities.items():
            kept = modalities.get(name)
            if kept is None or kept.shape[1] != dim:
                kept = np.zeros((len(rows), dim), np.float16)
            content[name] = kept.astype(np.float32)
        return content

    def user_vectors(self, drafts: Sequence[Draft]) -> F32:
        """[B, user_dim], in one run."""
        assert self.users is not None
        return self.users(self.user_inputs(drafts))

    def user_inputs(self, drafts: Sequence[Draft]) -> UserInputs:
        """What the model reads of the drafts' users."""
        batch, schema = len(drafts), self.schema
        length, dim = schema.history, schema.item_dim
        inputs = UserInputs(
            history_vectors=np.zeros((batch, length, dim), np.float32),
            history_features=np.zeros((batch, length, len(schema.history_features)), np.float32),
            history_actions=np.zeros((batch, length), np.int64),
            history_mask=np.zeros((batch, length), np.float32),
            user_features=np.empty((batch, len(schema.user_features)), np.float32),
            profile=np.zeros((batch, schema.profile), np.int64),
            words=np.empty((batch, schema.text_dim), np.float32),
            liked=np.empty((batch, schema.text_dim), np.float32),
            query=np.empty((batch, schema.text_dim), np.float32),
        )
        for b, draft in enumerate(drafts):
            met = min(len(draft.history), length)
            inputs.history_vectors[b, :met] = self.vectors.take(draft.history[:met], axis=0)
            inputs.history_features[b, :met] = draft.history_features[:met]
            inputs.history_actions[b, :met] = self.actions[draft.history_actions[:met]]
            inputs.history_mask[b, :met] = 1.0
            inputs.user_features[b] = draft.user_features
            inputs.profile[b] = draft.profile
            inputs.words[b], inputs.liked[b], inputs.query[b] = draft.words, draft.liked, draft.query
        return inputs

    def score(self, drafts: Sequence[Draft]) -> Scores:
        """Scores [B, K] of all drafts in one run; shorter drafts are padded (surplus scores mean nothing)."""
        size, batch = max(len(draft.rows) for draft in drafts), len(drafts)
        vectors = np.zeros((batch, size, self.schema.item_dim), np.float32)
        features = np.zeros((batch, size, len(self.schema.candidate_features)), np.float32)
        for b, draft in enumerate(drafts):
            candidates = len(draft.rows)
            vectors[b, :candidates] = self.vectors.take(draft.rows, axis=0)
            features[b, :candidates] = draft.features[:, self.columns]
        return self.scorer(RescorerInputs(*self.user_inputs(drafts), vectors, features))


def _grown(values: F32, room: int, known: int) -> F32:
    """A copy with `room` rows, of which the first `known` are kept."""
    grown = np.zeros((room, values.shape[1]), np.float32)
    grown[:known] = values[:known]
    return grown


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
