"""From a sentence encoder in torch to `registry/text/<name>/`: ONNX in fp32 and int8, tokenizer, cosines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer

from export.manifest import (
    PROJECTION,
    TEXT_ENCODER,
    TEXT_ENCODER_FP32,
    TEXT_FILES,
    TOKENIZER,
    TextManifest,
    facts_of,
    versions_of,
    write_manifest,
)
from export.neighbours import neighbours_kept
from export.projection import fit_projection, save_projection
from export.quantize import quantize_text_encoder
from export.registry import Registry
from export.session import Runner, open_session
from export.text import TEXT_INPUTS, TEXT_OUTPUTS, encoder_name, load_tokenizer
from export.to_onnx import compare, write_onnx
from model.errors import ModelError, ParityError
from model.schema import F32
from model.surrogates import made_whole
from model.text_encoder import BUNDLED, folder_of, load_encoder

COSINE_MEAN = 0.99
KEPT = 64
COMPARED = 200
GENERAL = (
    "A comedy about two friends who drive across the country",
    "A spy thriller with car chases",
    "An animated film for children",
    "A documentary on the deep sea",
    "A love story in Paris in the 1930s",
    "Science fiction: the last ship leaves the Earth",
    "Acoustic guitar strings, light gauge, phosphor bronze",
    "USB microphone with a pop filter and a stand",
    "Wireless headphones with noise cancelling",
    "Stainless steel water bottle, 750 ml",
    "Running shoes, men's size 42, blue",
    "A cotton dress with short sleeves",
    "Garden chair made of oak",
    "Organic green tea, loose leaves",
    "Hotel near the beach with a pool and breakfast",
    "City apartment, free cancellation, pets allowed",
    "News: the council votes on the new bridge",
    "How to bake bread at home",
    "Jazz album, live at the club, remastered",
    "A novel about three generations of a family",
    "A puzzle game for phones",
    "Works as described, I am very happy with it.",
    "Broke after two weeks. I want my money back.",
    "Good for the price, but the instructions are poor.",
)
"""They stand in for the texts of a dataset without any: its items may get some later."""
Inputs = dict[str, NDArray[np.int64]]
PACKAGES = ("headrace", "onnx", "onnxruntime", "onnxscript", "tokenizers", "torch", "transformers")


def export_text_encoder(
    registry: Registry,
    texts: Sequence[str],
    created_ms: int,
    encoder: str = BUNDLED,
    max_tokens: int = 128,
    cosine_mean: float = COSINE_MEAN,
    kept: int = KEPT,
) -> TextManifest:
    """Export `encoder` and register it under `encoder_name(encoder)`; returns the manifest.

    `texts`: real ones, to fit the projection to `kept` dimensions. The function compares int8 with fp32 on
    `COMPARED` of them: a mean cosine below `cosine_mean` is a `ParityError`. If there are few texts, or none
    (a dataset of ids alone), general ones join them.
    """
    if len(texts) < len(GENERAL):
        texts = [*texts, *GENERAL]
    module = load_encoder(encoder)
    with registry.text.adding(encoder_name(encoder)) as folder:
        items, length = torch.export.Dim("texts"), torch.export.Dim("length")
        tokens, mask = torch.arange(5, 23).reshape(2, 9), torch.ones(2, 9, dtype=torch.int64)
        shape = {0: items, 1: length}
        fp32 = folder / TEXT_ENCODER_FP32
        write_onnx(module, (tokens, mask), (shape, shape), TEXT_INPUTS, TEXT_OUTPUTS, fp32)
        _write_tokenizer(encoder, folder / TOKENIZER)
        encoded = _tokens(folder / TOKENIZER, texts, max_tokens)
        compare(module, fp32, [_inputs(each) for each in encoded[:8]], TEXT_OUTPUTS)
        quantize_text_encoder(fp32, folder / TEXT_ENCODER)
        served = _vectors(folder / TEXT_ENCODER, encoded)
        step = -(-len(encoded) // COMPARED)
        exact = _vectors(fp32, encoded[::step])
        cosines = (exact * served[::step]).sum(1)
        if not cosines.mean() >= cosine_mean:
            raise ParityError(
                f"int8 keeps a mean cosine of {cosines.mean():.4f} to fp32 on {len(cosines)} texts (at least "
                f"{cosine_mean}); the gate registers nothing. Name another encoder, or lower the limit"
            )
        save_projection(fit_projection(served, kept), folder / PROJECTION)
        different = sorted({tuple(ids): k for k, ids in reversed([*enumerate(encoded[::step])])}.values())
        kept_near = neighbours_kept(exact[different], served[::step][different])
        manifest = TextManifest(
            name=encoder_name(encoder),
            created_ms=created_ms,
            encoder=encoder,
            dim=served.shape[1],
            files={each: facts_of(folder / each) for each in TEXT_FILES},
            texts=len(cosines),
            cosine_mean=float(cosines.mean()),
            cosine_min=float(cosines.min()),
            versions=versions_of(PACKAGES),
            neighbours_kept=None if np.isnan(kept_near) else kept_near,
            neighbours=len(different),
        )
        write_manifest(folder, manifest)
    return manifest


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


def _tokens(tokenizer_file: Path, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    tokenizer = load_tokenizer(tokenizer_file)
    tokenizer.enable_truncation(max_tokens)
    return [encoding.ids for encoding in tokenizer.encode_batch(list(map(made_whole, texts)))]


def _inputs(ids: list[int]) -> Inputs:
    tokens = np.array([ids], np.int64)
    return dict(zip(TEXT_INPUTS, (tokens, np.ones_like(tokens)), strict=True))


def _vectors(path: Path, encoded: Sequence[list[int]]) -> F32:
    """The vectors of texts, one text at a time, as a worker runs the file."""
    runner = Runner(open_session(lambda _provider: path), TEXT_OUTPUTS)
    return np.concatenate([runner.run(_inputs(ids))[0] for ids in encoded])
