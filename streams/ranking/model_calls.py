"""What a model in service is called for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from export.in_parts import Candidates, ItemTables
from model.schema import F32, RescorerInputs, Scores, SeenUsers, UserInputs


class Tower(Protocol):
    """ids int64 [N] and what is known of N items -> vectors [N, item_dim], keys [N, user_dim], float32."""

    def __call__(self, ids: NDArray[np.int64], content: Mapping[str, NDArray[Any]]) -> tuple[F32, F32]: ...


class UserTower(Protocol):
    """One run of the user tower: float32 [B, user_dim]."""

    def __call__(self, inputs: UserInputs) -> F32: ...


class Scorer(Protocol):
    """One run of a rescorer that reads everything of users and items itself."""

    def __call__(self, inputs: RescorerInputs) -> Scores: ...


class Parts(Protocol):
    """A model in parts, see `export.in_parts`."""

    def tables(self, vectors: F32) -> dict[str, F32]: ...

    def see(self, inputs: UserInputs) -> SeenUsers: ...

    def rescore(self, seen: SeenUsers, items: ItemTables, asked: Candidates) -> Scores: ...
