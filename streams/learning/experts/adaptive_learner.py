"""The learner of online adaptive reweighting: a deterministic fold of lessons, and the scores that follow.

Its settings are `streams.learning.experts.settings`, since `streams.settings` may import this room and not
the other way round. Segments are those of `streams.learning.experts.segments`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.learning.experts.caps import Caps, count_chosen, leave_out_worn
from streams.learning.experts.choices import NOT_CHOICES, Choice, ChoiceRules
from streams.learning.experts.examination import Examination, ExaminationState
from streams.learning.experts.level_state import LevelReport, Slate
from streams.learning.experts.levels import Levels
from streams.learning.experts.packing import VERSION, PackedLearner, pack_arrays, packed, put_arrays, unpacked
from streams.learning.experts.posterior import Posterior, sampled_scores
from streams.learning.experts.scales import Scales
from streams.learning.experts.segments import Segments
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.experts.signals import signals_of
from streams.learning.kept_slates import NEVER
from streams.learning.lesson import KINDS, Lesson
from streams.learning.looks import digest_of_names
from streams.learning.trial import lead
from streams.state.action_meaning import Meanings
from streams.state.user_state import UserState

log = logging.getLogger(__name__)

F64 = NDArray[np.float64]
EXAMINATION = "examination."
TRIED_ON = 1 / 3
"""Of the trials, once the adapted order is in force: half of what it gains is lost in each."""
NO_PLACES, NO_NUMBERS = np.empty(0, np.int64), np.empty(0)

TAUGHT_NOTHING = ("other_columns", "unknown_places", "user_cap")
"""Lessons whose features have other names or none; those of which fewer than two places are known, or may
teach; those of users who taught enough in this hour."""
ALSO_COUNTED = ("item_cap", "level_full", "begun_anew")
"""Lessons of which a place was left out, as its item was chosen often enough in this hour; lessons for whose
arm or segment there was no place; how often learning began anew, since experts or signals were others."""


class Level(NamedTuple):
    """Whose mixture is asked."""

    arm: str = "default"
    segment: str = ""


class LearnerReport(NamedTuple):
    """What was learned, by the names of levels: "global", "arm:NAME", "segment:NAME"."""

    signals: Sequence[str]
    levels: Mapping[str, LevelReport]
    examination: ExaminationState


class AdaptiveLearner:
    """Satisfies `streams.learning.learner.Learner`.

    columns: the names of a lesson's features, in their order. `reads` int64 [K]: which of them are its
    signals, `base` first. arm_name: what the arms of a slate, as its text names them, are called here: each
    name has a level. Raises `SettingsError` for signals that no column has, and for an expert or a detector
    that river has not.
    """

    def __init__(
        self,
        settings: ReweightingSettings,
        columns: Sequence[str],
        meanings: Meanings,
        arm_name: Callable[[str], str] = str,
    ) -> None:
        self._arm_name = arm_name
        self.settings, self.columns, self.meanings = settings, tuple(columns), meanings
        self.reads: NDArray[np.int64] = signals_of(columns, settings.signals)
        self.signals = [columns[at] for at in self.reads.tolist()]
        self._names = digest_of_names(columns)
        self._counts = dict.fromkeys((*KINDS, *TAUGHT_NOTHING, *NOT_CHOICES, *ALSO_COUNTED), 0)
        self._rules = ChoiceRules(meanings)
        self.scales = Scales(len(self.reads))
        self.examination = Examination(settings.eta, settings.harvest, settings.doubts)
        self.caps = Caps(settings.per_user_hour, settings.per_item_hour, settings.times_busy)
        self.segments = Segments(settings.segment_by)
        self.levels = Levels(settings, self.signals)
        self._posterior = Posterior()

    def level(self, arm: str, surface: str, state: UserState) -> Level:
        """Whose mixture a request of this user asks."""
        return Level(self._arm_name(arm), self.segments.name(surface, self.segments.of_user(state)))

    def learn(self, lesson: Lesson) -> None:
        """Take one lesson."""
        self._counts[lesson.kind] += 1
        self.caps.begin(lesson.shown_ms)
        if not lesson.has_columns(self._names, len(self.columns)):
            self._counts["other_columns"] += 1
        elif not self.caps.takes(lesson.user):
            self._counts["user_cap"] += 1
        else:
            self._learn(lesson)

    def _learn(self, lesson: Lesson) -> None:
        rows = lesson.rows
        raw = lesson.features.take(self.reads, axis=1).astype(np.float32)
        base = raw[:, 0].copy()
        known = np.isfinite(base)
        known[lesson.seen :] = False
        if leave_out_worn(rows, self.caps.items, self.caps.limit[1], known):
            self._counts["item_cap"] += 1
        count = int(np.count_nonzero(known))
        if count < 2:
            self._counts["unknown_places"] += 1
            return
        choices = self._rules.choices(lesson.answers, known, count, lesson.seen)
        for reason, left_out in choices.left_out.items():
            self._counts[reason] += left_out
        if "all" in choices.left_out:
            return
        seen = raw if count == len(raw) else raw[known]
        self.scales.follow(seen)
        x = self.scales.standardised(seen)
        if count < len(raw):
            x = _in_places(x, known)
        told = lesson.shown_ms != NEVER
        # What nobody told to be shown is known by its answers alone, so its silence is never seen.
        drawn = choices.drawn if told else math.nan
        curves = np.ascontiguousarray(self.examination.curves[:, : len(x)])
        slate = _slate(x, base, curves, known, choices.made, drawn, lead(lesson.trial, choices.made))
        if not self.levels.learn(
            self._arm_name(lesson.arm), self.segments.name(lesson.surface, lesson.segment), slate
        ):
            self._counts["level_full"] += 1
        if choices.made:
            count_chosen(rows, slate.places, self.caps.items)
        if told:
            good = slate.places[: sum(each.sign > 0 for each in choices.made)]
            self.examination.see(rows, base, known, good)

    @property
    def learned(self) -> bool:
        """Whether what it learned moves any scores: some level's guard lets it."""
        return bool(self.levels.lessons or self.scales.slates.any()) and self.levels.adapts

    @property
    def tries(self) -> float:
        """The part of slates that are drafted of the frozen and the adapted order, 0 where they are one, or
        where there is no guard that would go by it. Fewer are once the adapted order serves all users.
        """
        if not (self.levels.lessons and self.settings.guard_alpha and self.levels.moves):
            return 0.0
        return self.settings.trial * (TRIED_ON if self.levels.everyone.guard.on else 1.0)

    def score(
        self,
        signals: F32,
        offsets: Sequence[int] | NDArray[np.int64],
        ends: Sequence[int] | NDArray[np.int64],
        levels: Sequence[Level],
        out: F32,
        unguarded: bool = False,
    ) -> None:
        """Fill out [N] with the scores of candidates. signals [N, K] as `reads` picks them from the columns;
        those of request b from offsets[b] on, [B + 1]. Those up to ends[b] are weighed against each
        other, and those behind against these. A level for each request. `unguarded`: as if all guards let
        what was learned move scores. Nothing is learned.
        """
        for b, (arm, segment) in enumerate(levels):
            begin, end = int(offsets[b]), int(offsets[b + 1])
            raw, among = signals[begin:end], int(ends[b]) - begin
            x, base = self.scales.standardised(raw, among), np.ascontiguousarray(raw[:, 0])
            out[begin:end] = self.levels.served(arm, segment, x, base, among, unguarded)

    def sampled(self, signals: F32, among: int, chosen: NDArray[np.intp], level: Level) -> F64:
        """What samples of the posterior say of one request's candidates `chosen` [m]: [`SAMPLES`, m]. signals
        and `among` as in `score`, of that request alone. The samples are those of the lessons so far.
        """
        samples = self._posterior.samples(self.levels, level.arm, level.segment)
        return sampled_scores(samples, self.scales, signals, among, chosen)

    @property
    def worth(self) -> float:
        """What a point of the frozen score is worth in what `sampled` says."""
        return float(self.levels.everyone.experts.mean[0, 0])

    def counts(self) -> Mapping[str, int]:
        """Lessons by kind (`KINDS`); of those, which taught nothing (`TAUGHT_NOTHING`); answers that were no
        choice (`NOT_CHOICES`); and what else was noticed (`ALSO_COUNTED`). A copy.
        """
        return dict(self._counts)

    def report(self) -> LearnerReport:
        """What was learned so far."""
        return LearnerReport(self.signals, self.levels.report(), self.examination.report())

    def pack(self) -> bytes:
        """All that was learned; a copy."""
        whole = PackedLearner(
            VERSION,
            list(self.settings.experts),
            list(self.signals),
            dict(self._counts),
            pack_arrays(self._arrays()),
            {},
            {},
            [],
            [],
        )
        self.levels.pack(whole)
        return packed(whole)

    def restore(self, raw: bytes) -> None:
        """Take what `pack` packed, or raise `StoreError`. What was learned of other signals or by other
        experts is of no use: counts go on, and learning begins anew ("begun_anew" counts that).
        """
        kept = unpacked(raw)
        fresh = AdaptiveLearner(self.settings, self.columns, self.meanings, self._arm_name)
        fresh._counts |= kept.counts
        if (kept.experts, kept.signals) != (list(self.settings.experts), self.signals):
            fresh._counts["begun_anew"] += 1
            log.warning(
                "what the experts %s learned is left out: now they are %s, or their signals are others",
                ", ".join(kept.experts),
                ", ".join(self.settings.experts),
            )
        else:
            put_arrays("learner", fresh._arrays(), fresh._with_own_curve(kept.arrays))
            fresh.levels.restore(kept)
        self.scales, self.examination, self.caps = fresh.scales, fresh.examination, fresh.caps
        self.levels, self._counts = fresh.levels, fresh._counts

    def _with_own_curve(self, kept: Mapping[str, bytes]) -> dict[str, bytes]:
        """What was packed, with the curve as the settings say it: it is estimated now and was not before, or
        the other way round.
        """
        own = {
            name: value for name, value in pack_arrays(self._arrays()).items() if name.startswith(EXAMINATION)
        }
        same = self.settings.harvest and all(len(kept.get(name, b"")) == len(own[name]) for name in own)
        return dict(kept) if same else {**kept, **own}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """All that is not a level's."""
        return {
            "scales.variance": self.scales.variance,
            "scales.slates": self.scales.slates,
            "caps.taught": self.caps.taught,
            "caps.spent": self.caps.spent,
            "caps.last": self.caps.last,
            "caps.items": self.caps.items,
            "caps.clock": self.caps.clock,
            "caps.limit": self.caps.limit,
            "examination.log_chance": self.examination.log_chance,
            "examination.owners": self.examination.owners,
            "examination.shown": self.examination.shown,
            "examination.chosen": self.examination.chosen,
            "examination.slates": self.examination.slates,
            "examination.moved": self.examination.moved,
        }


def _slate(
    x: F64,
    base: F32,
    curves: F64,
    known: NDArray[np.bool_],
    choices: Sequence[Choice],
    drawn: float,
    led: float,
) -> Slate:
    if not choices:
        return Slate(x, base, curves, known, NO_PLACES, NO_NUMBERS, NO_NUMBERS, drawn)
    places, signs, weights = zip(*choices, strict=True)
    return Slate(
        x, base, curves, known, np.array(places), np.array(signs, np.float64), np.array(weights), drawn, led
    )


def _in_places(x: F64, known: NDArray[np.bool_]) -> F64:
    """The signals of the known places where they stand; zero elsewhere."""
    whole = np.zeros((len(known), x.shape[1]))
    whole[known] = x
    return whole
