"""A registry with small models of the schema that this build feeds: seeded, not trained.

torch takes seconds to export one, so each is exported once in a run, and copied.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import torch

from export.manifest import Manifest, TextEncoderRef, read_manifest, write_manifest
from export.package import export_model
from export.parity import HeldOut, ParityLimits
from export.random_inputs import random_inputs
from export.registry import Registry
from model.checkpoint import Checkpoint
from model.feature_names import HISTORY_FEATURES, USER_FEATURES
from model.network import FusionNet
from model.plan import NetworkPlan
from model.schema import Schema
from model.tasks import default_tasks
from model.vocabulary import Vocabulary
from streams.ranking.model_inputs import feature_names
from streams.ranking.pipeline import sources
from tests.made_once import made_once

LOOSE = ParityLimits(
    examples=1,
    click_error_max=1e9,
    click_error_mean=1e9,
    probability_error_max=1e9,
    probability_error_mean=1e9,
    rating_error_max=1e9,
    rating_error_mean=1e9,
    top10_agreement=0.0,
    ndcg10_lost=1e9,
)


ANY = "any"
"""The name of a model that is exported once; each copy gets another."""
ITEMS = 20
"""How many items they know: "item-0", "item-1" and so on. What else a test names, they have not met."""


def register_models(folder: Path, names: tuple[str, ...], texts: TextEncoderRef | None = None) -> Registry:
    """Models of these names, each with weights of its own; what int8 costs does not matter here. texts: what
    read them the texts.
    """
    registry = Registry(folder)
    for seed, name in enumerate(names):
        with registry.adding(name) as place:
            shutil.copytree(_exported(seed), place, dirs_exist_ok=True)
            exported = read_manifest(place, Manifest)
            write_manifest(place, msgspec.structs.replace(exported, name=name, text_encoder=texts))
    return registry


def _exported(seed: int) -> Path:
    return Registry(made_once(f"model-{seed}", lambda folder: _export(Registry(folder), seed))).get(ANY)


def _export(registry: Registry, seed: int) -> None:
    schema = Schema(
        candidate_features=feature_names([source.name for source in sources()]),
        user_features=USER_FEATURES,
        history_features=HISTORY_FEATURES,
    )
    vocabulary = Vocabulary(tuple(f"item-{n}" for n in range(ITEMS)))
    held_out = [HeldOut(random_inputs(schema, 8, 20), np.zeros(8, np.int64), np.ones((8, 20), np.bool_))]
    torch.manual_seed(seed)
    net = FusionNet(NetworkPlan(width=16, hidden=(16, 8)), schema, vocabulary.size).eval()
    checkpoint = Checkpoint(net, {each: default_tasks()[each] for each in schema.tasks}, vocabulary)
    export_model(net, vocabulary, held_out, registry, ANY, seed + 1, limits=LOOSE, checkpoint=checkpoint)
