"""A trained network on disk: weights as safetensors, everything else as JSON. Data, never code."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from model.errors import ManifestError
from model.network import FusionNet, NetworkConfig
from model.schema import Schema

WEIGHTS, FACTS = "weights.safetensors", "checkpoint.json"


class _Facts(msgspec.Struct):
    config: NetworkConfig
    schema: Schema
    vocabulary: list[str]


def save_checkpoint(net: FusionNet, vocabulary: list[str], folder: Path) -> None:
    """Write the network and its vocabulary (item ids; the first has id 1); each file appears whole."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f".{WEIGHTS}"
    save_file({name: each.contiguous() for name, each in net.state_dict().items()}, weights)
    os.replace(weights, folder / WEIGHTS)
    facts = folder / f".{FACTS}"
    facts.write_bytes(
        msgspec.json.encode({"config": asdict(net.config), "schema": net.schema, "vocabulary": vocabulary})
    )
    os.replace(facts, folder / FACTS)


def load_checkpoint(folder: Path) -> tuple[FusionNet, list[str]]:
    """The network in evaluation mode, and its vocabulary; `ManifestError` where there is no checkpoint."""
    try:
        facts = msgspec.json.decode((folder / FACTS).read_bytes(), type=_Facts)
        net = FusionNet(facts.config, facts.schema)
        net.load_state_dict(load_file(folder / WEIGHTS))
        if len(facts.vocabulary) != facts.config.vocabulary:
            raise ValueError(f"{len(facts.vocabulary)} items for {facts.config.vocabulary} ids")
    except (OSError, ValueError, ArithmeticError, TypeError, SafetensorError, RuntimeError) as error:
        raise ManifestError(f"{folder} is not a checkpoint of this build ({error}); train again") from None
    return net.eval(), facts.vocabulary
