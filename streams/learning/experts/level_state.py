"""One level: a mixture of experts that learns from the lessons of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.learning.experts.choices import Choice
from streams.learning.experts.mixture import LEARNS_NOTHING, Bounds, learn, new_experts
from streams.learning.experts.scoring import mixed_score
from streams.learning.experts.settings import ReweightingSettings

F64 = NDArray[np.float64]
LATELY = 200
"""Choices over which losses are averaged."""


class ExpertWeights(NamedTuple):
    """Of a level: `weights` of its experts by name; their mean `losses` in a choice of late, in nats, with
    that of the mixture under "mixture"; how many lessons made a choice.
    """

    weights: Mapping[str, float]
    losses: Mapping[str, float]
    lessons: int


class LevelState:
    """The experts of a level; a fold of its lessons."""

    def __init__(self, settings: ReweightingSettings, signals: int) -> None:
        self.names = settings.experts
        discounts = np.array([_discount(name) for name in self.names])
        self.experts = new_experts(discounts, signals, settings.prior_variance)
        self.bounds = Bounds(
            settings.share,
            settings.prior_variance,
            settings.step_max,
            settings.loss_max,
            settings.surprise_nats,
            settings.silence,
        )
        self.losses: F64 = np.zeros(len(self.names) + 1)
        self.lessons: F64 = np.zeros(1)
        self._last: F64 = np.zeros(len(self.names) + 1)

    def learn(
        self,
        x: F64,
        offsets: F64,
        known: NDArray[np.bool_],
        choices: Sequence[Choice],
        drawn: bool | None,
    ) -> None:
        """Take the choices of one slate; shapes as in `mixture.learn`."""
        made = np.array(choices, np.float64).reshape(-1, 3)
        given = np.zeros((len(self.names), len(x)))
        learn(
            self.experts,
            self.bounds,
            x,
            offsets,
            known,
            made[:, 0].astype(np.int64),
            np.ascontiguousarray(made[:, 1]),
            np.ascontiguousarray(made[:, 2]),
            math.nan if drawn is None else float(drawn),
            given,
            self._last,
        )
        if len(made):
            self.lessons += 1
            self.losses += (self._last - self.losses) / min(self.lessons[0], LATELY)

    def score(self, x: F64, base: F32, out: F32) -> None:
        """Fill out [n] with the scores of candidates x [n, K], whose frozen scores are base [n]."""
        given = np.zeros((len(self.names), len(x)))
        mixed_score(self.experts, np.exp(self.experts.log_weight), x, given, np.ascontiguousarray(base), out)

    def report(self) -> ExpertWeights:
        """What it has come to."""
        weights = np.exp(self.experts.log_weight).tolist()
        losses = dict(zip((*self.names, "mixture"), self.losses.tolist(), strict=True))
        return ExpertWeights(dict(zip(self.names, weights, strict=True)), losses, int(self.lessons[0]))

    def arrays(self) -> dict[str, F64]:
        """All that it is, by name."""
        return {
            "mean": self.experts.mean,
            "root": self.experts.root,
            "log_weight": self.experts.log_weight,
            "threshold": self.experts.threshold,
            "losses": self.losses,
            "lessons": self.lessons,
        }

    def restore(self, arrays: Mapping[str, F64]) -> None:
        """Take what `arrays` gave."""
        for name, value in self.arrays().items():
            value[...] = arrays[name]


def _discount(name: str) -> float:
    kind, _, told = name.partition(":")
    return float(told) if kind == "kalman" else LEARNS_NOTHING
