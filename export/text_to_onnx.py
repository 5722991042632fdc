"""From a sentence encoder to `registry/text/<name>/`: ONNX in fp32 and int8, tokens, projection, cosines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from export.manifest import (
    PIECES,
    PROJECTION,
    TEXT_ENCODER,
    TEXT_ENCODER_FP32,
    TEXT_FILES,
    TOKENIZER,
    VECTOR_TABLE,
    TextManifest,
    facts_of,
    versions_of,
    write_manifest,
)
from export.neighbours import neighbours_kept
from export.projection import fit_projection, save_projection
from export.registry import Registry
from export.session import Runner, open_session
from export.text import TEXT_OUTPUTS, encoder_name, text_inputs
from export.tokens import LibraryTokens, Tokens, load_tokenizer, unknown_in
from model.errors import ModelError, ParityError
from model.schema import F32
from model.universal import UNIVERSAL

COSINE_MEAN = 0.99
KEPT = 64
COMPARED = 200
PHRASES = 1_000
"""Phrases of the encoder's own words that a projection is fitted to beside the catalogue's texts: what comes
later, and who searches, may have other words than these."""
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
"""What both graphs are compared on where there are hardly any texts: items may get some later."""
PACKAGES = (
    "headrace", UNIVERSAL, "onnx", "onnxruntime", "onnxscript", "tokenizers", "torch", "transformers",
)  # fmt: skip


def export_missing(registry: Registry, texts: Sequence[str], encoder: str = UNIVERSAL) -> bool:
    """Export `encoder` where the registry lacks it; whether it did. Raises as `export_text_encoder`."""
    name = encoder_name(encoder)
    if registry.text.has(name):
        return False
    try:
        export_text_encoder(registry, texts, time.time_ns() // 1_000_000, encoder)
    except ModelError:
        if not registry.text.has(name):  # another process may have been faster
            raise
        return False
    return True


def export_text_encoder(
    registry: Registry,
    texts: Sequence[str],
    created_ms: int,
    encoder: str = UNIVERSAL,
    max_tokens: int = 128,
    cosine_mean: float = COSINE_MEAN,
    kept: int = KEPT,
) -> TextManifest:
    """Export `encoder` and register it under `encoder_name(encoder)`; returns the manifest.

    `texts`: real ones, to fit the projection to `kept` dimensions. The function compares int8 with fp32 on
    `COMPARED` of them: a mean cosine below `cosine_mean` is a `ParityError`. If there are few texts, or none
    (a shop's first day, a dataset of ids alone), general ones join them. fp32 must agree with what the
    weights came from.
    """
    if len(texts) < len(GENERAL):
        texts = [*texts, *GENERAL]
    step = -(-len(texts) // COMPARED)
    with registry.text.adding(encoder_name(encoder)) as folder:
        tokens, unknown, own_files = _written(encoder, folder, texts[::step])
        tokens.cut(max_tokens)
        encoded = tokens.ids(texts)
        served = _vectors(folder / TEXT_ENCODER, encoded)
        exact = _vectors(folder / TEXT_ENCODER_FP32, encoded[::step])
        cosines = (exact * served[::step]).sum(1)
        if not cosines.mean() >= cosine_mean:
            raise ParityError(
                f"int8 keeps a mean cosine of {cosines.mean():.4f} to fp32 on {len(cosines)} texts (at least "
                f"{cosine_mean}); the gate registers nothing. Name another encoder, or lower the limit"
            )
        fitted_to = np.concatenate([served, *_of_phrases(encoder, folder, tokens)])
        save_projection(fit_projection(fitted_to, kept), folder / PROJECTION)
        different = sorted({tuple(ids): k for k, ids in reversed([*enumerate(encoded[::step])])}.values())
        kept_near = neighbours_kept(exact[different], served[::step][different])
        manifest = TextManifest(
            name=encoder_name(encoder),
            created_ms=created_ms,
            encoder=encoder,
            dim=served.shape[1],
            files={each: facts_of(folder / each) for each in (*TEXT_FILES, *own_files)},
            texts=len(cosines),
            cosine_mean=float(cosines.mean()),
            cosine_min=float(cosines.min()),
            versions=versions_of(PACKAGES),
            neighbours_kept=None if np.isnan(kept_near) else kept_near,
            neighbours=len(different),
            unknown_id=unknown,
        )
        write_manifest(folder, manifest)
    return manifest


def _written(encoder: str, folder: Path, texts: Sequence[str]) -> tuple[Tokens, int | None, tuple[str, ...]]:
    """Write both graphs, checked on `texts`. What they need: the tokens, the unknown one, further files."""
    if encoder == UNIVERSAL:
        from export.sentencepiece.pieces import UNKNOWN, Pieces
        from export.universal.files import write_universal

        pieces: Pieces = write_universal(folder, texts)
        return pieces, UNKNOWN, (PIECES, VECTOR_TABLE)
    from export.transformer_to_onnx import write_transformer  # brings torch

    write_transformer(encoder, folder, texts)
    path = folder / TOKENIZER
    return LibraryTokens(load_tokenizer(path)), unknown_in(path), (TOKENIZER,)


def _of_phrases(encoder: str, folder: Path, tokens: Tokens) -> list[F32]:
    """Vectors of `PHRASES` phrases, as one array; none of another encoder, which only a training brings."""
    if encoder != UNIVERSAL:
        return []
    from export.universal.phrases import phrases

    return [_vectors(folder / TEXT_ENCODER, tokens.ids(phrases(PHRASES)))]


def _vectors(path: Path, encoded: Sequence[list[int]]) -> F32:
    """The vectors of texts, one text at a time, as a worker runs the file."""
    runner = Runner(open_session(lambda _provider: path), TEXT_OUTPUTS)
    return np.concatenate([runner.run(text_inputs([ids]))[0] for ids in encoded])
