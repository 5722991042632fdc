"""The sections that are about models: which one serves, what it learns from, and how it is renewed."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from export.plan import ExportPlan
from model.plan import ListPlan, NetworkPlan, TrainPlan
from model.tasks import Task, default_tasks
from model.universal import UNIVERSAL
from streams.settings.bounds import Positive, PositiveFloat


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`registry`: the folder of models. `providers`: tried in order, "compiled" (code of our own,
    fp32), "tensorrt", "cuda" or "cpu" (onnxruntime); what has no compiled form runs on the CPU.

    `make_encoder`: whether `headrace up` makes the default text encoder where the registry has none.
    `fallback`: where the first provider is missing, go on with the next (logged, counted, shown by /readyz)
    instead of refusing to start. `active`: the model to use where the store names none ("" for the newest).
    `image_dim`, `audio_dim`: dimensions of the items' image and audio vectors; 0: those views are not used.
    `tasks`, `network`, `training`, `export`: what `headrace train` makes; workers read the manifest. `lists`:
    the net of shown lists in `headrace replay --impressions`.
    """

    registry: str = "var/models"
    text_encoder: str = UNIVERSAL
    make_encoder: bool = True
    active: str = ""
    providers: tuple[str, ...] = ("compiled",)
    fallback: bool = False
    threads: Positive = 1
    text_max_tokens: Positive = 128
    image_dim: Annotated[int, Meta(ge=0, le=4_096)] = 0
    audio_dim: Annotated[int, Meta(ge=0, le=4_096)] = 0
    tasks: dict[str, Task] = msgspec.field(default_factory=default_tasks)
    network: NetworkPlan = NetworkPlan()
    training: TrainPlan = TrainPlan()
    lists: ListPlan = ListPlan()
    export: ExportPlan = ExportPlan()

    @property
    def modalities(self) -> dict[str, int]:
        """The dimensions of the views that are used."""
        return {name: dim for name, dim in (("image", self.image_dim), ("audio", self.audio_dim)) if dim}


class ExampleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The training examples that workers log, in `folder` ("": none), which they and `renew` share.

    `sample`: the share of interactions that become examples; `whole`: the share of those that are logged with
    their whole pool, to judge models on and never to learn from. A shard is closed after `shard_events`
    examples or `rotate_s`. The oldest are deleted after `keep_days`, or beyond `keep_bytes` in all.
    """

    folder: str = ""
    sample: Annotated[float, Meta(ge=0, le=1)] = 1.0
    whole: Annotated[float, Meta(ge=0, le=1)] = 0.1
    shard_events: Positive = 1_000
    rotate_s: PositiveFloat = 600.0
    keep_days: PositiveFloat = 30.0
    keep_bytes: Positive = 10 * 1024**3


class RenewalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model goes on learning from logged examples.

    `examples_min`: new examples that a renewal waits for. `judge`: the newest share of the whole-pool
    examples, at least `judge_min` and at most `judge_max`, on which the new model is compared with the one in
    force; nothing of that stretch is learned. `replay`: older examples for each new one. `errors`: standard
    errors by which the new model must be better to be activated. `keep_models`: of the registry, with the
    active one.
    """

    examples_min: Positive = 5_000
    judge: Annotated[float, Meta(gt=0, lt=1)] = 0.2
    judge_min: Positive = 300
    judge_max: Positive = 4_000
    replay: Annotated[float, Meta(ge=0)] = 3.0
    learning_rate: PositiveFloat = 1e-3
    epochs: Positive = 1
    errors: Annotated[float, Meta(ge=0)] = 2.0
    keep_models: Positive = 5
