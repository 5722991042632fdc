"""A transformer of sentences as ONNX: traced by torch, compared with it, and in int8."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoTokenizer

from export.manifest import TEXT_ENCODER, TEXT_ENCODER_FP32, TOKENIZER
from export.quantize import quantize_text_encoder
from export.text import TEXT_INPUTS, TEXT_OUTPUTS, text_inputs
from export.to_onnx import compare, write_onnx
from export.tokens import LibraryTokens, load_tokenizer
from model.errors import ModelError
from model.text_encoder import folder_of, load_encoder

COMPARED = 8
TOKENS = 128


def write_transformer(encoder: str, folder: Path, texts: Sequence[str]) -> None:
    """Write fp32, int8 and tokenizer into `folder`; `ParityError` if fp32 differs from torch."""
    module = load_encoder(encoder)
    fp32 = folder / TEXT_ENCODER_FP32
    rows, length = torch.export.Dim("texts"), torch.export.Dim("length")
    tokens, mask = torch.arange(5, 23).reshape(2, 9), torch.ones(2, 9, dtype=torch.int64)
    shape = {0: rows, 1: length}
    write_onnx(module, (tokens, mask), (shape, shape), TEXT_INPUTS, TEXT_OUTPUTS, fp32)
    _write_tokenizer(encoder, folder / TOKENIZER)
    known = LibraryTokens(load_tokenizer(folder / TOKENIZER))
    known.cut(TOKENS)
    compare(module, fp32, [text_inputs([ids]) for ids in known.ids(texts[:COMPARED])], TEXT_OUTPUTS)
    quantize_text_encoder(fp32, folder / TEXT_ENCODER)


def _write_tokenizer(encoder: str, path: Path) -> None:
    """The tokenizer as the tokenizers library reads it, without padding or truncation."""
    backend = getattr(AutoTokenizer.from_pretrained(folder_of(encoder)), "backend_tokenizer", None)
    if backend is None:
        raise ModelError(
            f"text encoder {encoder!r} has no fast tokenizer; name one that has a tokenizer.json"
        )
    backend.no_padding()
    backend.no_truncation()
    backend.save(str(path))
