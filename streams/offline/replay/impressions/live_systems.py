"""The systems with a net of lists: as it goes on, as it was at the half, and under online reweighting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.feature_names import ENTITY_FEATURES, TEXT_FEATURES
from model.plan import ListPlan
from model.schema import F32
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.lesson import Lesson
from streams.offline.replay.impressions.layered import Layered
from streams.offline.replay.impressions.listed_stream import ListedStream, ScoredList
from streams.offline.replay.impressions.live_net import LiveNet
from streams.offline.replay.impressions.outcomes import LiveResult

F64 = NDArray[np.float64]
LIVE_STOPPED, LIVE, LAYERED = "live net, stopped at the half", "live net", "live net, adapted"
CONTENT = frozenset((*ENTITY_FEATURES, *TEXT_FEATURES))
"""The net reads these, too; experts read few signals, since those are learned anew sooner."""


class Said(NamedTuple):
    """What the net read of a list, float32 [n, F], and what it made of it, float64 [n]."""

    features: F32
    scores: F64


class LiveSystems:
    """The net reads what the experts read, the content, and more of the list (`ListedStream.more`)."""

    def __init__(
        self, plan: ListPlan, reweighting: ReweightingSettings, run: ListedStream, seed: int
    ) -> None:
        self.net = LiveNet(plan, run.recommender.meanings, seed)
        self.layered = Layered(reweighting, run)
        content = [at for at, name in enumerate(run.columns) if name in CONTENT]
        self._columns = np.union1d(self.layered.adapted.learner.reads, np.array(content, np.int64))
        self.reads = (*(run.columns[at] for at in self._columns.tolist()), *run.more)

    def begin(self) -> None:
        """The second part begins."""
        self.net.begin()

    def say(self, scored: ScoredList) -> Said:
        """What the net makes of a list; nothing is learned."""
        features = np.concatenate([scored.columns[:, self._columns], scored.more], axis=1)
        return Said(features, self.net.scores(features))

    def scores(self, scored: ScoredList, said: Said) -> Mapping[str, F64]:
        """Of each system, float64 [n]; nothing is learned."""
        return {
            LIVE_STOPPED: self.net.stopped(said.features),
            LIVE: said.scores,
            LAYERED: self.layered.scores(scored, said.scores),
        }

    def take(self, scored: ScoredList, said: Said) -> None:
        """A list that was shown; it teaches when its slate is closed."""
        self.layered.take(scored.shown.slate_id, scored.rows, said.scores)
        self.net.take(scored.shown.slate_id, scored.rows, said.features)

    def hear(self, lesson: Lesson) -> None:
        """A slate was closed."""
        self.layered.hear(lesson)
        self.net.hear(lesson)

    def note(self, lists: int) -> None:
        """Remember the weights after so many judged lists, now and then."""
        self.layered.adapted.note(lists)

    def result(self, lists: int) -> LiveResult:
        """What they came to after all judged `lists`."""
        net = self.net
        weights = self.layered.adapted.weights(lists)
        return LiveResult(self.reads, net.learned, net.fitted, net.renewed, weights)
