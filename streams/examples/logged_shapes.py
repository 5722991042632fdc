"""Whether logged examples are of the features that a model reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model.errors import DataError
from model.examples import MODALITY
from model.schema import Schema
from model.shard_format import ShardFacts
from model.shards import ShardFiles


def check_all(shards: ShardFiles, schema: Schema) -> None:
    """`DataError` for the first of the shards that was logged under other features than the model reads."""
    for facts, path in zip(shards.facts, shards.paths, strict=True):
        check_shapes(path, facts, schema)


def check_shapes(path: Path, facts: ShardFacts, schema: Schema) -> None:
    """`DataError` where the shard at `path` was logged under other features than the model reads."""
    shapes = facts.shapes
    read: dict[str, tuple[Any, Any]] = {
        "candidate features": (shapes["candidate_features"][-1], len(schema.candidate_features)),
        "names of candidate features": (facts.features or None, schema.candidate_features),
        "user features": (shapes["user_features"][-1], len(schema.user_features)),
        "history": (shapes["history_features"], (schema.history, len(schema.history_features))),
        "text": (shapes["text"][-1], schema.text_dim),
        "attributes": (shapes["attributes"][-1], schema.attributes),
        "profile": (shapes["profile"][-1], schema.profile),
        "modalities": (
            {each.removeprefix(MODALITY): shapes[each][-1] for each in shapes if each.startswith(MODALITY)},
            schema.modalities,
        ),
    }
    for name, (found, wanted) in read.items():
        if found is not None and found != wanted:
            raise DataError(
                f"{path}: {name} of the examples: {found}; the model reads {wanted}. They were logged under "
                "other settings or by another version: train anew from a dataset, or empty the folder"
            )
