"""A first, small training in the middle of the warm part, so that examples know what a model retrieves.

The user tower finds other candidates than the counters. A network that has never seen them among its
negatives ranks them too high, and their place in the tower's list can't be a feature. So the training first
trains a scout on the first examples. The scout then serves as a candidate source while the core collects the
later examples: it never retrieves for an event of its own training.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from model.examples import Shard
from model.schema import RescorerInputs, Schema, Scores
from model.vocabulary import Vocabulary
from streams.offline.training.dataset_texts import Say
from streams.ranking.model_in_service import ModelInService
from streams.recommender import Recommender

SCOUT_EPOCHS = 4
ITEMS, USERS, FACTS = "items.onnx", "users.onnx", "scout.json"


class _Facts(msgspec.Struct, frozen=True):
    model_schema: Schema
    vocabulary: Vocabulary


def scout(recommender: Recommender, shards: Sequence[Shard], say: Say) -> ModelInService:
    """A model of the kind in the settings, trained on `shards`, which only retrieves."""
    with TemporaryDirectory(prefix="headrace-scout-") as folder:
        write_scout(recommender, shards, Path(folder), say)
        return load_scout(Path(folder), recommender.pipeline.names)


def write_scout(recommender: Recommender, shards: Sequence[Shard], folder: Path, say: Say) -> None:
    """Train a scout and write it into `folder`, for other processes."""
    from export.to_onnx import export_tower, export_users
    from model.train import Progress, train
    from streams.offline.training.model_schema import schema_of, vocabulary_of

    model = recommender.settings.model
    tasks = recommender.settings.tasks
    schema = schema_of(recommender, tasks)
    vocabulary = vocabulary_of(recommender.catalog.ids, model.network)
    plan = msgspec.structs.replace(model.training, epochs=min(SCOUT_EPOCHS, model.training.epochs))

    def report(progress: Progress) -> None:
        say("training a scout", progress.done, progress.total)

    net = train(shards, (), schema, model.network, plan, tasks, vocabulary, report).to("cpu")
    folder.mkdir(parents=True, exist_ok=True)
    export_tower(net, folder / ITEMS)
    export_users(net, folder / USERS)
    (folder / FACTS).write_bytes(msgspec.json.encode(_Facts(schema, vocabulary)))


def load_scout(folder: Path, sources: Sequence[str]) -> ModelInService:
    """The scout in `folder`; `sources` as in `Pipeline.names`."""
    from export.session import ItemTower, UserTower, open_session

    schema, vocabulary = msgspec.structs.astuple(
        msgspec.json.decode((folder / FACTS).read_bytes(), type=_Facts)
    )
    tower = ItemTower(open_session(lambda _provider: folder / ITEMS), schema)
    finder = UserTower(open_session(lambda _provider: folder / USERS), schema)
    return ModelInService("scout", schema, vocabulary, tower.vectors, finder.vectors, _unscored, sources)


def _unscored(inputs: RescorerInputs) -> Scores:
    """A scout orders nothing."""
    shape = inputs.candidate_features.shape[:2]
    return Scores(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
