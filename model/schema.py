"""The shapes that training, export and serving agree on. No torch here.

Item tower:  id int64 [N] (0: not in the vocabulary), text float32 [N, text_dim],
             attributes int64 [N, attributes] (hashed; 0: none), and for each modality, if any,
             float32 [N, its dimensions] (a zero row: the item has none)
             -> vectors float32 [N, item_dim], keys float32 [N, user_dim]
User tower:  the USER_INPUTS -> user float32 [B, user_dim]; user . key ranks all items, for retrieval
Rescorer:    history_vectors float32 [B, history, item_dim],
             history_features float32 [B, history, len(HISTORY_FEATURES)],
             history_actions int64 [B, history] (code + 1; 0 where no item is),
             history_mask float32 [B, history] (1: an item is there; newest first),
             user_features float32 [B, len(USER_FEATURES)],
             profile int64 [B, profile] (hashed fields; 0: none),
             words, liked, query float32 [B, text_dim]: the user's own words, those words weighted by their
             sentiment, and what the user searches for now; zero rows where there is none
             candidate_vectors float32 [B, K, item_dim],
             candidate_features float32 [B, K, len(candidate_features)]
             -> one float32 [B, K] a task: logits, or ratings from 1 to 5 where the task is one of `ratings`
B and K are free. A model in service makes the same scores in parts: see `model.in_parts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.actions import EARLIER_ACTIONS

SCHEMA_VERSION = 3
LOWEST_RATING, HIGHEST_RATING = 1.0, 5.0
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
FusionKind = Literal["weighted", "concat", "attention"]
EncoderKind = Literal["none", "sasrec", "ligr"]

USER_INPUTS = (
    "history_vectors",
    "history_features",
    "history_actions",
    "history_mask",
    "user_features",
    "profile",
    "words",
    "liked",
    "query",
)
RESCORER_INPUTS = (*USER_INPUTS, "candidate_vectors", "candidate_features")
USER_OUTPUTS = ("user",)
USER_PART = ("user", "keys", "values", "language", "shared")
"""What `model.in_parts` makes of users: their vectors, and what its candidates' part reads of them."""
TOWER_INPUTS = ("id", "text", "attributes")
TOWER_OUTPUTS = ("vectors", "keys")


class Schema(msgspec.Struct, frozen=True):
    """A model's inputs and outputs; its manifest holds them, and a load checks them.

    `tasks`: the rescorer's outputs; "click" and "rating" come first. `ratings`: the outputs that are ratings.
    `modalities`: dimensions by name. `actions`: the model knows the codes of actions below it; it
    reads the others as ones that it knows (`model.actions.known_codes`).
    """

    candidate_features: tuple[str, ...]
    user_features: tuple[str, ...]
    history_features: tuple[str, ...]
    tasks: tuple[str, ...] = ("click", "rating")
    ratings: tuple[str, ...] = ("rating",)
    modalities: dict[str, int] = {}
    history: int = 50
    text_dim: int = 64
    item_dim: int = 64
    user_dim: int = 32
    attributes: int = 8
    profile: int = 8
    actions: int = EARLIER_ACTIONS
    version: int = SCHEMA_VERSION

    @property
    def tower_inputs(self) -> tuple[str, ...]:
        """The item tower's inputs; the modalities come last."""
        return (*TOWER_INPUTS, *self.modalities)


class UserInputs(NamedTuple):
    """One batch for the user tower; the top of this file has the shapes."""

    history_vectors: F32
    history_features: F32
    history_actions: I64
    history_mask: F32
    user_features: F32
    profile: I64
    words: F32
    liked: F32
    query: F32


class RescorerInputs(NamedTuple):
    """One batch for the rescorer; the top of this file has the shapes."""

    history_vectors: F32
    history_features: F32
    history_actions: I64
    history_mask: F32
    user_features: F32
    profile: I64
    words: F32
    liked: F32
    query: F32
    candidate_vectors: F32
    candidate_features: F32

    @property
    def of_users(self) -> UserInputs:
        """The part that the user tower reads."""
        return UserInputs(
            self.history_vectors, self.history_features, self.history_actions, self.history_mask,
            self.user_features, self.profile, self.words, self.liked, self.query,
        )  # fmt: skip


@dataclass(frozen=True)
class SeenUsers:
    """What a model makes of users once for all their candidates: vectors [B, user_dim], for retrieval, and by
    name what its rescorer reads of them, each [B, ...].
    """

    vectors: F32
    parts: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.parts.values())))

    def of(self, rows: Sequence[int]) -> SeenUsers:
        """These users, in this order."""
        at = np.asarray(rows, np.intp)
        vectors = self.vectors[at] if len(self.vectors) else self.vectors
        return SeenUsers(vectors, {name: each[at] for name, each in self.parts.items()})


class Scores(NamedTuple):
    """The rescorer's outputs: click logits, expected ratings, and the further tasks in order. Each is [B, K],
    or [N] of candidates that lie end to end.
    """

    click: F32
    rating: F32
    more: tuple[F32, ...] = ()
