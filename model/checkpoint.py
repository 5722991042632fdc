"""A trained network on disk: weights as safetensors, everything else as JSON. Data, never code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from model.errors import ManifestError
from model.network import FusionNet
from model.plan import NetworkPlan
from model.schema import SCHEMA_VERSION, Schema
from model.tasks import Task, names_of
from model.vocabulary import Vocabulary

WEIGHTS, FACTS = "weights.safetensors", "checkpoint.json"


class _Facts(msgspec.Struct):
    network: NetworkPlan
    schema: Schema
    tasks: dict[str, Task]
    vocabulary: Vocabulary


class Checkpoint(NamedTuple):
    """A network in evaluation mode, its tasks, and the items for which it has ids."""

    net: FusionNet
    tasks: dict[str, Task]
    vocabulary: Vocabulary


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write the checkpoint; each file appears whole."""
    net, tasks, vocabulary = checkpoint
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f".{WEIGHTS}"
    save_file({name: each.contiguous() for name, each in net.state_dict().items()}, weights)
    os.replace(weights, folder / WEIGHTS)
    facts = folder / f".{FACTS}"
    facts.write_bytes(msgspec.json.encode(_Facts(net.plan, net.schema, tasks, vocabulary)))
    os.replace(facts, folder / FACTS)


def load_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint that `save_checkpoint` wrote; `ManifestError` if there is none."""
    try:
        facts = msgspec.json.decode((folder / FACTS).read_bytes(), type=_Facts)
        if facts.schema.version != SCHEMA_VERSION:
            raise ValueError(f"schema version {facts.schema.version}, expected {SCHEMA_VERSION}")
        if facts.schema.tasks != names_of(facts.tasks):
            raise ValueError(
                f"tasks {', '.join(names_of(facts.tasks))}; its outputs are {', '.join(facts.schema.tasks)}"
            )
        net = FusionNet(facts.network, facts.schema, facts.vocabulary.size)
        net.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, ValueError, ArithmeticError, TypeError, SafetensorError, RuntimeError) as error:
        raise ManifestError(f"{folder} is not a checkpoint of this build ({error}); train again") from None
    return Checkpoint(net.eval(), facts.tasks, facts.vocabulary)
