"""Texts -> vectors with a registered text encoder: tokens and onnxruntime, no torch.

A text's vector never depends on the texts around it. onnxruntime scales activations of the int8 file over all
rows of a run, so it gets one text at a time; the fp32 file (GPUs), and the universal encoder's own code
(`universal/runner.py`), get batches of similar length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from export.manifest import (
    PROJECTION,
    TEXT_ENCODER,
    TEXT_ENCODER_FP32,
    TEXT_FILES,
    TOKENIZER,
    VECTOR_TABLE,
    TextManifest,
    read_manifest,
    verify,
)
from export.projection import Projection, load_projection
from export.providers import COMPILED, OnFallback
from export.session import Runner, open_session
from export.tokens import Tokens, load_tokens, unknown_in
from export.universal.runner import UniversalRunner, compiled_or
from model.schema import F32
from model.universal import UNIVERSAL

UNKNOWN_SHARE = 0.2
TEXT_INPUTS = ("tokens", "mask")
TEXT_OUTPUTS = ("vectors",)


class TokenCount(NamedTuple):
    """How many tokens texts have, and how many of them stand for what the encoder does not know."""

    tokens: int
    unknown: int

    @property
    def share(self) -> float:
        """Of unknown ones; 0 where there is no token."""
        return self.unknown / max(self.tokens, 1)


class TextEncoder:
    """`encode(texts)` -> float32 [n, dim], rows of length 1; an empty text is a zero vector.

    `counted`: the tokens of all texts that it has read so far.
    """

    def __init__(
        self,
        runner: Runner | UniversalRunner,
        tokens: Tokens,
        projection: Projection,
        manifest: TextManifest,
        max_tokens: int,
    ) -> None:
        self.manifest = manifest
        self.projection = projection
        self.dim = manifest.dim
        self._runner = runner
        self.batch = runner.together
        self._tokens = tokens
        tokens.cut(max_tokens)
        self.counted = TokenCount(0, 0)
        self.encode(["a first run, so that the first text does not pay for it"])
        self.counted = TokenCount(0, 0)

    @property
    def kept(self) -> int:
        """How many numbers are kept of a text."""
        return int(self.projection.components.shape[1])

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

    def count(self, texts: Sequence[str]) -> TokenCount:
        """Of the texts as far as the encoder reads them."""
        return self._counts(self._tokens.ids([text for text in texts if text.strip()]))

    def encode(self, texts: Sequence[str]) -> F32:
        """The vectors, in the order of the texts."""
        found = np.zeros((len(texts), self.dim), np.float32)
        written = [row for row, text in enumerate(texts) if text.strip()]
        tokens = dict(zip(written, self._tokens.ids([texts[row] for row in written]), strict=True))
        self._count(tokens.values())
        for rows in _by_length(tokens, self.batch):
            found[rows] = _vectors(self._runner, [tokens[row] for row in rows])
        return found

    def _counts(self, tokens: Iterable[list[int]]) -> TokenCount:
        unknown, ends = self.manifest.unknown_id, self._tokens.ends
        found = [(len(ids) - ends, 0 if unknown is None else ids.count(unknown)) for ids in tokens]
        return TokenCount(sum(count for count, _ in found), sum(count for _, count in found))

    def _count(self, tokens: Iterable[list[int]]) -> None:
        more = self._counts(tokens)
        self.counted = TokenCount(self.counted.tokens + more.tokens, self.counted.unknown + more.unknown)


def load_text_encoder(
    folder: Path,
    providers: Sequence[str] = (COMPILED,),
    fallback: bool = False,
    threads: int = 1,
    max_tokens: int = 128,
    on_fallback: OnFallback | None = None,
) -> TextEncoder:
    """Check a folder of `registry/text/`, and open it. Raises `ManifestError` or `ProviderError`."""
    manifest = read_manifest(folder, TextManifest)
    verify(folder, manifest, TEXT_FILES)
    if manifest.unknown_id is None and TOKENIZER in manifest.files:  # a former build noted none
        manifest = msgspec.structs.replace(manifest, unknown_id=unknown_in(folder / TOKENIZER))

    def file_for(provider: str) -> Path:
        return folder / (TEXT_ENCODER if provider == "cpu" else TEXT_ENCODER_FP32)

    opened = open_session(file_for, providers, fallback, threads, on_fallback)
    runner = Runner(opened, TEXT_OUTPUTS)
    compiles = tuple(providers[:1]) == (COMPILED,) and VECTOR_TABLE in manifest.files
    return TextEncoder(
        compiled_or(runner, folder) if compiles else runner,
        load_tokens(folder, manifest),
        load_projection(folder / PROJECTION, manifest.dim),
        manifest,
        max_tokens,
    )


def too_much_unknown(encoder: str, count: TokenCount) -> str:
    """What to do where more than `UNKNOWN_SHARE` of a catalogue's tokens are unknown to the encoder; "" else.

    >>> too_much_unknown("some", TokenCount(1_000, 200))
    ''
    """
    if count.share <= UNKNOWN_SHARE:
        return ""
    other = (
        "a Hugging Face id of an encoder for your language"
        if encoder == UNIVERSAL
        else f"{UNIVERSAL!r} (sixteen languages), or a Hugging Face id of an encoder for yours"
    )
    return (
        f"text encoder {encoder!r} does not know {count.share:.0%} of the tokens of these texts "
        f"({count.unknown} of {count.tokens}): all of them are the same to it. Set model.text_encoder to "
        f"{other}, and train again"
    )


def text_inputs(tokens: Sequence[Sequence[int]]) -> dict[str, NDArray[np.int64]]:
    """What a graph reads of texts, padded to the longest: their tokens, and where there are any."""
    width = max(map(len, tokens))
    ids, mask = np.zeros((len(tokens), width), np.int64), np.zeros((len(tokens), width), np.int64)
    for row, each in enumerate(tokens):
        ids[row, : len(each)] = each
        mask[row, : len(each)] = 1
    return dict(zip(TEXT_INPUTS, (ids, mask), strict=True))


def encoder_name(encoder: str) -> str:
    """The registry's name of an encoder: a Hugging Face id without its slash, or a folder's last part.

    >>> encoder_name("sentence-transformers/all-MiniLM-L6-v2")
    'sentence-transformers--all-MiniLM-L6-v2'
    """
    if Path(encoder).is_dir():
        return Path(encoder).resolve().name
    return encoder.replace("/", "--")


def _vectors(runner: Runner | UniversalRunner, tokens: Sequence[Sequence[int]]) -> F32:
    if isinstance(runner, UniversalRunner):
        return runner.vectors(tokens)
    return runner.run(text_inputs(tokens))[0]


def _by_length(tokens: dict[int, list[int]], size: int) -> Iterator[list[int]]:
    """Groups of rows with tokens of similar length, to pad little."""
    order = sorted(tokens, key=lambda row: (len(tokens[row]), row))
    for start in range(0, len(order), size):
        yield order[start : start + size]
