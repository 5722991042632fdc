"""What a replay leaves: one outcome for each predicted event, and what the run as a whole was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]
Shares = tuple[NDArray[np.float64], NDArray[np.float64]]


class Prediction(NamedTuple):
    """One event as it was predicted, before it was learned.

    `user_history`, `item_events`: how many events of the user and of the item came before.
    `ranked`: whether the true item could be ranked (the user had not met it, and it was in the catalogue);
    if not, the event counts for ratings only.
    `rank`: the true item's place in the final order, `candidate_rank` its place among the candidates before
    rescoring, `baseline_ranks` its place for each baseline; 1 is the best, 0 where it was not found.
    `rating`, `predicted_rating`: on the scale 1 to 5, NaN where there is none.
    """

    ts_ms: int
    user_history: int
    item_events: int
    ranked: bool
    rank: int
    candidate_rank: int
    baseline_ranks: Sequence[int]
    rating: float = float("nan")
    predicted_rating: float = float("nan")


@dataclass(frozen=True)
class Predictions:
    """Predictions as columns, in stream order; `baseline_ranks[name]` one column a baseline."""

    ts_ms: NDArray[np.int64]
    user_history: I32
    item_events: I32
    ranked: NDArray[np.bool_]
    rank: I32
    candidate_rank: I32
    baseline_ranks: dict[str, I32]
    rating: NDArray[np.float32]
    predicted_rating: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ts_ms)


def columns_of(predictions: Sequence[Prediction], baselines: Sequence[str]) -> Predictions:
    """Predictions as columns; `baselines` names the places of `baseline_ranks`."""
    places = np.array([outcome.baseline_ranks for outcome in predictions], np.int32).reshape(
        len(predictions), len(baselines)
    )
    return Predictions(
        ts_ms=np.array([outcome.ts_ms for outcome in predictions], np.int64),
        user_history=np.array([outcome.user_history for outcome in predictions], np.int32),
        item_events=np.array([outcome.item_events for outcome in predictions], np.int32),
        ranked=np.array([outcome.ranked for outcome in predictions], np.bool_),
        rank=np.array([outcome.rank for outcome in predictions], np.int32),
        candidate_rank=np.array([outcome.candidate_rank for outcome in predictions], np.int32),
        baseline_ranks={name: places[:, index] for index, name in enumerate(baselines)},
        rating=np.array([outcome.rating for outcome in predictions], np.float32),
        predicted_rating=np.array([outcome.predicted_rating for outcome in predictions], np.float32),
    )


def joined(shares: Sequence[Shares]) -> Shares:
    """Those of all events."""
    if not shares:
        return np.empty(0), np.empty(0)
    said, came = zip(*shares, strict=True)
    return np.concatenate(said), np.concatenate(came)


@dataclass(frozen=True)
class ReplayResult:
    """A whole run.

    `recommended`: for the model and each baseline that kept count, how many different items its first tens
    held; `catalogue`: how many items there were to recommend.
    `seconds`: of the predicted part; `warm_seconds`: of warming and training; `stage_seconds`: by stage.
    `pool`: how many candidates were rescored. `click_shares`: for the first ten of each ranked event, the
    probability that the model gave them, and 1 for the one that was met. `notes`: what a reader should know,
    in words.
    """

    predictions: Predictions
    model: str
    events: int
    warm_events: int
    users: int
    catalogue: int
    pool: int
    seed: int
    seconds: float
    warm_seconds: float
    recommended: Mapping[str, int] = field(default_factory=dict)
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    click_shares: Shares = field(default_factory=lambda: (np.empty(0), np.empty(0)))
    notes: tuple[str, ...] = ()
