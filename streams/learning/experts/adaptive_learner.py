"""The learner of online adaptive reweighting: a deterministic fold of lessons, and the scores that follow.

Its settings are `streams.learning.experts.settings`, since `streams.settings` may import this room and not
the other way round. A segment is a surface: what a lesson and a request both know by that name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.learning.experts.choices import NOT_CHOICES, choices_of
from streams.learning.experts.examination import Examination
from streams.learning.experts.level_state import ExpertWeights, LevelState
from streams.learning.experts.packing import PackedLearner, packed, unpacked
from streams.learning.experts.scales import Scales
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.experts.signals import signals_of
from streams.learning.kept_slates import NEVER
from streams.learning.lesson import KINDS, Lesson
from streams.learning.looks import digest_of_names
from streams.state.action_meaning import Meanings

GLOBAL = "global"
TAUGHT_NOTHING = ("other_columns", "unknown_places")
"""Lessons whose features have other names or none, and those of which fewer than two places are known."""


class Level(NamedTuple):
    """Whose mixture is asked."""

    arm: str = "default"
    segment: str = ""


class LearnerReport(NamedTuple):
    """What was learned, by the names of levels."""

    signals: Sequence[str]
    levels: Mapping[str, ExpertWeights]


class AdaptiveLearner:
    """Satisfies `streams.learning.learner.Learner`.

    columns: the names of a lesson's features, in their order. `reads` int64 [K]: which of them are its
    signals, `base` first. Raises `SettingsError` for signals that no column has.
    """

    def __init__(self, settings: ReweightingSettings, columns: Sequence[str], meanings: Meanings) -> None:
        self.settings, self.meanings = settings, meanings
        self.reads: NDArray[np.int64] = signals_of(columns, settings.signals)
        self.signals = [columns[at] for at in self.reads.tolist()]
        self._names = digest_of_names(columns)
        self._columns = len(columns)
        self._counts = dict.fromkeys((*KINDS, *TAUGHT_NOTHING, *NOT_CHOICES), 0)
        self.scales = Scales(len(self.reads))
        self.examination = Examination(settings.eta)
        self.everyone = LevelState(settings, len(self.reads))

    def learn(self, lesson: Lesson) -> None:
        """Take one lesson."""
        self._counts[lesson.kind] += 1
        if lesson.names != self._names or not lesson.feature_bytes:
            self._counts["other_columns"] += 1
            return
        raw = lesson.features[:, self.reads].astype(np.float32)
        known = np.isfinite(raw[:, 0])
        if np.count_nonzero(known) < 2:
            self._counts["unknown_places"] += 1
            return
        choices = choices_of(lesson.answers, known, self.meanings)
        for reason, count in choices.left_out.items():
            self._counts[reason] += count
        seen = raw[known]
        self.scales.follow(seen)
        x = np.zeros(raw.shape)
        x[known] = self.scales.standardised(seen)
        offsets = self.examination.log_chance[: len(x)]
        # What nobody told to be shown is known by its answers alone, so its silence is never seen.
        drawn = None if lesson.shown_ms == NEVER else choices.drawn
        self.everyone.learn(x, offsets, known, choices.made, drawn)

    def score(self, signals: F32, offsets: NDArray[np.int64], levels: Sequence[Level], out: F32) -> None:
        """Fill out [N] with the scores of candidates. signals [N, K] as `reads` picks them from the columns;
        those of request b from offsets[b] on, int64 [B + 1]; a level for each request. Nothing is learned.
        """
        for b in range(len(levels)):
            begin, end = int(offsets[b]), int(offsets[b + 1])
            raw = signals[begin:end]
            x = self.scales.standardised(raw)
            self.everyone.score(x, raw[:, 0], out[begin:end])

    def counts(self) -> Mapping[str, int]:
        """Lessons by kind (`KINDS`); of those, which taught nothing (`TAUGHT_NOTHING`); and answers that were
        no choice (`NOT_CHOICES`). A copy.
        """
        return dict(self._counts)

    def report(self) -> LearnerReport:
        """What was learned so far."""
        return LearnerReport(self.signals, {GLOBAL: self.everyone.report()})

    def pack(self) -> bytes:
        """All that was learned; a copy."""
        arrays = {"scales.variance": self.scales.variance, "scales.slates": self.scales.slates}
        for name, value in self.everyone.arrays().items():
            arrays[f"{GLOBAL}/{name}"] = value
        return packed(PackedLearner.of(self.settings.experts, self.signals, self.counts(), arrays))

    def restore(self, raw: bytes) -> None:
        """Take what `pack` packed, or raise `StoreError`. What was learned of other signals or by other
        experts is of no use: counts go on, and learning begins anew ("begun_anew" counts that).
        """
        kept = unpacked(raw)
        self._counts |= kept.counts
        if (kept.experts, kept.signals) != (list(self.settings.experts), self.signals):
            self._counts["begun_anew"] = self._counts.get("begun_anew", 0) + 1
            return
        self.scales.variance = kept.array("scales.variance", self.scales.variance.shape)
        self.scales.slates = kept.array("scales.slates", self.scales.slates.shape)
        self.everyone.restore(
            {
                name: kept.array(f"{GLOBAL}/{name}", value.shape)
                for name, value in self.everyone.arrays().items()
            }
        )
