"""Low-rank adapters on a transformer (LoRA, arXiv 2106.09685): attach, train nothing else, merge.

By default only the upper layers get adapters: gradients then end half-way down, which halves the cost of a
step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from model.errors import ModelError

_layer = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")


@dataclass(frozen=True)
class LoraSettings:
    """`rank` of the update, its scale `alpha` / `rank`, dropout before it, and the number of top layers."""

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05
    top_layers: int = 3


def attach(transformer: nn.Module, settings: LoraSettings, seed: int) -> PeftModel:
    """The transformer with adapters beside the matrices of its top layers; all other weights are frozen."""
    names = _matrices(transformer, settings.top_layers)
    if not names:
        raise ModelError(
            f"{type(transformer).__name__} has no numbered layers with matrices to adapt; "
            "tune an encoder whose layers are named like layer.0 or layers.0"
        )
    torch.manual_seed(seed)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=names,
        bias="none",
    )
    return cast("PeftModel", get_peft_model(transformer, config))


def merge(adapted: PeftModel) -> nn.Module:
    """The transformer in its original form, with the updates added to its weights."""
    merged: nn.Module = adapted.merge_and_unload()
    merged.requires_grad_(True)
    return merged.eval()


def _matrices(transformer: nn.Module, top_layers: int) -> list[str]:
    """The names of the linear modules within the top numbered layers."""
    numbered = [
        (int(found[1]), name)
        for name, module in transformer.named_modules()
        if isinstance(module, nn.Linear) and (found := _layer.search(name))
    ]
    layers = max((number for number, _ in numbered), default=-1) + 1
    return [name for number, name in numbered if number >= layers - top_layers]
