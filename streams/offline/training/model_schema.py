"""The inputs of a model of this core: its schema, tasks and vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from model.actions import CODES
from model.examples import Shard
from model.feature_names import HISTORY_FEATURES, USER_FEATURES
from model.plan import NetworkPlan
from model.schema import Schema
from model.tasks import Task, names_of, ordered, ratings_of, teachable
from model.vocabulary import Vocabulary
from streams.ranking.model_inputs import feature_names
from streams.recommender import Recommender
from streams.settings.tree import Settings


def schema_of(recommender: Recommender, tasks: Mapping[str, Task]) -> Schema:
    """The schema that fits the recommender's features, for a model of these tasks."""
    settings = recommender.settings
    return schema_with(
        recommender.pipeline.names,
        tasks,
        settings.model.modalities,
        settings.state.history,
        recommender.catalog.text.shape[1],
    )


def schema_with(
    sources: Sequence[str],
    tasks: Mapping[str, Task],
    modalities: Mapping[str, int],
    history: int,
    text_dim: int,
) -> Schema:
    """The schema of a model of these tasks, for this build's features with the ranks of these sources."""
    return Schema(
        candidate_features=feature_names(sources),
        user_features=USER_FEATURES,
        history_features=HISTORY_FEATURES,
        tasks=names_of(tasks),
        ratings=ratings_of(ordered(tasks)),
        modalities=dict(modalities),
        history=history,
        text_dim=text_dim,
        actions=CODES,
    )


def tasks_of(settings: Settings, shards: Sequence[Shard]) -> dict[str, Task]:
    """The settings' tasks that the examples can teach."""
    return teachable(
        settings.tasks,
        np.concatenate([each.action for each in shards] or [np.empty(0, np.uint8)]),
        np.concatenate([each.rating for each in shards] or [np.empty(0, np.float32)]),
    )


def vocabulary_of(item_ids: Sequence[str], network: NetworkPlan) -> Vocabulary:
    """One number for each item, or hashed numbers if the plan says so."""
    return Vocabulary(buckets=network.id_buckets) if network.id_buckets else Vocabulary(tuple(item_ids))
