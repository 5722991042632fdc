"""A slate in the making: each stage of the pipeline reads it and writes its own field."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.degradation import Rung
from streams.signals.rating_bias import RatingBias
from streams.state.user_state import UserState


@dataclass
class Draft:
    """K candidates for one user.

    rows int32 [K], best of the pool first. ranks int32 [K, sources]. origin int8 [K]: the source that ranked
    the row best (-1: none).
    lean: how the user rates, where the rung uses the model. features [K, F]. click, rating and `more`, the
    further tasks by name: [K] each. modelled: whether a model gave these. signs: what the
    user says of the history, None for 1 of all. aversion [K]: how close each is to
    what the user did not like, empty for nothing. order: the places of the slate as indices into rows, best
    first.
    """

    state: UserState
    now_ms: int
    rung: Rung
    history: NDArray[np.int32]
    extra: int = 0
    rows: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    ranks: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 0), np.int32))
    origin: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    features: F32 = field(default_factory=lambda: np.empty((0, 0), np.float32))
    user_features: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    history_features: F32 = field(default_factory=lambda: np.empty((0, 0), np.float32))
    history_actions: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    profile: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    lean: RatingBias | None = None
    words: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    liked: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    query: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    click: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    rating: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    more: dict[str, F32] = field(default_factory=dict)
    modelled: bool = False
    signs: NDArray[np.int8] | None = None
    aversion: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    score: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    order: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))

    @property
    def placed(self) -> int:
        """How many candidates the sources brought; behind them stand `extra` that were only asked for."""
        return len(self.rows) - self.extra
