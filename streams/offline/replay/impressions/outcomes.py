"""What a replay of lists leaves: the figures of each system on each list, and what the learner was like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.slate_metrics import METRICS, ListFigures

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """The weight of each expert after so many judged lists; weights [T, E]. `marks`: where detectors saw a
    change of the loss: after how many judged lists (0: before them), which detector, at which lesson.
    """

    lists: NDArray[np.int64]
    experts: tuple[str, ...]
    weights: F64
    marks: tuple[tuple[int, str, int], ...] = ()


@dataclass(frozen=True)
class ListOutcomes:
    """The judged lists, in the order in which they came: those of the second part with a click.

    `users` int [S] numbers them; `places` [S]; `figures[system]` float64 [S, len(METRICS)].
    """

    ts_ms: NDArray[np.int64]
    users: NDArray[np.int64]
    places: NDArray[np.int64]
    figures: dict[str, F64]

    def __len__(self) -> int:
        return len(self.ts_ms)


@dataclass(frozen=True)
class LiveResult:
    """The net of lists: what it `reads` of each place; how many lists taught it, how often it began anew and
    how often it went on. `weights`: of the experts over it.
    """

    reads: tuple[str, ...]
    learned: int
    fitted: int
    renewed: int
    weights: Weights


@dataclass(frozen=True)
class ListsResult:
    """A whole run. `lists`: all that were shown, `warm_lists` of them in the first part. `unclicked`: of the
    second part, those without a click, which no figure counts. `lessons`: by kind, and what taught nothing
    by its reason. `net`: the model's name, "" for none. `trained_lists`, `learned_lists`: up to which list
    the net was trained, and after how many of the first part's lists the learner began.
    """

    outcomes: ListOutcomes
    weights: Weights
    net: str
    lists: int
    warm_lists: int
    unclicked: int
    events: int
    users: int
    items: int
    began: int
    drifts: bool
    seed: int
    seconds: float
    warm_seconds: float
    lessons: Mapping[str, int] = field(default_factory=dict)
    signals: tuple[str, ...] = ()
    live: LiveResult | None = None
    notes: tuple[str, ...] = ()


def stacked(figures: Sequence[Mapping[str, ListFigures]]) -> dict[str, F64]:
    """By system, from list by list."""
    names = list(figures[0]) if figures else []
    return {
        name: np.array([each[name] for each in figures], np.float64).reshape(-1, len(METRICS))
        for name in names
    }
