"""What a model of this core is fed with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from model.features import HISTORY_FEATURES, USER_FEATURES
from model.plan import NetworkPlan
from model.schema import Schema
from model.tasks import Task, ordered
from model.vocabulary import Vocabulary
from streams.recommender import Recommender
from streams.rescoring import feature_names


def schema_of(recommender: Recommender, tasks: Mapping[str, Task]) -> Schema:
    """The schema that fits the recommender's features, for a model of these tasks."""
    return Schema(
        candidate_features=feature_names(recommender.pipeline.names),
        user_features=USER_FEATURES,
        history_features=HISTORY_FEATURES,
        tasks=tuple(ordered(tasks)),
        modalities=recommender.settings.model.modalities,
        history=recommender.settings.state.history,
        text_dim=recommender.catalog.text.shape[1],
    )


def vocabulary_of(item_ids: Sequence[str], network: NetworkPlan) -> Vocabulary:
    """A number of its own for each item, or hashed ones where the plan says so."""
    return Vocabulary(buckets=network.id_buckets) if network.id_buckets else Vocabulary(tuple(item_ids))
