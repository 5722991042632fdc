"""Mixtures for everybody, for each arm and for each segment, and what of them is served to a request.

A level below the global one has experts of its own and the global mixture as one more. A request has an arm
and a segment: what is served is a fixed-share mixture of their levels and the global one, whose weights
follow how well each told what users of that arm and segment chose.

A level's guard goes with the global one until it has found something itself.

Where all lessons come from one arm, its level would be the global one once more. So levels of a kind begin
with the second name that is met. At most `most` of each kind are kept; a new one takes the place of one that
had no lesson for `IDLE` lessons, else it goes by the global level ("level_full").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.learning.experts.blending import ABSENT, blend, weigh
from streams.learning.experts.level_state import GLOBAL, LevelReport, LevelState, Slate
from streams.learning.experts.packing import PackedLearner, PackedLevel
from streams.learning.experts.settings import ReweightingSettings

F64 = NDArray[np.float64]
IDLE = 10_000
PAIRS_MAX = 256


class Levels:
    """The mixtures of all levels; a fold of lessons."""

    def __init__(self, settings: ReweightingSettings, signals: Sequence[str]) -> None:
        self.settings, self.signals = settings, signals
        self.everyone = LevelState(settings, signals)
        self.below: dict[str, LevelState] = {}
        self.taught: dict[str, int] = {}
        self.first: dict[str, str] = {}
        self.several: set[str] = set()
        self.pairs: dict[tuple[str, str], F64] = {}
        self.paired: dict[tuple[str, str], int] = {}
        self.lessons = 0

    @property
    def adapts(self) -> bool:
        """Whether anything but the frozen order is served to anybody."""
        return self.everyone.adapts or any(level.adapts for level in self.below.values())

    def learn(self, arm: str, segment: str, slate: Slate) -> bool:
        """Take one lesson; whether there was a level for all that it has."""
        self.lessons += 1
        names = [self._level_for("arm", arm), self._level_for("segment", segment)]
        before, above = self.everyone.guard.on, np.empty(len(slate.x), np.float32)
        losses = [self.everyone.learn(slate, slate.base, above), 0.0, 0.0]
        for at, name in enumerate(names, 1):
            if name:
                losses[at] = self.below[name].learn(slate, above, np.empty_like(above))
                self.taught[name] = self.lessons
        if self.everyone.guard.on != before:
            for state in self.below.values():
                state.guard.follow(not before)
        if len(slate.places) and any(names):
            self._weigh((names[0] or "", names[1] or ""), losses)
        return None not in names

    @property
    def moves(self) -> bool:
        """Whether what any level learned is anything but the frozen order."""
        return self.everyone.moves or any(level.moves for level in self.below.values())

    def served(self, arm: str, segment: str, x: F64, base: F32, among: int, unguarded: bool = False) -> F32:
        """What is served of candidates x [n, K] whose frozen scores are base [n], [n]; the first `among` of
        them are weighed against each other. `unguarded`: what would be, if all guards let it.
        """
        everyone = self.everyone
        names = (self._name("arm", arm), self._name("segment", segment))
        asked = [everyone, *(self.below[name] for name in names if name)]
        if not any(level.moves if unguarded else level.adapts for level in asked):
            return base
        out = np.empty(len(x), np.float32)
        if len(asked) == 1:
            everyone.mixed(x, base, base, among, True, out)
            return out
        scores = np.zeros((3, len(x)), np.float32)
        worth, divisor = everyone.mixed(x, base, base, among, False, scores[0])
        for at, name in enumerate(names, 1):
            if name:
                self.below[name].served(x, base, scores[0], among, scores[at], unguarded)
        if not (everyone.guard.on or unguarded):
            worth, divisor = everyone.served(x, base, base, among, scores[0])
        blend(self.pairs.get(names, _even(names)), scores, worth, divisor, out)
        return out

    def weights(self, arm: str, segment: str) -> dict[str, float]:
        """How much each level counts in what is served of an arm and a segment, by name; one together."""
        names = (self._name("arm", arm), self._name("segment", segment))
        if not any(names):
            return {GLOBAL: 1.0}
        weights = np.exp(self.pairs.get(names, _even(names))).tolist()
        return {name: weight for name, weight in zip((GLOBAL, *names), weights, strict=True) if name}

    def report(self) -> dict[str, LevelReport]:
        """By the names of levels, the global one first."""
        return {GLOBAL: self.everyone.report()} | {name: state.report() for name, state in self.below.items()}

    def _name(self, kind: str, told: str) -> str:
        """The level that there is for a name; "" for none."""
        name = f"{kind}:{told}"
        return name if name in self.below else ""

    def _level_for(self, kind: str, told: str) -> str | None:
        """The level that takes a lesson, which is made where it is due; "" where none is due, None where
        there is no place for it.
        """
        if not told or kind not in self.settings.levels:
            return ""
        if kind not in self.several:
            if self.first.setdefault(kind, told) == told:
                return ""
            self.several.add(kind)
        name = f"{kind}:{told}"
        if name not in self.below:
            if not self._has_place(f"{kind}:"):
                return None
            self.below[name] = LevelState(self.settings, self.signals, below=True)
            self.below[name].guard.follow(self.everyone.guard.on)
        return name

    def _has_place(self, prefix: str) -> bool:
        kept = [name for name in self.below if name.startswith(prefix)]
        if len(kept) < self.settings.levels_max:
            return True
        stalest = min(kept, key=self.taught.__getitem__)
        if self.lessons - self.taught[stalest] < IDLE:
            return False
        del self.below[stalest], self.taught[stalest]
        for names in [names for names in self.pairs if stalest in names]:
            del self.pairs[names], self.paired[names]
        return True

    def _weigh(self, names: tuple[str, str], losses: Sequence[float]) -> None:
        """Move the weights of the levels that are served together."""
        if names not in self.pairs:
            if len(self.pairs) >= PAIRS_MAX:
                stalest = min(self.paired, key=self.paired.__getitem__)
                del self.pairs[stalest], self.paired[stalest]
            self.pairs[names] = _even(names)
        self.paired[names] = self.lessons
        everyone, arm, segment = losses
        weigh(self.pairs[names], everyone, arm, segment, self.settings.loss_max, self.settings.share)

    def pack(self, into: PackedLearner) -> None:
        """Put all that is learned into what is packed; copies."""
        into.levels[GLOBAL] = self.everyone.pack(self.lessons)
        for name, state in self.below.items():
            into.levels[name] = state.pack(self.taught[name])
        into.first |= self.first
        into.several += sorted(self.several)
        into.pairs += [(*names, w.tolist(), self.paired[names]) for names, w in self.pairs.items()]

    def restore(self, kept: PackedLearner) -> None:
        """Take what was packed, or raise `StoreError`."""
        below = dict(kept.levels)
        everyone = below.pop(GLOBAL, PackedLevel(0, {}, {}))
        self.everyone.restore(GLOBAL, everyone)
        self.lessons = everyone.taught
        for name, level in below.items():
            self.below[name] = LevelState(self.settings, self.signals, below=True)
            self.below[name].restore(name, level)
            self.taught[name] = level.taught
        self.first, self.several = dict(kept.first), set(kept.several)
        for arm, segment, weights, taught in kept.pairs:
            self.pairs[arm, segment] = np.array(weights)
            self.paired[arm, segment] = taught


def _even(names: tuple[str, str]) -> F64:
    weights = np.array([0.0, 0.0 if names[0] else ABSENT, 0.0 if names[1] else ABSENT])
    weights[weights > ABSENT] -= np.log(np.count_nonzero(weights > ABSENT))
    return weights
