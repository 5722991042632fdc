"""A small, seeded network and what was exported from it; that takes seconds, and is done once in a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from export.manifest import Manifest, read_manifest
from export.package import export_model
from export.parity import HeldOut
from export.random_inputs import random_inputs
from export.registry import Registry
from model.network import FusionNet
from model.plan import NetworkPlan
from model.schema import Schema
from model.vocabulary import Vocabulary
from tests.made_once import made_once

SCHEMA = Schema(
    candidate_features=("popular_ever", "text_taste", "age", *(f"candidate_{k}" for k in range(3, 7))),
    user_features=("gap", "count", "rating_mean"),
    history_features=("liking", "gap"),
    tasks=("click", "rating", "like"),
    modalities={"image": 5, "audio": 3},
    history=6,
    text_dim=12,
    item_dim=16,
    user_dim=8,
)
VOCABULARY = Vocabulary(tuple(f"item-{k}" for k in range(1, 21)))
PLAN = NetworkPlan(width=32, hidden=(48, 32))


def small_net(seed: int = 0, schema: Schema = SCHEMA, plan: NetworkPlan = PLAN) -> FusionNet:
    torch.manual_seed(seed)
    net = FusionNet(plan, schema, VOCABULARY.size)
    with torch.no_grad():
        torch.nn.init.normal_(net.rescorer.skip.weight[0], std=0.5)
    return net.eval()


def held_out(users: int = 240, candidates: int = 40, seed: int = 3) -> list[HeldOut]:
    """Batches in which the met item is the first; the last two candidates of each list are only padding."""
    batches = []
    for start in range(0, users, 60):
        present = np.ones((60, candidates), np.bool_)
        present[:, -2:] = False
        inputs = random_inputs(SCHEMA, 60, candidates, seed + start)
        batches.append(HeldOut(inputs, np.zeros(60, np.int64), present))
    return batches


@pytest.fixture(scope="session")
def net() -> FusionNet:
    return small_net()


def small_registry() -> Registry:
    """A registry with one model, "first", exported from `small_net()`; for reading."""

    def export(folder: Path) -> None:
        export_model(
            small_net(),
            VOCABULARY,
            held_out(),
            Registry(folder),
            "first",
            created_ms=1_700_000_000_000,
            training={"seed": 0},
            counters={"window": 10},
        )

    return Registry(made_once("small-net", export))


@pytest.fixture(scope="session")
def registered() -> tuple[Registry, Manifest]:
    """The small registry, and the manifest of its model."""
    registry = small_registry()
    return registry, read_manifest(registry.get("first"), Manifest)


@pytest.fixture
def model_folder(registered: tuple[Registry, Manifest], tmp_path: Path) -> Path:
    """A copy of the registered model that a test may damage."""
    source = registered[0].get("first")
    folder = tmp_path / "damaged"
    folder.mkdir()
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder
