"""Training examples from the stream itself: taken before each event is learned, by the core that serves."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model.examples import Example, ItemTable, Shard, id_number, shard
from model.schema import F32
from streams.examples.target import Source, Target
from streams.ranking.draft import Draft
from streams.recommender import Recommender
from streams.state.catalog import Content
from streams.state.user_state import UserState

NEAR, FAR = 200, 500
NEGATIVES_NEAR, NEGATIVES_FAR = 24, 24
SHARD_SIZE = 2_500


class ExampleCollector:
    """Collects an example for each interaction it is shown, in shards of `shard_size` (None: of any size,
    until `release`).

    To learn from: half of the negatives from the best `NEAR` of the pool, half from the best `FAR`; with the
    near ones alone, an item that no source had found would give itself away by its missing ranks. What was
    shown on the slate of the item and not answered comes first, in the room of the near ones. To be judged on
    (`whole`): the whole pool, as it would be rescored in service.
    """

    def __init__(
        self, recommender: Recommender, seed: int, whole: bool = False, shard_size: int | None = SHARD_SIZE
    ) -> None:
        self.recommender, self.whole, self.shard_size = recommender, whole, shard_size
        features = {"rescoring": {"enabled": True}}  # examples have them, whether or not a model scores now
        pool = {} if whole else {"candidates": {"pool": FAR}}
        self._plan = recommender.plan(features | pool)
        self._seed = seed
        self._pending: list[Example] = []
        self._content: list[Content] = []
        self._shards: list[Shard] = []

    def take(self, state: UserState, now_ms: int, met: Target) -> bool:
        """One example: this user at this moment met an item. False where there is nothing to choose from."""
        pool = self._plan.settings.candidates.pool
        passed = () if self.whole else met.source.passed
        request = self.recommender.request(
            state,
            now_ms,
            plan=self._plan,
            searched=met.searched,
            score_also=(met.row, *passed),
            complete=False,
        )
        draft = self.recommender.pipeline.gather([request]).draft(0)
        # A generator of the example's own: the draws are the same whatever was collected before, and where.
        rng = np.random.default_rng([self._seed, abs(now_ms), met.row, state.interactions])
        chosen, found = self._choose(draft, met.row, rng)
        if chosen is None:
            return False
        candidates, features = draft.rows[chosen], draft.features[chosen]
        if self.whole and len(chosen) < pool + 1:
            room = pool + 1 - len(chosen)
            candidates = np.pad(candidates, (0, room), constant_values=-1)
            features = np.pad(features, ((0, room), (0, 0)))
        self._note_items()
        users, popularity = draft.batch.users, self.recommender.counters.popularity
        self._pending.append(
            Example(
                history=users.history[0],
                history_features=users.history_features[0],
                history_actions=users.history_actions[0],
                user_features=users.user_features[0],
                profile=users.profile[0],
                words=users.words[0],
                liked=users.liked[0],
                query=users.query[0],
                candidates=candidates,
                candidate_features=features,
                action=met.action,
                rating=met.rating,
                found=found,
                user_events=state.interactions,
                item_events=int(popularity.events[met.row]),
                ts_ms=now_ms,
                slate=id_number(met.source.slate_id),
                position=met.source.position,
                value=met.source.value,
                surface=id_number(met.source.surface),
                arm=id_number(met.source.arm),
                shown=np.isin(candidates, met.source.shown),
                propensity=_propensity(candidates, met.source),
            )
        )
        if self.shard_size is not None and len(self._pending) >= self.shard_size:
            self._close()
        return True

    def shards(self) -> list[Shard]:
        """All examples so far."""
        self._close()
        return self._shards

    def drain(self) -> list[Shard]:
        """The examples since the last call, which are then forgotten here."""
        shards, self._shards = self.shards(), []
        return shards

    def undo(self, count: int) -> None:
        """Forget the last `count` examples of the shard in the making: their events were not written."""
        del self._pending[len(self._pending) - count :]

    def release(self, but_last: int = 0) -> tuple[list[Example], ItemTable]:
        """The shard in the making, as `model.examples.shard` takes it; the last ones begin a new one."""
        cut = len(self._pending) - but_last
        pending, self._pending = self._pending[:cut], self._pending[cut:]
        return pending, self._table()

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self._pending) + sum(len(each) for each in self._shards)

    def _choose(
        self, draft: Draft, row: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp] | None, bool]:
        """Indices into the draft, the met item first, then others; None where there are too few. And whether
        a source had found the item.
        """
        pool = draft.placed
        found = np.flatnonzero(draft.rows[:pool] == row)
        positive = int(found[0]) if len(found) else pool
        others = np.delete(np.arange(pool), found)
        passed = places_of(draft, pool + 1)
        if not len(others) and not len(passed):
            return None, False
        if self.whole:
            return np.concatenate([[positive], others]), len(found) > 0
        if len(passed) > NEGATIVES_NEAR:
            passed = np.sort(rng.choice(passed, NEGATIVES_NEAR, replace=False))
        others = others if len(others) else passed
        near = others[others < NEAR] if (others < NEAR).any() else others
        left = NEGATIVES_NEAR - len(passed)
        picked = [
            passed,
            rng.choice(near, left, replace=len(near) < left),
            rng.choice(others, NEGATIVES_FAR, replace=len(others) < NEGATIVES_FAR),
        ]
        return np.concatenate([[positive], *picked]), len(found) > 0

    def _note_items(self) -> None:
        """Keep the items' content as it is when a shard begins; of later ones, as it is when they come."""
        if not self._pending:
            self._content = []
        known, items = sum(len(each.text) for each in self._content), len(self.recommender.catalog)
        if known < items:
            self._content.append(self.recommender.catalog.content(np.arange(known, items)))

    def _table(self) -> ItemTable:
        text, attributes, modalities = zip(*self._content, strict=True)
        rows = sum(len(each) for each in text)
        return ItemTable(
            self.recommender.catalog.ids[:rows],
            np.concatenate(text),
            np.concatenate(attributes),
            {name: np.concatenate([each[name] for each in modalities]) for name in modalities[0]},
        )

    def _close(self) -> None:
        if self._pending:
            self._shards.append(shard(*self.release()))


def places_of(draft: Draft, begin: int) -> NDArray[np.intp]:
    """Where the rows that were asked for from place `begin` on stand: in the pool where a source has found
    them, which tells more of them, else where they were asked for.
    """
    asked, found = draft.rows[begin:], {row: at for at, row in enumerate(draft.rows[: draft.placed].tolist())}
    return np.array([found.get(row, begin + k) for k, row in enumerate(asked.tolist())], np.intp)


def _propensity(candidates: NDArray[np.int32], source: Source) -> F32:
    """Of each candidate that was shown, NaN where it is not known."""
    found = np.full(len(candidates), np.nan, np.float32)
    if len(source.propensities):
        of = dict(zip(source.shown.tolist(), source.propensities.tolist(), strict=True))
        found[:] = [of.get(row, math.nan) for row in candidates.tolist()]
    return found
