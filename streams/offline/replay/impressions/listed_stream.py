"""Drives the core along a stream of shown lists: each is scored as it stands, then learned by the way that
answers take in a worker: kept slate, impression, answers, lesson.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.datasets.impressions import Shown
from streams.examples.collector import ExampleCollector, places_of
from streams.learning.kept_slates import NOTHING_KEPT, KeptSlate
from streams.learning.lesson import Lesson
from streams.learning.looks import HALF_MAX, digest_of_names, pack_looks
from streams.learning.steps import on_time
from streams.offline.stream_driver import Prequential, Stream
from streams.ranking.model_inputs import feature_names
from streams.recommender import Recommender
from streams.settings.tree import DEFAULT_ARM
from streams.signals.list_signals import ShownPlaces, list_signals, names_of
from streams.signals.lists.features import features_of, list_features
from streams.signals.lists.likeness import ItemContent


class ScoredList(NamedTuple):
    """A list as it was when it came: rows int32 [n] in the order shown, columns float32 [n, C] (see
    `ListedStream.columns`), base float32 [n]: what the model in service ranks by, zero without one. more
    float32 [n, M]: what a net of lists reads besides (see `ListedStream.more`).
    """

    shown: Shown
    rows: NDArray[np.int32]
    columns: F32
    base: F32
    more: F32


class ListedStream(Prequential):
    """`columns`: the names of what is known of each place: the model's live features, its heads, then what
    the list itself says. `more`: the names of what a net of lists reads besides. `hears`: takes every lesson.
    `judges`: takes every list before anything of it is learned; None: lists are not scored, and their lessons
    have no features.

    `sweeps`: slates are closed when the stream's time has passed their wait, and not only at their user's
    next event.
    """

    def __init__(
        self, recommender: Recommender, stream: Stream, arm: str = DEFAULT_ARM, sweeps: bool = True
    ) -> None:
        super().__init__(recommender, stream)
        core, events = recommender, stream.interactions
        self.arm, self.sweeps = arm, sweeps
        self.fields = events.shown_fields
        self.columns = (*core.columns, *names_of(self.fields))
        self.more = features_of(self.fields)
        self.names = digest_of_names(self.columns)
        self.hears: Callable[[Lesson], None] | None = None
        self.judges: Callable[[ScoredList], None] | None = None
        self.told: dict[int, tuple[float, ...]] = {}
        self._due: list[tuple[int, int, str]] = []
        self._count = 0
        assert events.shown is not None

    def learn(self) -> int:
        self._pass_to(int(self.stream.interactions.ts_ms[self.at]))
        return super().learn()

    def collect(self, collector: ExampleCollector) -> bool:
        assert self.stream.interactions.shown is not None
        for slate in self.stream.interactions.shown[self.at]:
            self._meet(slate)
        return super().collect(collector)

    def show(self, slates: Sequence[Shown]) -> None:
        for slate in slates:
            self._meet(slate)
            if self.judges is not None:
                scored = self.scored(slate)
                self.judges(scored)
                self._keep(scored)
            super().show([slate])
            self._note(slate)

    def hear(self, lessons: Sequence[Lesson]) -> None:
        if self.hears is not None:
            for lesson in lessons:
                self.hears(lesson)

    def scored(self, slate: Shown) -> ScoredList:
        """What the core makes of exactly this list, for its user at its time."""
        core = self.recommender
        rows = [core.catalog.rows[item] for item in slate.items]
        state = self.state(slate.user)
        request = core.request(
            state,
            slate.ts_ms,
            arm=self.arm,
            user=slate.user,
            cause=slate.slate_id,
            score_also=tuple(rows),
            complete=False,
            explain=False,
        )
        draft = core.draft(request)
        at = places_of(draft, draft.placed)
        # Zero where no model scores: the pool's order says nothing of a list.
        heads = draft.heads[at] if draft.model else np.zeros((len(at), draft.heads.shape[1]), np.float32)
        places = ShownPlaces(np.array(rows, np.int32), self._numbers(slate))
        kept = self.slates.get(slate.user, NOTHING_KEPT).slates
        signals = list_signals(places, state, kept, slate.ts_ms, self.told, core.meanings.counts)
        features = draft.features
        live = features[at] if len(features) else np.zeros((len(at), self._live), np.float32)
        content = ItemContent(core.catalog.attributes, core.catalog.text)
        more = list_features(places, state, kept, slate.ts_ms, self.told, core.meanings.counts, content)
        columns = np.concatenate([live, heads, signals], axis=1)
        return ScoredList(slate, places.rows, columns.clip(-HALF_MAX, HALF_MAX), heads[:, 0].copy(), more)

    @property
    def _live(self) -> int:
        return len(feature_names(self.recommender.pipeline.names))

    def _numbers(self, slate: Shown) -> NDArray[np.float64]:
        """What is told of each place: [n, fields]."""
        if slate.told:
            return np.array(slate.told, np.float64).reshape(len(slate.items), -1)
        return np.full((len(slate.items), len(self.fields)), np.nan)

    def _keep(self, scored: ScoredList) -> None:
        """The list becomes a kept slate, as one that a worker made."""
        shown = scored.shown
        looks = pack_looks(scored.base, features=scored.columns.astype(np.float16), names=self.names)
        rows = tuple(scored.rows.tolist())
        slate = KeptSlate(slate_id=shown.slate_id, ts=shown.ts_ms, arm=self.arm, rows=rows, looks=looks)
        step = self.recommender.keep(shown.user, self.slates.get(shown.user, NOTHING_KEPT), slate)
        self.slates[shown.user] = step.kept
        self.hear(step.lessons)

    def _meet(self, slate: Shown) -> None:
        core = self.recommender
        core.meet([item for item in slate.items if item not in core.catalog.rows], slate.ts_ms)

    def _note(self, slate: Shown) -> None:
        """Remember the numbers of the list's items, and when it is to be closed."""
        if slate.told:
            rows = self.recommender.catalog.rows
            self.told.update((rows[item], told) for item, told in zip(slate.items, slate.told, strict=True))
        self._count += 1
        due_ms = slate.ts_ms + self.recommender.bounds.wait_ms
        heapq.heappush(self._due, (due_ms, self._count, slate.user))

    def _pass_to(self, ts_ms: int) -> None:
        """Close what has waited long enough by now."""
        while self.sweeps and self._due and self._due[0][0] < ts_ms:
            user = heapq.heappop(self._due)[2]
            step = on_time(user, self.slates.get(user, NOTHING_KEPT), ts_ms, self.recommender.bounds)
            self.slates[user] = step.kept
            self.hear(step.lessons)
