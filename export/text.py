"""Texts -> vectors with a registered text encoder: tokenizers and onnxruntime, no torch.

A text's vector never depends on the texts around it. The int8 file scales activations over all rows of a run,
so it gets one text at a time; the fp32 file (GPUs) gets batches of similar length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from export.manifest import (
    PROJECTION,
    TEXT_ENCODER,
    TEXT_ENCODER_FP32,
    TEXT_FILES,
    TOKENIZER,
    TextManifest,
    read_manifest,
    verify,
)
from export.projection import Projection, load_projection
from export.providers import OnFallback
from export.session import Runner, open_session
from model.errors import ManifestError
from model.schema import F32
from model.surrogates import made_whole

TEXT_INPUTS = ("tokens", "mask")
TEXT_OUTPUTS = ("vectors",)
GPU_BATCH = 64


class TextEncoder:
    """`encode(texts)` -> float32 [n, dim], rows of length 1; an empty text is a zero vector."""

    def __init__(
        self,
        runner: Runner,
        tokenizer: Tokenizer,
        projection: Projection,
        manifest: TextManifest,
        max_tokens: int,
    ) -> None:
        self.manifest = manifest
        self.projection = projection
        self.dim = manifest.dim
        self._runner = runner
        self.batch = 1 if runner.provider == "cpu" else GPU_BATCH
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        self.encode(["a first run, so that the first text does not pay for it"])

    @property
    def provider(self) -> str:
        """ "tensorrt", "cuda" or "cpu": what truly runs."""
        return self._runner.provider

    @property
    def fell_back(self) -> bool:
        """Whether that is another provider than the first one in the settings."""
        return self._runner.fell_back

    def project(self, texts: Sequence[str]) -> F32:
        """The vectors to keep of items' or reviews' texts: float32 [n, kept], rows of length 1 or zero."""
        return self.projection(self.encode(texts))

    def encode(self, texts: Sequence[str]) -> F32:
        """The vectors, in the order of the texts."""
        found = np.zeros((len(texts), self.dim), np.float32)
        written = [row for row, text in enumerate(texts) if text.strip()]
        tokens = {
            row: encoding.ids
            for row, encoding in zip(
                written,
                self._tokenizer.encode_batch([made_whole(texts[row]) for row in written]),
                strict=True,
            )
        }
        for rows in _by_length(tokens, self.batch):
            width = len(tokens[rows[-1]])
            ids = np.zeros((len(rows), width), np.int64)
            mask = np.zeros((len(rows), width), np.int64)
            for place, row in enumerate(rows):
                length = len(tokens[row])
                ids[place, :length] = tokens[row]
                mask[place, :length] = 1
            found[rows] = self._runner.run(dict(zip(TEXT_INPUTS, (ids, mask), strict=True)))[0]
        return found


def load_text_encoder(
    folder: Path,
    providers: Sequence[str] = ("cpu",),
    fallback: bool = False,
    threads: int = 1,
    max_tokens: int = 128,
    on_fallback: OnFallback | None = None,
) -> TextEncoder:
    """Check a folder of `registry/text/`, and open it. Raises `ManifestError` or `ProviderError`."""
    manifest = read_manifest(folder, TextManifest)
    verify(folder, manifest, TEXT_FILES)

    def file_for(provider: str) -> Path:
        return folder / (TEXT_ENCODER if provider == "cpu" else TEXT_ENCODER_FP32)

    opened = open_session(file_for, providers, fallback, threads, on_fallback)
    return TextEncoder(
        Runner(opened, TEXT_OUTPUTS),
        load_tokenizer(folder / TOKENIZER),
        load_projection(folder / PROJECTION, manifest.dim),
        manifest,
        max_tokens,
    )


def load_tokenizer(path: Path) -> Tokenizer:
    """A `tokenizer.json` of the tokenizers library."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain exceptions
        raise ManifestError(f"{path} is no tokenizer.json ({error}); export the text encoder again") from None


def encoder_name(encoder: str) -> str:
    """The registry's name of an encoder: a Hugging Face id without its slash, or a folder's last part.

    >>> encoder_name("sentence-transformers/all-MiniLM-L6-v2")
    'sentence-transformers--all-MiniLM-L6-v2'
    """
    if Path(encoder).is_dir():
        return Path(encoder).resolve().name
    return encoder.replace("/", "--")


def _by_length(tokens: dict[int, list[int]], size: int) -> Iterator[list[int]]:
    """Groups of rows with tokens of similar length, to pad little."""
    order = sorted(tokens, key=lambda row: (len(tokens[row]), row))
    for start in range(0, len(order), size):
        yield order[start : start + size]
