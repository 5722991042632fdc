"""The settings of the network and of its training. No torch here: workers read the same settings file."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from model.schema import EncoderKind, FusionKind

BATCH_LEAST = 32
LISTS_LEAST = 16
Count = Annotated[int, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, lt=1)]
Weight = Annotated[float, Meta(ge=0)]


class NetworkPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The network's form.

    `fusion`: how the views of user, item and language become one. `encoder`: what a history item learns from
    earlier ones, before candidates attend to it: nothing, causal self-attention (SASRec) or LiGR layers.
    `id_buckets`: rows of a hashed id table; 0: a row for each item of the training data. `forget_id`: the
    share of ids that the training hides, so that the text represents an item without an id.
    """

    fusion: FusionKind = "attention"
    encoder: EncoderKind = "ligr"
    layers: Count = 1
    width: Count = 32
    heads: Count = 2
    hidden: tuple[Count, Count] = (96, 48)
    dropout: Share = 0.1
    forget_id: Share = 0.3
    id_buckets: Annotated[int, Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(
                f"width {self.width} is not a multiple of heads {self.heads}; choose one that is"
            )


class TrainPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the training runs.

    `batch` examples a step, fewer if a training would otherwise take less than `steps_least` steps. `scout`:
    the share of the examples that trains a scout (see `streams.offline.training.retrieval_scout`); there is
    no scout for 0, or for fewer than `scout_from` examples. Without a scout the model only ranks: a user
    tower that has learned so few examples finds candidates that burden a network without such candidates in
    its training. `validate`: the newest share of the examples, which the training never uses; at most
    `validate_most`, since their whole pools are large. `window`: shards in memory at once; the training
    shuffles examples within it. `weighting`: tasks by their fixed weights, or by learned uncertainty (arXiv
    1705.07115), which their weights then scale. `unmet`: weight of the loss of the part that ranks items that
    no user has met (`model.network.Unmet`), which shares nothing with the rest. `retrieval`: weight of the
    user tower's loss, `negatives`: items drawn for it. `diversity`, `fairness`: weights of those terms of the
    loss, see `model.losses`.
    """

    epochs: Count = 8
    batch: Count = 256
    steps_least: Count = 400
    learning_rate: Annotated[float, Meta(gt=0)] = 2e-3
    weight_decay: Weight = 1e-2
    scout: Share = 0.3
    scout_from: Annotated[int, Meta(ge=0)] = 4_000
    validate: Share = 0.05
    validate_most: Count = 4_000
    window: Count = 32
    weighting: Literal["fixed", "uncertainty"] = "fixed"
    unmet: Weight = 0.2
    retrieval: Weight = 0.2
    negatives: Count = 512
    diversity: Weight = 0.0
    fairness: Weight = 0.0
    seed: int = 7
    device: str = "cpu"

    def sized(self, examples: int) -> TrainPlan:
        """The plan for a number of examples: with smaller steps if there would be too few steps.

        >>> TrainPlan(epochs=8, batch=256, steps_least=400).sized(3_200).batch
        64
        """
        fewer = max(BATCH_LEAST, examples * self.epochs // self.steps_least)
        return self if self.batch <= fewer else msgspec.structs.replace(self, batch=fewer)


class ListPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The net of shown lists (`model.list_net`), and how it goes on learning.

    `batch` lists a step, fewer if a training would otherwise take less than `steps_least` steps. The net goes
    on after `renew_every` more lists, on these and `replayed` times as many before them, at `renewal_rate`.
    What came before the newest `window` lists is forgotten.
    """

    hidden: tuple[Count, Count] = (64, 32)
    dropout: Share = 0.3
    epochs: Count = 8
    batch: Count = 64
    learning_rate: Annotated[float, Meta(gt=0)] = 2e-3
    renewal_rate: Annotated[float, Meta(gt=0)] = 1e-3
    weight_decay: Weight = 1e-2
    steps_least: Count = 400
    renew_every: Count = 250
    replayed: Annotated[int, Meta(ge=0)] = 3
    window: Count = 10_000

    def batch_of(self, examples: int) -> int:
        """The lists of a step for a number of examples.

        >>> ListPlan(epochs=8, batch=64, steps_least=400).batch_of(1_600)
        32
        """
        return min(self.batch, max(LISTS_LEAST, examples * self.epochs // self.steps_least))
