"""The learner of the adapted order, and what it was like on the way."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.learning.experts.adaptive_learner import AdaptiveLearner, LearnerReport, Level
from streams.learning.experts.drift import Mark
from streams.learning.experts.level_state import GLOBAL
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.experts.signals import HEAD
from streams.offline.replay.impressions.listed_stream import ListedStream, ScoredList
from streams.offline.replay.impressions.outcomes import Weights
from streams.ranking.heads import ALWAYS
from streams.signals.list_signals import names_of

NOTED_EVERY = 10
OF_ITEMS = (
    "popular_short",
    "popular_ever",
    "shown",
    "follows",
    "follows_share",
    "follows_last",
    "close",
    "idle",
    "age",
)
"""The signals of items: few, since fewer weights are learned anew sooner. Click-through is the difference of
`popular_ever` and `shown`, which are logarithms.
"""


class Adapted:
    """A learner over a stream's columns. Besides the signals of the settings it reads what the lists say."""

    def __init__(self, settings: ReweightingSettings, run: ListedStream) -> None:
        self.settings = settings_of(settings, run.columns, run.fields)
        self.learner = AdaptiveLearner(self.settings, run.columns, run.recommender.meanings)
        self.level = Level(run.arm)
        self._weights: list[tuple[int, tuple[float, ...]]] = []
        self._marks: dict[Mark, int] = {}

    def scores(self, scored: ScoredList) -> NDArray[np.float64]:
        """float64 [n]; nothing is learned."""
        return scores_by(self.learner, scored, self.level)

    def stopped(self, run: ListedStream) -> AdaptiveLearner:
        """A learner that knows what this one knows now: the lists that are judged begin."""
        self._mark(self.learner.report(), 0)
        other = AdaptiveLearner(self.settings, run.columns, run.recommender.meanings)
        other.restore(self.learner.pack())
        return other

    def note(self, lists: int) -> None:
        """Remember the weights after so many judged lists, now and then."""
        if lists % NOTED_EVERY == 0:
            self._note(lists)

    def _note(self, lists: int) -> None:
        report = self.learner.report()
        self._weights.append((lists, tuple(report.levels[GLOBAL].weights.values())))
        self._mark(report, lists)

    def _mark(self, report: LearnerReport, lists: int) -> None:
        for mark in report.levels[GLOBAL].marks:
            self._marks.setdefault(mark, lists)

    def weights(self, lists: int) -> Weights:
        """What was noted, and what it is after all `lists`."""
        self._note(lists)
        return Weights(
            np.array([each for each, _ in self._weights], np.int64),
            tuple(self.settings.experts),
            np.array([weights for _, weights in self._weights], np.float64),
            tuple((at, mark.detector, mark.lesson) for mark, at in self._marks.items()),
        )


def settings_of(
    settings: ReweightingSettings, columns: Sequence[str], fields: Sequence[str]
) -> ReweightingSettings:
    """With the signals of items and of the list, where the settings name none. What is chosen from an app's
    own list is told of by its place, too, so the place is a signal here and no bias to be corrected. All
    lists are of one arm, so there is one level.
    """
    signals = settings.signals
    if not signals:
        tasks = tuple(name for name in columns if name.startswith(HEAD) and name not in ALWAYS)
        signals = (*(name for name in OF_ITEMS if name in columns), *tasks, *names_of(fields))
    return msgspec.structs.replace(
        settings, signals=signals, eta=0.0, harvest=False, doubts=(), trial=0.0, levels=()
    )


def scores_by(learner: AdaptiveLearner, scored: ScoredList, level: Level) -> NDArray[np.float64]:
    """What a learner makes of a list, float64 [n]."""
    out: F32 = np.empty(len(scored.rows), np.float32)
    signals = np.ascontiguousarray(scored.columns[:, learner.reads])
    ends = np.array([len(out)], np.int64)
    learner.score(signals, np.concatenate([[0], ends]), ends, [level], out)
    return out.astype(np.float64)
