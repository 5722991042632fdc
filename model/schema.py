"""The shapes that training, export and serving agree on. No torch here.

Item tower:  id int64 [N] (0: not in the vocabulary), text float32 [N, text_dim]
             -> vectors float32 [N, item_dim]
Rescorer:    history_vectors float32 [B, history, item_dim],
             history_features float32 [B, history, len(HISTORY_FEATURES)],
             history_mask float32 [B, history] (1: an item is there; newest first),
             user_features float32 [B, len(USER_FEATURES)], words float32 [B, words_dim],
             candidate_vectors float32 [B, K, item_dim],
             candidate_features float32 [B, K, len(candidate_features)]
             -> click float32 [B, K] (a logit), rating float32 [B, K] (on the scale 1 to 5)
B and K are free.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 1
F32 = NDArray[np.float32]
FusionKind = Literal["weighted", "concat", "attention"]

RESCORER_INPUTS = (
    "history_vectors",
    "history_features",
    "history_mask",
    "user_features",
    "words",
    "candidate_vectors",
    "candidate_features",
)
RESCORER_OUTPUTS = ("click", "rating")
TOWER_INPUTS = ("id", "text")
TOWER_OUTPUTS = ("vectors",)


class Schema(msgspec.Struct, frozen=True):
    """What a model expects; written into its manifest and checked when it is loaded."""

    candidate_features: tuple[str, ...]
    user_features: tuple[str, ...]
    history_features: tuple[str, ...]
    history: int = 50
    text_dim: int = 64
    item_dim: int = 64
    words_dim: int = 64
    version: int = SCHEMA_VERSION


class RescorerInputs(NamedTuple):
    """One batch for the rescorer; the shapes stand at the top of this file."""

    history_vectors: F32
    history_features: F32
    history_mask: F32
    user_features: F32
    words: F32
    candidate_vectors: F32
    candidate_features: F32


class Scores(NamedTuple):
    """What the rescorer says: click logits and expected ratings, each [B, K]."""

    click: F32
    rating: F32
