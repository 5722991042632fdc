"""A model in service: what it makes of items, kept up to date; what it makes of users; and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.in_parts import Candidates, ItemTables
from model.actions import known_codes
from model.feature_names import RETRIEVAL
from model.schema import F32, RescorerInputs, Schema, Scores, SeenUsers, UserInputs
from model.vocabulary import Vocabulary
from streams.ranking.given_fields import CandidateFields, described
from streams.ranking.index.vector_index import VectorIndex
from streams.ranking.model_calls import Parts, Scorer, Tower, UserTower
from streams.ranking.model_inputs import _columns, fill_history
from streams.ranking.rank_batch import RankBatch
from streams.ranking.user_views import UserViews
from streams.state.catalog import Catalog
from streams.state.columns import longer, room_for

NO_ROWS = np.empty(0, np.intp)
AT_ONCE = 8_192
"""So many items' vectors are made in one go: those of a large catalog need no large buffers."""


class ModelInService:
    """An item tower, a user tower, a rescorer and what they share. `name` stands in every slate that it
    scores. `users` None: the model retrieves nothing by itself. `parts`: of a model in parts; they see users
    and score candidates in place of `users` and `scorer`.

    vectors [n, item_dim], keys [n, user_dim] and `tables`, by name [n, ...]: of each item; those of the first
    `known` items are made. met [n]: whether the item was in the training. `index` is over the keys.
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
        parts: Parts | None = None,
    ) -> None:
        self.name, self.schema, self.numbering = name, schema, vocabulary.numbering()
        self.tower, self.users, self.scorer, self.parts = tower, users, scorer, parts
        self.actions = known_codes(schema.actions) + 1
        self.columns = _columns(schema, sources)
        self.vectors: F32 = np.zeros((0, schema.item_dim), np.float32)
        self.keys: F32 = np.zeros((0, schema.user_dim), np.float32)
        self.met = np.zeros(0, np.bool_)
        self.tables: dict[str, F32] = {}
        if parts is not None:
            self.tables = parts.tables(self.vectors)
        self.index = VectorIndex(RETRIEVAL)
        self.known = 0
        self.seen = 0

    def read_actions(self, says: NDArray[np.int8]) -> None:
        """Read actions that the model was trained without as old ones that say the same (`Meanings.says`)."""
        self.actions = known_codes(self.schema.actions, says) + 1

    def refresh(self, catalog: Catalog) -> None:
        """Make the vectors of items that are new or have changed since the last call anew."""
        rows = NO_ROWS if self.seen == catalog.revision else catalog.revised_since(self.seen)
        if len(rows):
            items = len(catalog)
            if items > len(self.vectors):
                room = room_for(items)
                self.vectors, self.keys = (
                    longer(each, room, self.known) for each in (self.vectors, self.keys)
                )
                self.met = longer(self.met, room, self.known)
                self.tables = {name: longer(each, room, self.known) for name, each in self.tables.items()}
            for begin in range(0, len(rows), AT_ONCE):
                self._make(catalog, rows[begin : begin + AT_ONCE])
            self.known = items
        if self.users is not None:
            self.index.keep_up(self.keys[: self.known], rows)
        self.seen = catalog.revision

    def _make(self, catalog: Catalog, rows: NDArray[np.intp]) -> None:
        """What depends on the items alone, of these rows."""
        ids = np.array(self.numbering.of([catalog.ids[row] for row in rows.tolist()]), np.int64)
        vectors, self.keys[rows] = self.tower(ids, self._content(catalog, rows))
        self.vectors[rows], self.met[rows] = vectors, ids > 0
        if self.parts is not None:
            for name, made in self.parts.tables(vectors).items():
                self.tables[name][rows] = made

    def forget_items(self) -> None:
        """Have the vectors of all items made anew: those that it has are of another catalog."""
        self.index.forget()
        self.known = self.seen = 0

    def carry_on(self, seen: int | None) -> None:
        """Go on with another catalog, from this revision of it; see `Catalog.carry_on`."""
        if seen is None:
            self.forget_items()
        else:
            self.seen = seen

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

    def see(self, views: UserViews) -> SeenUsers:
        """What the model makes of users, in one run: for finding and for rescoring."""
        inputs = self.user_inputs(views)
        if self.parts is not None:
            return self.parts.see(inputs)
        vectors = np.empty((0, 0), np.float32) if self.users is None else self.users(inputs)
        return SeenUsers(vectors, inputs._asdict())

    def user_inputs(self, views: UserViews) -> UserInputs:
        """What the model reads of the users in `views`."""
        batch, schema = len(views.history), self.schema
        shape = batch, schema.history
        vectors = np.empty((*shape, schema.item_dim), np.float32)
        features = np.empty((*shape, len(schema.history_features)), np.float32)
        actions, mask = np.empty(shape, np.int64), np.empty(shape, np.float32)
        fill_history(
            views.history, views.history_features, views.history_actions, self.vectors, self.actions,
            vectors, features, actions, mask,
        )  # fmt: skip
        return UserInputs(
            history_vectors=vectors,
            history_features=features,
            history_actions=actions,
            history_mask=mask,
            user_features=views.user_features,
            profile=views.profile.astype(np.int64),
            words=views.words,
            liked=views.liked,
            query=views.query,
        )

    def score(self, batch: RankBatch, chosen: Sequence[int], seen: SeenUsers) -> Scores:
        """Scores [N] of all candidates of these requests, end to end; `seen`: a row for each request."""
        rows, features, offsets, texts = batch.rows, batch.features, batch.offsets, batch.text_rows()
        if len(chosen) < len(batch):
            parts = [batch.part(b) for b in chosen]
            rows, features, texts = (
                np.concatenate([each[part] for part in parts]) for each in (rows, features, texts)
            )
            offsets = np.cumsum([0, *(part.stop - part.start for part in parts)])
        features = np.ascontiguousarray(features[:, self.columns], np.float32)
        items = ItemTables(self.vectors, self.tables)
        if told := self._told(batch, chosen, rows, offsets):
            rows, items = self._with_own(batch.context.catalog, rows, texts, told)
        if self.parts is None:
            return self._score_whole(seen, items.vectors, rows, features, np.diff(offsets))
        return self.parts.rescore(seen, items, Candidates(rows, features, offsets))

    def _told(
        self, batch: RankBatch, chosen: Sequence[int], rows: NDArray[np.int32], offsets: NDArray[np.int64]
    ) -> dict[int, CandidateFields]:
        """Which of the candidates are what their request says, and not what the catalogue has."""
        told = {}
        for b, begin, end in zip(chosen, offsets.tolist(), offsets[1:].tolist(), strict=False):
            request = batch.requests[b]
            for k in range(begin, end) if request.given is not None else ():
                fields = batch.guests.fields_of(request, int(rows[k]))
                if fields is not None and (fields.says_what_it_is or rows[k] >= len(batch.context.catalog)):
                    told[k] = fields
        return told

    def _with_own(
        self,
        catalog: Catalog,
        rows: NDArray[np.int32],
        texts: NDArray[np.int32],
        told: Mapping[int, CandidateFields],
    ) -> tuple[NDArray[np.int32], ItemTables]:
        """Tables of the candidates alone, and their rows in them; where one was `told` to be something else,
        the vectors are made of that. texts: where the text of each stands.
        """
        items = len(catalog)
        known, at = rows < items, np.array(sorted(told), np.intp)

        def alone(table: F32) -> F32:
            made = np.zeros((len(rows), *table.shape[1:]), np.float32)
            made[known] = table[rows[known]]
            return made

        vectors, tables = alone(self.vectors), {name: alone(each) for name, each in self.tables.items()}
        own = [
            described(told[k], catalog, row if row < items else -1)
            for k, row in zip(at.tolist(), rows[at].tolist(), strict=True)
        ]
        ids = np.array(self.numbering.of([each.item_id for each in own]), np.int64)
        content = self._content(catalog, rows[at].astype(np.intp))
        content["text"] = catalog.text[texts[at]]
        content["attributes"] = np.array([each.numbers() for each in own], np.int64)
        vectors[at], _ = self.tower(ids, content)
        if self.parts is not None:
            for name, made in self.parts.tables(vectors[at]).items():
                tables[name][at] = made
        return np.arange(len(rows), dtype=np.int32), ItemTables(vectors, tables)

    def _score_whole(
        self,
        seen: SeenUsers,
        vectors: F32,
        rows: NDArray[np.int32],
        features: F32,
        lengths: NDArray[np.int64],
    ) -> Scores:
        """In one run of the rescorer, padded to the most candidates that one request has."""
        there = np.arange(lengths.max()) < lengths[:, None]
        padded = [
            np.zeros((*there.shape, width), np.float32) for width in (self.schema.item_dim, features.shape[1])
        ]
        padded[0][there], padded[1][there] = vectors.take(rows, axis=0), features
        scores = self.scorer(
            RescorerInputs(**seen.parts, candidate_vectors=padded[0], candidate_features=padded[1])
        )
        return Scores(scores.click[there], scores.rating[there], tuple(each[there] for each in scores.more))
