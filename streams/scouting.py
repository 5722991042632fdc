"""A first, small training in the middle of the warm part, so that examples know what a model retrieves.

Candidates that the user tower finds are unlike those of the counters. A network that has never seen them
among its negatives ranks them too high, and the place that the tower gave them can't be a feature. So a scout
is trained on the first examples and serves as a candidate source while the later ones are collected: it never
retrieves for an event that it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from model.examples import Shard
from model.schema import RescorerInputs, Scores
from model.tasks import ordered
from streams.dataset_texts import Say
from streams.recommender import Recommender
from streams.rescoring import ModelInService

SCOUT_EPOCHS = 4


def scout(recommender: Recommender, shards: Sequence[Shard], say: Say) -> ModelInService:
    """A model of the kind that the settings ask for, trained on `shards`, that only retrieves."""
    from export.session import ItemTower, UserTower, open_session
    from export.to_onnx import export_tower, export_users
    from model.train import Progress, train
    from streams.model_schema import schema_of, vocabulary_of

    model = recommender.settings.model
    tasks = ordered(model.tasks)
    schema = schema_of(recommender, tasks)
    vocabulary = vocabulary_of(recommender.catalog.ids, model.network)
    plan = msgspec.structs.replace(model.training, epochs=min(SCOUT_EPOCHS, model.training.epochs))

    def report(progress: Progress) -> None:
        say("training a scout", progress.done, progress.total)

    net = train(shards, (), schema, model.network, plan, tasks, vocabulary, report).to("cpu")
    with TemporaryDirectory(prefix="headrace-scout-") as folder:
        items, users = Path(folder) / "items.onnx", Path(folder) / "users.onnx"
        export_tower(net, items)
        export_users(net, users)
        tower = ItemTower(open_session(lambda _provider: items), schema)
        finder = UserTower(open_session(lambda _provider: users), schema)
    return ModelInService(
        "scout", schema, vocabulary, tower.vectors, finder.vectors, _unscored, recommender.pipeline.names
    )


def _unscored(inputs: RescorerInputs) -> Scores:
    """A scout orders nothing."""
    shape = inputs.candidate_features.shape[:2]
    return Scores(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
