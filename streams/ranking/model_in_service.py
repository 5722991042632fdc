"""A model in service: its vectors of the items, kept up to date, and one run of it for many requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.actions import known_codes
from model.errors import ManifestError
from model.features import LIVE_FEATURES, RETRIEVAL, rank_feature
from model.schema import F32, RescorerInputs, Schema, Scores, UserInputs
from model.vocabulary import Vocabulary
from streams.ranking.index.vector_index import VectorIndex
from streams.ranking.rank_batch import RankBatch
from streams.ranking.user_views import UserViews
from streams.state.catalog import Catalog

AT_ONCE = 8_192
"""So many items' vectors are made in one go: those of a large catalog need no large buffers."""


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
    it scores. `users` None: the model retrieves nothing by itself. `index` is over the keys.
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
        self.tower, self.users, self.scorer = tower, users, scorer
        self.actions = known_codes(schema.actions) + 1
        self.columns = _columns(schema, sources)
        self.vectors: F32 = np.zeros((0, schema.item_dim), np.float32)
        self.keys: F32 = np.zeros((0, schema.user_dim), np.float32)
        self.index = VectorIndex(RETRIEVAL)
        self.known = 0
        self.seen = 0

    def read_actions(self, says: NDArray[np.int8]) -> None:
        """Read actions that the model was trained without as old ones that say the same (`Meanings.says`)."""
        self.actions = known_codes(self.schema.actions, says) + 1

    def refresh(self, catalog: Catalog) -> None:
        """Make the vectors of items that are new or have changed since the last call anew."""
        rows = catalog.revised_since(self.seen)
        if len(rows):
            items = len(catalog)
            if items > len(self.vectors):
                room = max(items, len(self.vectors) * 3 // 2)
                self.vectors, self.keys = (
                    _grown(each, room, self.known) for each in (self.vectors, self.keys)
                )
            for begin in range(0, len(rows), AT_ONCE):
                part = rows[begin : begin + AT_ONCE]
                ids = np.array(self.numbering.of([catalog.ids[row] for row in part.tolist()]), np.int64)
                self.vectors[part], self.keys[part] = self.tower(ids, self._content(catalog, part))
            self.known = items
        if self.users is not None:
            self.index.keep_up(self.keys[: self.known], rows)
        self.seen = catalog.revision

    def forget_items(self) -> None:
        """Have the vectors of all items made anew: those that it has are of another catalog."""
        self.index.forget()
        self.known = self.seen = 0

    def _content(self, catalog: Catalog, rows: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """The tower's inputs besides the ids. A modality the catalog does not keep is missing for all."""
        text, attributes, modalities = catalog.content(rows)
        content: dict[str, NDArray[Any]] = {"text": text, "attributes": attributes.astype(np.int64)}
        for name, dim in self.schema.modalities.items():
            kept = modalities.get(name)
            if kept is None or kept.shape[1] != dim:
                kept = np.zeros((len(rows), dim), np.float16)
            content[name] = kept.astype(np.float32)
        return content

    def user_vectors(self, views: UserViews) -> F32:
        """[B, user_dim], in one run."""
        assert self.users is not None
        return self.users(self.user_inputs(views))

    def user_inputs(self, views: UserViews) -> UserInputs:
        """What the model reads of the users in `views`."""
        batch, schema = len(views.history), self.schema
        length = min(schema.history, views.history.shape[1])
        history = np.full((batch, schema.history), -1, np.int32)
        history[:, :length] = views.history[:, :length]
        there = history >= 0
        vectors = np.zeros((batch, schema.history, schema.item_dim), np.float32)
        vectors[there] = self.vectors.take(history[there], axis=0)
        features = np.zeros((batch, schema.history, len(schema.history_features)), np.float32)
        features[:, :length] = views.history_features[:, :length]
        actions = np.zeros((batch, schema.history), np.int64)
        actions[:, :length] = views.history_actions[:, :length]
        actions[there] = self.actions[actions[there]]
        return UserInputs(
            history_vectors=vectors,
            history_features=features,
            history_actions=actions,
            history_mask=there.astype(np.float32),
            user_features=views.user_features,
            profile=views.profile.astype(np.int64),
            words=views.words,
            liked=views.liked,
            query=views.query,
        )

    def score(self, batch: RankBatch, chosen: Sequence[int]) -> Scores:
        """Scores [len(chosen), K] of these requests in one run, K being the most candidates that one has;
        shorter ones are padded (surplus scores mean nothing).
        """
        lengths = np.diff(batch.offsets)[np.asarray(chosen, np.intp)]
        size = int(lengths.max())
        vectors = np.zeros((len(chosen), size, self.schema.item_dim), np.float32)
        features = np.zeros((len(chosen), size, len(self.schema.candidate_features)), np.float32)
        for k, b in enumerate(chosen):
            part = batch.part(b)
            vectors[k, : lengths[k]] = self.vectors.take(batch.rows[part], axis=0)
            features[k, : lengths[k]] = batch.features[part][:, self.columns]
        return self.scorer(RescorerInputs(*self.user_inputs(batch.users.of(chosen)), vectors, features))


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
