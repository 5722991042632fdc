"""One level: a mixture of experts that learns from its own lessons, with its guard and its detectors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.errors import StoreError
from model.schema import F32
from streams.learning.experts.drift import DriftWatch, Mark
from streams.learning.experts.guard import FORMER_STATE_BYTES, Guard, GuardState
from streams.learning.experts.level_step import take
from streams.learning.experts.mixture import LEARNS_NOTHING, Bounds, new_experts
from streams.learning.experts.packing import PackedLevel, pack_arrays, put_arrays
from streams.learning.experts.river_expert import RiverExpert
from streams.learning.experts.scoring import LOG_ALL, frozen_score, mixed_score
from streams.learning.experts.settings import ReweightingSettings

F64 = NDArray[np.float64]
GLOBAL = "global"
MIXTURE = "mixture"


class Slate(NamedTuple):
    """What one lesson says, of n places. x [n, K] standardised; base float32 [n]: the frozen scores; curves
    [D, n]: logarithms of examination, as it is believed and as it might be; known [n]: which places may be
    chosen. places, signs, weights [C]: the choices. drawn: 1 where it drew an answer, 0 where it did not, NaN
    where nothing says so. lead: what its trial says for the adapted order, NaN where it was none.
    """

    x: F64
    base: F32
    curves: F64
    known: NDArray[np.bool_]
    places: NDArray[np.int64]
    signs: F64
    weights: F64
    drawn: float
    lead: float = math.nan


class LevelReport(NamedTuple):
    """Of a level: `weights` of its experts by name; their mean `losses` in a choice of late, in nats, with
    that of the mixture under "mixture"; how many lessons made a choice; the guard; the marks of detectors.
    """

    weights: Mapping[str, float]
    losses: Mapping[str, float]
    lessons: int
    guard: GuardState
    marks: Sequence[Mark]


class LevelState:
    """The experts of a level; a fold of its lessons. `below`: the global mixture is one more expert."""

    def __init__(self, settings: ReweightingSettings, signals: Sequence[str], below: bool = False) -> None:
        self.names = (*settings.experts, *([GLOBAL] if below else []))
        self.experts = new_experts(
            np.array([_discount(name) for name in self.names]), len(signals), settings.prior_variance
        )
        self.bounds = Bounds(
            settings.share,
            settings.prior_variance,
            settings.step_max,
            settings.loss_max,
            settings.surprise_nats,
            settings.silence,
        )
        self.guard = Guard(settings.guard_alpha, 1 + len(settings.doubts), bool(settings.trial))
        self.drift = DriftWatch(settings.drift)
        self.river = {
            at: RiverExpert(name.partition(":")[2], signals)
            for at, name in enumerate(self.names)
            if name.startswith("river:")
        }
        self._below = below
        self._last: F64 = np.zeros(len(self.names) + 1)
        self.losses: F64 = np.zeros(len(self.names) + 1)
        self.lessons: NDArray[np.int64] = np.zeros(1, np.int64)

    @property
    def adapts(self) -> bool:
        """Whether it serves anything but the frozen order."""
        return self.guard.on and self.moves

    @property
    def moves(self) -> bool:
        """Whether what it learned is anything but the frozen order."""
        return bool(self.experts.log_weight[0] < LOG_ALL)

    def mixed(self, x: F64, base: F32, above: F32, among: int, scaled: bool, out: F32) -> tuple[float, float]:
        """Fill out [n] with what the mixture says of candidates x [n, K], [n], whatever the guard says, and
        give what makes scores of that (`mixed_score`). `above`: what the global mixture says.
        """
        return mixed_score(self.experts, x, self._given(x, above), base, among, scaled, out)

    def served(
        self, x: F64, base: F32, above: F32, among: int, out: F32, unguarded: bool = False
    ) -> tuple[float, float]:
        """The same of what is served: where the guard is off, the frozen order's chances."""
        if self.guard.on or unguarded:
            return self.mixed(x, base, above, among, False, out)
        scale = float(self.experts.mean[0, 0])
        return scale, frozen_score(scale, base, among, out)

    def learn(self, slate: Slate, above: F32, mixed: F32) -> float:
        """Take one lesson, and give the mixture's mean loss in a choice; 0 where there was none. `mixed` is
        filled with what the mixture says of the slate before it learns.
        """
        guard = self.guard
        take(
            self.experts, self.bounds, guard.alpha, guard.held, guard.state, guard.switches, self.lessons,
            self.losses, self._last, slate.x, slate.base, slate.curves, slate.known, slate.places,
            slate.signs, slate.weights, slate.drawn, slate.lead, self._given(slate.x, above), mixed,
        )  # fmt: skip
        if self.river:
            self._teach_river(slate)
        if not len(slate.places):
            return 0.0
        loss = float(self._last[-1])
        self.drift.watch(loss, int(self.lessons[0]))
        return loss

    def report(self) -> LevelReport:
        """What it has come to."""
        weights = np.exp(self.experts.log_weight).tolist()
        return LevelReport(
            dict(zip(self.names, weights, strict=True)),
            dict(zip((*self.names, MIXTURE), self.losses.tolist(), strict=True)),
            int(self.lessons[0]),
            self.guard.report(),
            self.drift.report(),
        )

    def pack(self, taught: int) -> PackedLevel:
        """All that it is; a copy."""
        river = {self.names[at]: expert.pack() for at, expert in self.river.items()}
        return PackedLevel(taught, pack_arrays(self._arrays()), river)

    def restore(self, name: str, packed: PackedLevel) -> None:
        """Take what `pack` packed, or raise `StoreError`."""
        arrays, held = dict(packed.arrays), self.guard.held
        anew = len(arrays.get("guard.held", b"")) != held.nbytes  # it was under other curves, or no trial
        if anew:
            arrays["guard.held"] = bytes(held.nbytes)
        state = arrays.get("guard.state", b"")
        if len(state) == FORMER_STATE_BYTES:
            arrays["guard.state"] = state + bytes(self.guard.state.nbytes - len(state))
        put_arrays(f"learner's level {name}", self._arrays(), arrays)
        if anew:
            self.guard.begin_anew()
        for at, expert in self.river.items():
            if self.names[at] not in packed.river:
                raise StoreError(f"learner's level {name} has no {self.names[at]}: something changed it")
            expert.restore(packed.river[self.names[at]])
        self.drift.resume()

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "mean": self.experts.mean,
            "root": self.experts.root,
            "log_weight": self.experts.log_weight,
            "threshold": self.experts.threshold,
            "losses": self.losses,
            "lessons": self.lessons,
            "guard.held": self.guard.held,
            "guard.state": self.guard.state,
            "guard.switches": self.guard.switches,
            "drift.losses": self.drift.losses,
            "drift.held": self.drift.held,
            "drift.marks": self.drift.marks,
        }

    def _given(self, x: F64, above: F32) -> F64:
        """[E, n]: what experts that are not linear say; the others' rows are filled where they are needed."""
        given = np.empty((len(self.names), len(x)))
        for at, expert in self.river.items():
            given[at] = expert.scores(x)
        if self._below:
            given[-1] = above
        return given

    def _teach_river(self, slate: Slate) -> None:
        """It learns of places one by one, so a slate that nobody chose from says no there."""
        if not (len(slate.places) or slate.drawn == 0.0):
            return
        chosen = np.zeros(len(slate.x), np.bool_)
        chosen[slate.places[slate.signs > 0]] = True
        seen = np.exp(slate.curves[0]) * (1.0 if len(slate.places) else self.bounds.silence)
        for expert in self.river.values():
            expert.learn(slate.x[slate.known], chosen[slate.known], seen[slate.known])


def _discount(name: str) -> float:
    kind, _, told = name.partition(":")
    return float(told) if kind == "kalman" else LEARNS_NOTHING
